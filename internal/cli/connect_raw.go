package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// A rawSession has no subprotocol: each frame that the client sends is the user event
// message, and each frame that it receives is a message. The service has no recovery for
// it. Package client speaks the subprotocols only.
type rawSession struct {
	credential client.Credential
	host       host
	failed     chan error
	ping       time.Duration      // between pings, and for the answer to one
	cancel     context.CancelFunc // of the life of the session
	done       chan struct{}      // closed when run has returned

	mu       sync.Mutex
	conn     *websocket.Conn // nil while disconnected
	stopping bool
}

const (
	rawPing      = 20 * time.Second
	rawRetry     = time.Second // before the first attempt to reconnect; doubles
	rawMaxRetry  = 10 * time.Second
	rawHandshake = 30 * time.Second
)

func openRaw(credential client.Credential, h host) *rawSession {
	return &rawSession{credential: credential, host: h, ping: rawPing, failed: make(chan error, 1), done: make(chan struct{})}
}

func (s *rawSession) commands() []typed {
	return []typed{{
		name: "send", synopsis: "send [--binary] MESSAGE", help: "send a frame, the user event message",
		options: []string{optionBinary}, payload: payloadRequired, run: s.send,
	}}
}

func (s *rawSession) send(ctx context.Context, in *line) (news, error) {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn == nil {
		return news{}, errors.New("not connected")
	}
	kind := websocket.MessageText
	if in.data.Type() == client.DataBinary {
		kind = websocket.MessageBinary
	}
	return news{}, conn.Write(ctx, kind, in.data.Bytes())
}

func (s *rawSession) start(ctx context.Context) error {
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.hold(conn)
	s.host.show(news{Type: newsConnected})
	go s.host.guarded(func() { s.run(life, conn) })
	return nil
}

func (s *rawSession) ended() <-chan error { return s.failed }

// stop closes the connection with a close frame, unless ctx ends first.
func (s *rawSession) stop(ctx context.Context) {
	s.mu.Lock()
	s.stopping = true
	conn := s.conn
	s.mu.Unlock()
	defer context.AfterFunc(ctx, s.cancel)()
	if conn != nil {
		_ = conn.Close(websocket.StatusNormalClosure, "") // it is over either way
	}
	s.cancel()
	<-s.done
}

// run serves the connection and each one after it.
func (s *rawSession) run(life context.Context, conn *websocket.Conn) {
	defer close(s.done)
	for {
		err := s.serve(life, conn)
		s.hold(nil)
		if s.isStopping() {
			return
		}
		s.host.show(news{Type: newsDisconnected, Reason: lossReason(err)})
		if conn, err = s.reconnect(life); err != nil {
			if life.Err() == nil {
				s.failed <- err
			}
			return
		}
		s.hold(conn)
		s.host.show(news{Type: newsReconnected})
	}
}

func (s *rawSession) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

// serve shows the frames of a connection until it ends.
func (s *rawSession) serve(life context.Context, conn *websocket.Conn) error {
	life, cancel := context.WithCancel(life)
	defer cancel()
	var pings sync.WaitGroup
	defer pings.Wait()
	pings.Go(func() { keepAlive(life, conn, s.ping) })
	defer conn.CloseNow() //nolint:errcheck // it has ended
	defer cancel()
	for {
		kind, data, err := conn.Read(life)
		if err != nil {
			return err
		}
		s.host.show(news{Type: newsMessage, From: fromServer}.withFrame(data, kind == websocket.MessageBinary))
	}
}

// hold sets the connection for send. If the session is stopping, hold closes the connection.
func (s *rawSession) hold(conn *websocket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = conn
	if s.stopping && conn != nil {
		_ = conn.CloseNow() // stop has not seen it
	}
}

// keepAlive sends pings. It closes a connection on which the service does not answer.
func keepAlive(life context.Context, conn *websocket.Conn, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-life.Done():
			return
		}
		ctx, cancel := context.WithTimeout(life, interval)
		err := conn.Ping(ctx)
		cancel()
		if err != nil {
			_ = conn.CloseNow() // the reader reports the end
			return
		}
	}
}

// reconnect makes a new connection. It stops when the service refuses the client.
func (s *rawSession) reconnect(life context.Context) (*websocket.Conn, error) {
	for wait := rawRetry; ; wait = min(2*wait, rawMaxRetry) {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-life.Done():
			timer.Stop()
			return nil, life.Err()
		}
		conn, err := s.dial(life)
		var refused *refusedError
		if err == nil || errors.As(err, &refused) || life.Err() != nil {
			return conn, err
		}
		s.host.show(news{Type: newsProblem, Reason: err.Error()})
	}
}

// dial makes a connection. Its errors do not contain the URL, which is secret.
func (s *rawSession) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, rawHandshake, errors.New("the service does not answer"))
	defer cancel()
	address, err := s.credential(ctx)
	if err != nil {
		return nil, err
	}
	conn, resp, err := websocket.Dial(ctx, address, &websocket.DialOptions{ //nolint:bodyclose // the library closes it
		HTTPClient: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	})
	if err != nil {
		return nil, handshakeError(ctx, address, resp, err)
	}
	conn.SetReadLimit(wire.MaxClientFrame)
	return conn, nil
}

// refusedError is an answer of the service by which it refuses the client for good.
type refusedError struct{ status int }

// Error returns the status and what it means.
func (e *refusedError) Error() string {
	text := fmt.Sprintf("the service answered %d %s", e.status, http.StatusText(e.status))
	switch e.status {
	case http.StatusUnauthorized:
		text += " (the token is expired, or signed with another key)"
	case http.StatusNotFound:
		text += " (the path of the URL is not that of a hub)"
	}
	return text
}

func handshakeError(ctx context.Context, address string, resp *http.Response, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		if isRefusal(resp.StatusCode) {
			return &refusedError{resp.StatusCode}
		}
		return fmt.Errorf("the service answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	text := strings.ReplaceAll(err.Error(), address, "the client URL")
	if _, query, ok := strings.Cut(address, "?"); ok && query != "" {
		text = strings.ReplaceAll(text, query, "…")
	}
	return errors.New(text)
}
