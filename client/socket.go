package client

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/version"
)

const (
	// writeTimeout is the time to write a frame, plus a second for each
	// bytesPerSecond.
	writeTimeout   = 30 * time.Second
	bytesPerSecond = 8 << 10
	// fragmentSize is the number of bytes of a frame that are written at a time.
	// The library has to answer a ping within 5 seconds, between two fragments.
	fragmentSize = 4 * bytesPerSecond
	// closeTimeout is the time that the service has to answer a close frame.
	closeTimeout = 5 * time.Second
)

// socket is one WebSocket of a connection.
type socket struct {
	conn  *connection
	codec frame.Codec
	raw   *websocket.Conn
	below *cork                 // closing it is the only way to end a WebSocket at once
	in    *bytes.Buffer         // a pointer, so that fmt does not print the frame in it
	again func() ([]byte, bool) // returns a frame to be read again; nil if there is none
	out   outbox
	guard *time.Timer // cuts the socket when a write times out

	lost   chan struct{} // closed when the socket has ended
	frames atomic.Uint64 // number of frames and pings received

	ping, watch *ticker
	received    *sequenceAcks // nil unless the subprotocol is reliable
}

// dial makes a WebSocket.
func dial(ctx context.Context, u *url.URL, conn *connection, o *Options) (*socket, error) {
	codec := o.Protocol.codec()
	conn.secrets.learnHandshake(u, o.Header)
	header := http.Header{"User-Agent": {"webpubsub-go-client/" + version.Version}}
	maps.Copy(header, o.Header)
	corker := &corker{next: cmp.Or(o.HTTPClient.Transport, http.DefaultTransport)}
	client := *o.HTTPClient
	client.Transport = corker
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ws := &socket{conn: conn, codec: codec, in: new(bytes.Buffer), lost: make(chan struct{})}
	raw, resp, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{ //nolint:bodyclose // the library closes it and keeps what it has read
		HTTPClient: &client, HTTPHeader: header, Subprotocols: []string{codec.Name()},
		OnPingReceived: func(context.Context, []byte) bool { ws.frames.Add(1); return true },
	})
	if err != nil {
		return nil, conn.secrets.handshakeError(resp, err, u)
	}
	if !strings.EqualFold(raw.Subprotocol(), codec.Name()) {
		_ = raw.CloseNow()
		return nil, fmt.Errorf("service did not accept subprotocol %s", codec.Name())
	}
	raw.SetReadLimit(frame.MaxFrame)
	ws.raw, ws.below = raw, corker.cork
	ws.out.write, ws.out.fail = ws.write, ws.cut
	ws.guard = time.AfterFunc(writeTimeout, ws.cut)
	ws.guard.Stop()
	return ws, nil
}

// read returns the next frame, which is valid until the next call. ok is false if its
// WebSocket type is wrong.
func (ws *socket) read() (b []byte, ok bool, err error) {
	if again := ws.again; again != nil {
		ws.again = nil
		b, ok = again()
		return b, ok, nil
	}
	kind, r, err := ws.raw.Reader(context.Background())
	if err != nil {
		return nil, false, ws.conn.secrets.closeError(err)
	}
	ws.in.Reset()
	if _, err := ws.in.ReadFrom(r); err != nil {
		return nil, false, ws.conn.secrets.closeError(err)
	}
	ws.frames.Add(1)
	b = ws.in.Bytes()
	if ws.in.Cap() > maxKeptBuffer {
		ws.in = new(bytes.Buffer)
	}
	return b, (kind == websocket.MessageBinary) == ws.codec.Binary(), nil
}

// write writes a frame. If more follow, it may write a small one together with them.
func (ws *socket) write(b []byte, more bool) error {
	ws.below.more.Store(more && len(b) <= fragmentSize)
	kind := websocket.MessageText
	if ws.codec.Binary() {
		kind = websocket.MessageBinary
	}
	ws.guard.Reset(writeTimeout + time.Duration(len(b)/bytesPerSecond)*time.Second)
	defer ws.guard.Stop()
	if len(b) <= fragmentSize {
		return ws.raw.Write(context.Background(), kind, b)
	}
	w, err := ws.raw.Writer(context.Background(), kind)
	for err == nil && len(b) > 0 {
		n := min(len(b), fragmentSize)
		_, err = w.Write(b[:n])
		b = b[n:]
	}
	if err != nil {
		return err
	}
	return w.Close()
}

// tell queues a request without waiting, such as a ping or a sequence ack.
func (ws *socket) tell(r *frame.Request) { ws.out.push(encode(ws.codec, r)) }

// cut ends the WebSocket at once, including all reads and writes.
func (ws *socket) cut() { _ = ws.below.Close() }

// shutdown writes the queued frames and closes the WebSocket. It cuts the WebSocket
// if the service does not answer within closeTimeout.
func (ws *socket) shutdown() {
	grace := time.AfterFunc(closeTimeout, ws.cut)
	defer grace.Stop()
	ws.out.close()
	ws.out.wait()
	_ = ws.raw.Close(websocket.StatusNormalClosure, "")
}

// end releases the socket's resources and closes lost.
func (ws *socket) end() {
	close(ws.lost)
	ws.ping.stop()
	ws.watch.stop()
	ws.received.stop()
	ws.out.close()
	ws.cut()
	_ = ws.raw.CloseNow()
	ws.out.wait()
	ws.guard.Stop()
}

// closeFrame returns the code and reason of the service's close frame; 0 if the
// socket has ended without one.
func closeFrame(err error) (code int, reason string) {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return int(closed.Code), closed.Reason
	}
	return 0, ""
}
