package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

const (
	// connectTimeout limits one attempt, from the credential to the connected
	// frame.
	connectTimeout = 30 * time.Second
	// A connection older than steadyAfter is replaced at once, and resets the
	// backoff.
	steadyAfter = 10 * time.Second
)

// connect makes a new connection, in a numbered attempt.
func (s *session) connect(ctx context.Context, attempt int) (*socket, error) {
	t := s.trace()
	traced(ctx, s.dispatch, t.ConnectStart, ConnectStartInfo{Attempt: attempt})
	start := time.Now()
	ws, err := s.tryConnect(ctx)
	if t.ConnectDone != nil {
		info := ConnectDoneInfo{Attempt: attempt, Duration: time.Since(start), Err: err}
		if err == nil {
			info.ConnectionID = ws.conn.id
		}
		traced(ctx, s.dispatch, t.ConnectDone, info)
	}
	return ws, err
}

// tryConnect makes a new connection and waits for the service's connected frame.
func (s *session) tryConnect(ctx context.Context) (*socket, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errors.New("service does not answer"))
	defer cancel()
	address, err := s.c.credential(withSession(ctx, s)) // by which Stop knows where it is called
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	u, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	ws, err := dial(ctx, u, &connection{address: u, secrets: s.secrets, restored: make(chan struct{})}, s.c.opts)
	if err != nil {
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	untie := context.AfterFunc(ctx, ws.cut)
	err = s.awaitConnected(ws) //nolint:contextcheck // the socket is cut when the context ends, which costs less than a context for each frame
	if !untie() {
		err = context.Cause(ctx)
	}
	if err != nil {
		ws.end()
		return nil, err
	}
	return ws, nil
}

// awaitConnected waits for the connected frame.
func (s *session) awaitConnected(ws *socket) error {
	for {
		b, ok, err := ws.read()
		if err != nil {
			return closedAtOnce(err, ws.conn.message)
		}
		if !ok || ws.codec.Decode(b, s.frame) != nil {
			continue
		}
		s.secrets.conceal(s.frame)
		switch f := s.frame; f.Kind {
		case frame.Connected:
			if err := s.secrets.checkConnected(f); err != nil {
				return err
			}
			ws.conn.id, ws.conn.user, ws.conn.token = f.ID, f.UserID, f.Token
			return nil
		case frame.Disconnected:
			ws.conn.message = f.Message
		default:
		}
	}
}

// closedAtOnce returns the error of a connection that is closed before it begins.
func closedAtOnce(err error, message string) error {
	code, reason := closeFrame(err)
	if code == 0 {
		return err
	}
	return &Error{CloseCode: code, Message: cmp.Or(reason, message)}
}

// reconnect makes a new connection in place of a lost one. It returns nil and no
// error if the client is stopped.
func (s *session) reconnect(life context.Context, lost *connection) (*socket, error) {
	wait := time.Duration(0)
	if time.Since(lost.since) >= steadyAfter {
		s.backoff.Reset()
	} else {
		wait = s.backoff.NextBackOff() // a service that accepts and closes must not be flooded
	}
	for n := 0; s.sleep(life, wait) == nil; n++ {
		ws, err := s.connect(life, n+1)
		if err == nil {
			err = s.attachNew(life, ws)
		}
		if err == nil {
			return ws, nil
		}
		if s.isStopping() {
			break
		}
		err = fail("Reconnect", err)
		s.dispatch.reportLater(err)
		if n >= s.c.opts.Reconnect.MaxRetries || isPermanent(err) {
			return nil, err
		}
		wait = s.backoff.NextBackOff()
	}
	return nil, nil //nolint:nilnil // Stop was called
}
