package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/version"
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
type link struct {
	conn  *connection
	codec frame.Codec
	ws    *websocket.Conn
	below io.Closer // closing it is the one way to end a WebSocket at once
	in    []byte
	out   outbox
	guard *time.Timer // cuts a write that hangs

	lost   chan struct{} // closed when the link has ended
	left   chan struct{} // closed when it has said goodbye
	frames atomic.Uint64 // read, and pings of the service

	ping, watch *ticker
	acking      *acking
}

// handshakeHeader returns the header of a handshake: the caller's, and a User-Agent
// unless the caller sets one.
func handshakeHeader(own http.Header) http.Header {
	header := http.Header{"User-Agent": {"webpubsub-go-client/" + version.Version}}
	maps.Copy(header, own)
	return header
}

// dial makes a WebSocket.
func dial(ctx context.Context, u *url.URL, conn *connection, o *Options) (*link, error) {
	codec := o.Protocol.codec()
	conn.secrets.learnHandshake(u, o.Header)
	keeper := &bodyKeeper{next: o.HTTPClient.Transport}
	client := *o.HTTPClient
	client.Transport = keeper
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	l := &link{conn: conn, codec: codec, lost: make(chan struct{}), left: make(chan struct{})}
	ws, resp, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{ //nolint:bodyclose // the library has closed it, and leaves what it read
		HTTPClient: &client, HTTPHeader: handshakeHeader(o.Header), Subprotocols: []string{codec.Name()},
		OnPingReceived: func(context.Context, []byte) bool { l.frames.Add(1); return true },
	})
	if err != nil {
		return nil, conn.secrets.handshakeError(resp, err, u)
	}
	if !strings.EqualFold(ws.Subprotocol(), codec.Name()) {
		_ = ws.CloseNow()
		return nil, fmt.Errorf("service did not agree to subprotocol %s", codec.Name())
	}
	ws.SetReadLimit(frame.MaxFrame)
	l.ws, l.below = ws, keeper.body
	l.out.write, l.out.fail = l.write, l.cut
	l.guard = time.AfterFunc(writeTimeout, l.cut)
	l.guard.Stop()
	return l, nil
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
func (l *link) read() (text string, ok bool, err error) {
	kind, r, err := l.ws.Reader(context.Background())
	if err != nil {
		return "", false, l.conn.secrets.closeError(err)
	}
	buf := l.in[:0]
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
			return "", false, l.conn.secrets.closeError(err)
		}
	}
	if l.in = buf; cap(buf) > maxKeptBuffer {
		l.in = nil
	}
	l.frames.Add(1)
	return string(buf), (kind == websocket.MessageBinary) == l.codec.Binary(), nil
}

func (l *link) write(b []byte) error {
	kind := websocket.MessageText
	if l.codec.Binary() {
		kind = websocket.MessageBinary
	}
	l.guard.Reset(writeTimeout + time.Duration(len(b)/bytesPerSecond)*time.Second)
	defer l.guard.Stop()
	if len(b) <= fragmentSize {
		return l.ws.Write(context.Background(), kind, b)
	}
	w, err := l.ws.Writer(context.Background(), kind)
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

// send queues a request. It reports false if the link has ended.
func (l *link) send(ctx context.Context, b *buffer) (bool, error) { return l.out.put(ctx, b) }

// tell queues a request of the client's own, which cannot wait.
func (l *link) tell(r *frame.Request) { l.out.push(encode(l.codec, r)) }

// cut ends the WebSocket at once, whatever waits for it.
func (l *link) cut() { _ = l.below.Close() }

// goodbye ends the WebSocket as the protocol has it, after what is queued, but
// does not wait long for a service that does not answer.
func (l *link) goodbye() {
	grace := time.AfterFunc(closeTimeout, l.cut)
	defer grace.Stop()
	l.out.close()
	l.out.wait()
	_ = l.ws.Close(websocket.StatusNormalClosure, "")
}

// leave is goodbye for a link that is read from.
func (l *link) leave() {
	l.goodbye()
	close(l.left)
}

// discard ends a link that nobody reads from.
func (l *link) discard() {
	l.goodbye()
	l.end()
}

// end releases what the link has. Those who wait for it are told.
func (l *link) end() {
	close(l.lost)
	l.ping.stop()
	l.watch.stop()
	l.acking.stop()
	l.out.close()
	l.cut()
	_ = l.ws.CloseNow()
	l.out.wait()
	l.guard.Stop()
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
		return ending{code: closed.Code, reason: excerpt.Line(closed.Reason, maxErrorText), err: err}
	}
	// A frame that is too large would be sent again after each recovery.
	return ending{code: -1, err: err, final: errors.Is(err, websocket.ErrMessageTooBig)}
}
