package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
)

// State is what a [Client] is doing.
type State uint8

// The states of a client.
const (
	StateStopped State = iota
	StateConnecting
	StateConnected
	// StateRecovering: the connection was lost, and is looked for.
	StateRecovering
	// StateReconnecting: the connection is gone, and a new one is made.
	StateReconnecting
	StateStopping
)

var states = [...]string{"stopped", "connecting", "connected", "recovering", "reconnecting", "stopping"}

// String gives the state's name.
func (s State) String() string {
	if int(s) < len(states) {
		return states[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Client is a client of the service. Its methods are safe for concurrent use, and
// all but [Client.Start] and [Client.Stop] as they say themselves may be called
// from callbacks. It does not print or log its credential.
type Client struct {
	credential Credential
	opts       *Options // behind a pointer, which is all that fmt shows of an unexported field
	lastAckID  atomic.Uint64
	lastCallID atomic.Uint64
	groups     groups

	onConnected     callbacks[handler[ConnectedEvent]]
	onRecovering    callbacks[handler[RecoveringEvent]]
	onRecovered     callbacks[handler[RecoveredEvent]]
	onDisconnected  callbacks[handler[DisconnectedEvent]]
	onStopped       callbacks[handler[StoppedEvent]]
	onGroupMessage  callbacks[handler[*GroupMessage]]
	onServerMessage callbacks[handler[*ServerMessage]]
	onRejoinFailed  callbacks[handler[RejoinFailedEvent]]
	onGroupStream   callbacks[*streamHandler]

	mu      sync.Mutex
	session *session // the last one; nil before the first
}

// New makes a client, which is not connected before it is started. Nil options
// are the defaults. Errors name the option that is wrong.
func New(credential Credential, opts *Options) (*Client, error) {
	if credential == nil {
		return nil, errors.New("client: new: credential is nil; want one that returns the URL of ClientAccess, such as StaticURL(url)")
	}
	o := valueOf(opts)
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("client: new: %w", err)
	}
	return &Client{credential: credential, opts: &o}, nil
}

// Start connects, and returns when the service has greeted the client. From then
// on the client keeps itself connected, whatever becomes of the context. An error
// is an [*Error], and leaves the client stopped: a first connection that fails is
// not tried again.
//
// A client that is started already is waited for until it is connected. One that
// is stopping is waited for and started again; from one of its callbacks, other
// than that of [Client.OnStopped], this is [ErrStopped].
func (c *Client) Start(ctx context.Context) error {
	for {
		c.mu.Lock()
		s := c.session
		if s == nil || isClosed(s.over) {
			s, life := newSession(ctx, c)
			c.session = s
			c.mu.Unlock()
			return s.start(ctx, life)
		}
		c.mu.Unlock()
		if !s.isStopping() {
			_, err := s.connected(ctx)
			switch {
			case err == nil:
				return nil
			case !errors.Is(err, ErrStopped):
				return fail("Start", err)
			}
		}
		if s.isCallback(ctx) {
			return fail("Start", ErrStopped)
		}
		select {
		case <-s.over:
		case <-ctx.Done():
			return fail("Start", ctx.Err())
		}
	}
}

// Stop ends the connection, and returns when nothing of the client runs any more,
// callbacks included, or else when the context ends, which also cuts short what
// the end waits for. Messages that no callback has been called for are dropped;
// operations that wait end with [ErrStopped]. A client that is not started has
// nothing to end.
//
// Within a callback Stop has to be given the callback's context, or one made of
// it: it then returns at once, since it cannot wait for the callback itself.
func (c *Client) Stop(ctx context.Context) error {
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	if s == nil {
		return nil
	}
	s.stop()
	if s.isCallback(ctx) {
		return nil
	}
	for _, end := range [...]<-chan struct{}{s.dispatch.done, s.dispatch.before} {
		if end == nil {
			continue
		}
		select {
		case <-end:
		case <-ctx.Done():
			s.abort()
			return fail("Stop", ctx.Err())
		}
	}
	return nil
}

// State tells what the client is doing.
func (c *Client) State() State {
	s := c.current()
	if s == nil {
		return StateStopped
	}
	return s.currentState()
}

// ConnectionID gives the id of the connection, also while it is recovered; empty:
// there is none.
func (c *Client) ConnectionID() string {
	id, _ := c.identity()
	return id
}

// UserID gives the user of the connection; empty: none.
func (c *Client) UserID() string {
	_, user := c.identity()
	return user
}

func (c *Client) identity() (id, user string) {
	s := c.current()
	if s == nil {
		return "", ""
	}
	return s.identity()
}

func (c *Client) current() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// String tells the state, and no address.
func (c *Client) String() string {
	id, _ := c.identity()
	return fmt.Sprintf("client.Client(%v, connection %q)", c.State(), id)
}

// Format is String, whatever the verb.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue is String.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }
