package client

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

const (
	// recoveryPause is the time from one attempt to recover a connection to the next.
	recoveryPause = time.Second
	// recoveryTimeout limits one attempt.
	recoveryTimeout = 10 * time.Second
	// reasonRefused is the reason with which the service refuses a recovery for good.
	reasonRefused = "The connection could not be recovered."
)

// connection is what the service calls a connection. Recovery keeps it over several
// WebSockets, with one sequence of messages. The reading goroutine changes it.
type connection struct {
	address  *url.URL
	secrets  *secrets
	since    time.Time
	id, user string
	restored chan struct{}      // closed when groups are rejoined, or the connection is lost for good
	abandon  context.CancelFunc // ends the rejoining
	token    string             // for recovery
	message  string             // the message of the service's disconnected frame
	strays   int                // attempts to recover it that were given up and may still reach the service
	last     atomic.Uint64      // sequence id of the last message
}

// recover recovers a lost connection. It returns nil if that is impossible. A frame
// that is too large ends the connection: the service would send it again after each
// recovery.
func (s *session) recover(life context.Context, conn *connection, cause error) *socket {
	if s.isStopping() || errors.Is(cause, websocket.ErrMessageTooBig) || conn.token == "" || !s.c.opts.Protocol.codec().Reliable() {
		return nil
	}
	if code, reason := closeFrame(cause); code == int(websocket.StatusPolicyViolation) && !conn.displaced(reason) {
		return nil
	}
	s.setState(StateRecovering)
	s.c.opts.Logger.Info("connection lost", "connection_id", conn.id, "error", cause)
	raise(s.dispatch, &s.c.onRecovering, RecoveringEvent{ConnectionID: conn.id, Err: cause})
	ctx, cancel := context.WithTimeout(life, s.c.opts.RecoveryTimeout)
	defer cancel()
	for attempt := 1; s.sleep(ctx, time.Until(s.lastRecovery.Add(recoveryPause))) == nil; attempt++ {
		s.lastRecovery = time.Now()
		traced(life, s.dispatch, s.trace().RecoverStart, RecoverStartInfo{ConnectionID: conn.id, Attempt: attempt})
		ws, err := s.resume(ctx, conn)
		traced(life, s.dispatch, s.trace().RecoverDone, RecoverDoneInfo{ConnectionID: conn.id, Attempt: attempt, Duration: time.Since(s.lastRecovery), Err: err})
		if err == nil {
			return ws
		}
		s.c.opts.Logger.Debug("connection not recovered", "connection_id", conn.id, "error", err)
		refused := (*Error)(nil)
		if errors.As(err, &refused) && refused.CloseCode == int(websocket.StatusPolicyViolation) && !conn.displaced(refused.Message) {
			break
		}
	}
	return nil
}

// displaced reports whether the service may have closed a socket with 1008 because
// an earlier attempt of this client, which was given up, arrived late and took the
// connection over. The service then keeps the connection. Each attempt can do that
// once.
func (c *connection) displaced(reason string) bool {
	if c.strays == 0 || reason == reasonRefused {
		return false
	}
	c.strays--
	return true
}

// isStray reports whether a failed attempt may still reach the service: the request
// was sent, and the service did not answer it.
func isStray(err error) bool {
	answer := (*Error)(nil)
	return !errors.As(err, &answer) || answer.StatusCode == http.StatusGatewayTimeout
}

// resume makes one attempt to recover a connection. Only a frame from the service
// shows that the attempt has succeeded, so the client sends a ping. A failed attempt
// is closed before the next one begins.
func (s *session) resume(ctx context.Context, conn *connection) (ws *socket, err error) {
	ctx, cancel := context.WithTimeout(ctx, recoveryTimeout)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent.Store(true) }})
	defer func() {
		if err != nil && sent.Load() && isStray(err) {
			conn.strays++
		}
	}()
	ws, err = dial(ctx, recoveryURL(conn.address, conn.id, conn.token), conn, s.c.opts)
	if err != nil {
		return nil, err
	}
	untie := context.AfterFunc(ctx, ws.cut)
	ws.tell(&frame.Request{Kind: frame.Ping})
	b, ok, err := ws.read() //nolint:contextcheck // as in connect
	if !untie() {
		err = ctx.Err()
	}
	if err != nil {
		ws.end()
		return nil, closedAtOnce(err, "")
	}
	if err := s.attachRecovered(ws); err != nil {
		return nil, err
	}
	ws.again = func() ([]byte, bool) { return b, ok }
	return ws, nil
}
