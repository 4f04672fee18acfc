package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

const (
	// connectTimeout is how long one try to connect may take, from the credential
	// to the service's greeting.
	connectTimeout = 30 * time.Second
	// recoveryPause lies between two tries to recover one.
	recoveryPause = time.Second
	// recoveryTimeout is how long one such try may take.
	recoveryTimeout = 10 * time.Second
	// steady is how old a connection is whose loss says nothing of the next one.
	steady = 10 * time.Second
)

// connect makes a new connection and waits until the service has greeted it.
func (s *session) connect(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errors.New("service does not answer"))
	defer cancel()
	address, err := s.c.credential(context.WithValue(ctx, sessionKey{}, s)) // by which Stop knows where it is called
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	u, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	conn := &connection{address: u, secrets: s.secrets}
	l, err := dial(ctx, u, conn, s.c.opts)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	untie := context.AfterFunc(ctx, l.cut)
	err = s.greeting(l) //nolint:contextcheck // the link is cut when the context ends, which costs less than a context for each frame
	if !untie() {
		err = context.Cause(ctx)
	}
	if err != nil {
		l.end()
		return nil, err
	}
	return l, nil
}

// greeting waits for the frame with which the service greets a client.
func (s *session) greeting(l *link) error {
	for {
		text, ok, err := l.read()
		if err != nil {
			return closedAtOnce(err, l.conn.farewell)
		}
		if !ok || l.codec.Decode(text, &s.frame) != nil {
			continue
		}
		s.secrets.conceal(&s.frame)
		switch f := &s.frame; f.Kind {
		case frame.Connected:
			if err := s.secrets.checkGreeting(f); err != nil {
				return err
			}
			l.conn.id, l.conn.user, l.conn.token = f.ID, f.UserID, f.Token
			return nil
		case frame.Disconnected:
			l.conn.farewell = excerpt.Line(f.Message, maxErrorText)
		default:
		}
	}
}

// closedAtOnce is the error of a connection that the service closes instead of
// greeting the client.
func closedAtOnce(err error, farewell string) error {
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		return err
	}
	e := &Error{CloseCode: int(closed.Code), Message: excerpt.Line(closed.Reason, maxErrorText)}
	if e.Message == "" {
		e.Message = farewell
	}
	return e
}

// recover takes up a connection that was lost, and gives nil if it cannot be.
func (s *session) recover(conn *connection, end *ending) *link {
	if s.isStopping() || end.final || conn.token == "" || !s.c.opts.Protocol.codec().Reliable() ||
		end.code == websocket.StatusPolicyViolation && !conn.displaced(end.reason) {
		return nil
	}
	s.setState(StateRecovering)
	s.c.opts.Logger.Info("connection lost", "connection", conn.id, "error", end.err)
	raise(s, &s.c.onRecovering, RecoveringEvent{ConnectionID: conn.id, Err: end.err})
	ctx, cancel := context.WithTimeout(s.ctx, s.c.opts.RecoveryTimeout)
	defer cancel()
	for s.pause(ctx, time.Until(s.recovery.Add(recoveryPause))) {
		s.recovery = time.Now()
		l, err := s.resume(ctx, conn)
		if err == nil {
			return l
		}
		s.c.opts.Logger.Debug("connection not recovered", "connection", conn.id, "error", err)
		refused := (*Error)(nil)
		if errors.As(err, &refused) && refused.CloseCode == int(websocket.StatusPolicyViolation) && !conn.displaced(refused.Message) {
			break
		}
	}
	return nil
}

// reasonRefused is how the service closes an attempt to recover that it refuses.
const reasonRefused = "The connection could not be recovered."

// displaced reports whether the service may have closed a link with 1008 because an
// attempt of this client that was given up arrived late and took the connection. The
// service then still keeps it. Each attempt can do that once.
func (c *connection) displaced(reason string) bool {
	if c.strays == 0 || reason == reasonRefused {
		return false
	}
	c.strays--
	return true
}

// isStray reports whether an attempt that failed may reach the service yet: its
// request was sent, and the service did not answer it.
func isStray(err error) bool {
	answer := (*Error)(nil)
	return !errors.As(err, &answer) || answer.StatusCode == http.StatusGatewayTimeout
}

// resume tries once to take up a connection. That the service has let it in shows
// only when it says something, and so it is asked to. What is left of an attempt
// that failed is closed before the next one begins.
func (s *session) resume(ctx context.Context, conn *connection) (l *link, err error) {
	ctx, cancel := context.WithTimeout(ctx, recoveryTimeout)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent.Store(true) }})
	defer func() {
		if err != nil && sent.Load() && isStray(err) {
			conn.strays++
		}
	}()
	l, err = dial(ctx, recoveryURL(conn.address, conn.id, conn.token), conn, s.c.opts)
	if err != nil {
		return nil, err
	}
	untie := context.AfterFunc(ctx, l.cut)
	l.tell(&frame.Request{Kind: frame.Ping})
	text, ok, err := l.read() //nolint:contextcheck // as in connect
	if !untie() {
		err = ctx.Err()
	}
	if err != nil {
		l.end()
		return nil, closedAtOnce(err, "")
	}
	if !s.attach(l, false) {
		l.discard()
		return nil, ErrStopped
	}
	s.handle(l, text, ok)
	return l, nil
}

// reconnect makes a new connection in place of one that is gone. It gives nil and
// no error if the client is stopped.
func (s *session) reconnect(gone *connection) (*link, error) {
	wait := time.Duration(0)
	if time.Since(gone.since) >= steady {
		s.tries.Reset()
	} else {
		wait = s.tries.NextBackOff() // or a service that greets and hangs up would be run down
	}
	for n := 0; s.pause(s.ctx, wait); n++ {
		l, err := s.connect(s.ctx)
		if err == nil && s.attach(l, true) {
			return l, nil
		}
		if err == nil {
			l.discard()
		}
		if s.isStopping() {
			break
		}
		err = fail("Reconnect", err)
		s.reportLater(err)
		if n >= s.c.opts.Reconnect.MaxRetries {
			return nil, err
		}
		wait = s.tries.NextBackOff()
	}
	return nil, nil //nolint:nilnil // the end that was asked for
}
