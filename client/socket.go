package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

const (
	// writeTimeout is how long the service may take to make room for one frame, and
	// a second more for so many bytes of it.
	writeTimeout   = 30 * time.Second
	bytesPerSecond = 8 << 10
	// fragmentSize is how much of a large frame is written at a time: a pong goes in
	// between, which the WebSocket library gives 5 seconds.
	fragmentSize = 4 * bytesPerSecond
	// closeTimeout is how long it may take to answer a close frame.
	closeTimeout = 5 * time.Second
)

// link is one WebSocket of a connection.
type socket struct {
	conn  *connection
	codec frame.Codec
	raw   *websocket.Conn
	below io.Closer // closing it is the one way to end a WebSocket at once
	in    []byte
	out   outbox
	guard *time.Timer // cuts a write that hangs

	lost   chan struct{} // closed when the link has ended
	left   chan struct{} // closed when it has said goodbye
	frames atomic.Uint64 // read, and pings of the service

	ping, watch *ticker
	received    *sequenceAcks // nil unless the subprotocol is reliable
}

// dial makes a WebSocket.
func dial(ctx context.Context, u *url.URL, conn *connection, o *Options) (*socket, error) {
	codec := o.Protocol.codec()
	conn.secrets.learnHandshake(u, o.Header)
	keeper := &bodyKeeper{next: o.HTTPClient.Transport}
	client := *o.HTTPClient
	client.Transport = keeper
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ws := &socket{conn: conn, codec: codec, lost: make(chan struct{}), left: make(chan struct{})}
	raw, resp, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{ //nolint:bodyclose // the library has closed it, and leaves what it read
		HTTPClient: &client, HTTPHeader: o.Header, Subprotocols: []string{codec.Name()},
		OnPingReceived: func(context.Context, []byte) bool { ws.frames.Add(1); return true },
	})
	if err != nil {
		return nil, conn.secrets.handshakeError(resp, err, u)
	}
	if !strings.EqualFold(raw.Subprotocol(), codec.Name()) {
		_ = raw.CloseNow()
		return nil, fmt.Errorf("service did not agree to subprotocol %s", codec.Name())
	}
	raw.SetReadLimit(frame.MaxFrame)
	ws.raw, ws.below = raw, keeper.body
	ws.out.write, ws.out.fail = ws.write, ws.cut
	ws.guard = time.AfterFunc(writeTimeout, ws.cut)
	ws.guard.Stop()
	return ws, nil
}

// bodyKeeper keeps what is below a WebSocket.
type bodyKeeper struct {
	next http.RoundTripper
	body io.Closer
}

// RoundTrip keeps the body of an answer that switches protocols.
func (k *bodyKeeper) RoundTrip(r *http.Request) (*http.Response, error) {
	next := k.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		k.body = resp.Body
	}
	return resp, err
}

// read gives the next frame; ok is false for one of the wrong kind.
func (ws *socket) read() (text string, ok bool, err error) {
	kind, r, err := ws.raw.Reader(context.Background())
	if err != nil {
		return "", false, ws.conn.secrets.closeError(err)
	}
	buf := ws.in[:0]
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, make([]byte, max(cap(buf), 1024))...)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", false, ws.conn.secrets.closeError(err)
		}
	}
	if ws.in = buf; cap(buf) > maxKeptBuffer {
		ws.in = nil
	}
	ws.frames.Add(1)
	return string(buf), (kind == websocket.MessageBinary) == ws.codec.Binary(), nil
}

func (ws *socket) write(b []byte) error {
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

// tell queues a request of the client's own, which cannot wait.
func (ws *socket) tell(r *frame.Request) { ws.out.push(encode(ws.codec, r)) }

// cut ends the WebSocket at once, whatever waits for it.
func (ws *socket) cut() { _ = ws.below.Close() }

// goodbye ends the WebSocket as the protocol has it, after what is queued, but
// does not wait long for a service that does not answer.
func (ws *socket) goodbye() {
	grace := time.AfterFunc(closeTimeout, ws.cut)
	defer grace.Stop()
	ws.out.close()
	ws.out.wait()
	_ = ws.raw.Close(websocket.StatusNormalClosure, "")
}

// leave is goodbye for a link that is read from.
func (ws *socket) leave() {
	ws.goodbye()
	close(ws.left)
}

// discard ends a link that nobody reads from.
func (ws *socket) discard() {
	ws.goodbye()
	ws.end()
}

// end releases what the link has. Those who wait for it are told.
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

// ending is how a link ended.
type ending struct {
	code   websocket.StatusCode // of the service's close frame; -1: there was none
	reason string
	err    error
	final  bool // there is nothing to recover, whatever the code
}

func endingOf(err error) ending {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return ending{code: closed.Code, reason: closed.Reason, err: err}
	}
	// A frame that is too large would be sent again after each recovery.
	return ending{code: -1, err: err, final: errors.Is(err, websocket.ErrMessageTooBig)}
}
