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

// State is the state of a [Client].
type State uint8

// The states of a client.
const (
	StateStopped State = iota
	StateConnecting
	StateConnected
	// StateRecovering: the connection was lost; the client is trying to recover it.
	StateRecovering
	// StateReconnecting: recovery has failed; the client is making a new
	// connection.
	StateReconnecting
	StateStopping
)

var states = [...]string{"stopped", "connecting", "connected", "recovering", "reconnecting", "stopping"}

// String returns the name of the state.
func (s State) String() string {
	if int(s) < len(states) {
		return states[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Client is a realtime client of the service. Its methods are safe for concurrent
// use and may be called from callbacks; see [Client.Start] and [Client.Stop] for
// the limits. Printing or logging a Client does not show its credential.
type Client struct {
	credential     Credential
	opts           *Options // a pointer, so that fmt does not print the content
	lastAckID      atomic.Uint64
	lastInvocation atomic.Uint64
	groups         groups
	states         stateCache

	onNewConnection callbacks[handler[ConnectedEvent]]
	onConnected     callbacks[handler[ConnectedEvent]]
	onRecovering    callbacks[handler[RecoveringEvent]]
	onRecovered     callbacks[handler[RecoveredEvent]]
	onDisconnected  callbacks[handler[DisconnectedEvent]]
	onStopped       callbacks[handler[StoppedEvent]]
	onGroupMessage  callbacks[handler[*GroupMessage]]
	onServerMessage callbacks[handler[*ServerMessage]]
	onGroupState    callbacks[handler[GroupStateEvent]]
	onRejoinFailed  callbacks[handler[RejoinFailedEvent]]
	onGroupStream   callbacks[*streamHandler]

	mu      sync.Mutex
	session *session
}

// New returns a client that is not started. Nil options are the defaults. An error
// names the invalid option.
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

// Start connects, and returns when the service has sent its connected message. From
// then on the client stays connected until [Client.Stop], even if ctx ends. If the
// first connection fails, Start returns an [*Error] without a retry, and the client
// remains stopped.
//
// If the client is already started, Start waits until it is connected. If it is
// stopping, Start waits for the end and starts it again; called from a callback
// other than that of [Client.OnStopped], it returns [ErrStopped] instead.
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
		if _, err := s.connected(ctx); !errors.Is(err, ErrStopped) {
			return fail("Start", err)
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

// Stop closes the connection and waits for all goroutines and callbacks of the
// client. If ctx ends first, Stop aborts the closing handshake and returns an error
// that wraps ctx's. Messages that have not reached a callback are dropped. Pending
// operations return [ErrStopped]. Stopping a stopped client does nothing.
//
// A callback has to pass its own context, or one derived from it. Stop then returns
// at once, because it cannot wait for that callback.
func (c *Client) Stop(ctx context.Context) error {
	s := c.current()
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

// State returns the client's state.
func (c *Client) State() State {
	state, _, _ := c.current().status()
	return state
}

// ConnectionID returns the id of the connection, also while the client recovers it.
// It is empty if there is no connection.
func (c *Client) ConnectionID() string {
	_, id, _ := c.current().status()
	return id
}

// UserID returns the user of the connection. It is empty if there is none.
func (c *Client) UserID() string {
	_, _, user := c.current().status()
	return user
}

// current returns the current or last session; nil before the first.
func (c *Client) current() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// String returns the state and the connection id.
func (c *Client) String() string {
	state, id, _ := c.current().status()
	return fmt.Sprintf("client.Client(%v, connection %q)", state, id)
}

// Format writes [Client.String] for every verb.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns [Client.String].
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }
