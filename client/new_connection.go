package client

import "context"

// OnNewConnection registers a callback that prepares each new connection before other
// requests are sent over it, such as a login event. Recovered connections need none. The
// order is:
//
//  1. the service's connected message; [Client.Start] returns
//  2. the callbacks of OnNewConnection
//  3. requests that wait for a connection are sent, and groups are rejoined
//  4. the callbacks of [Client.OnConnected]
//  5. the callbacks for messages, also for those that have arrived meanwhile
//
// A callback may call all operations with its context, or one derived from it. They are
// sent at once. It must not wait for a message, or for an operation with another
// context: both wait for it. [Client.InvokeEvent] returns the answer to an event. If so
// many messages arrive meanwhile that the queue is full ([Options.QueueSize]), steps 4
// and 5 do not wait for it.
//
// Callbacks of OnNewConnection are called one after the other, in a goroutine of their
// own. Their context ends when the connection is lost for good and when they return.
func (c *Client) OnNewConnection(f func(ctx context.Context, ev ConnectedEvent)) (unregister func()) {
	return c.onNewConnection.add(f)
}

// preparation is a new connection whose callbacks of OnNewConnection have not returned.
// Requests of others wait for its end.
type preparation struct {
	ctx    context.Context //nolint:containedctx // that of its callbacks
	cancel context.CancelFunc
	before *preparation // of the connection before; nil if there was none
	done   chan struct{}
	// Requests of the callbacks must not wait for those that wait for the preparation.
	// They need no place in the session's window: nothing else is sent meanwhile.
	inFlight *window
}

// preparationKey is the context key of the preparation whose callbacks have a context. A
// callback can use other clients too.
type preparationKey struct{ of *Client }

// preparationOf returns the preparation whose callback has a context; nil if there is
// none, or it has ended.
func (c *Client) preparationOf(ctx context.Context) *preparation {
	if p, _ := ctx.Value(preparationKey{c}).(*preparation); p != nil && p.ctx.Err() == nil {
		return p
	}
	return nil
}

// newPreparation returns the preparation of a new connection; nil if there are no
// callbacks.
func (s *session) newPreparation() *preparation {
	if len(s.c.onNewConnection.all()) == 0 {
		return nil
	}
	p := &preparation{before: s.lastPreparation, done: make(chan struct{}), inFlight: newWindow(s.c.opts.MaxInFlight)}
	p.ctx, p.cancel = context.WithCancel(context.WithValue(s.dispatch.callbacks, preparationKey{s.c}, p))
	s.lastPreparation = p
	return p
}

// run calls the callbacks, after those of the connection before.
func (p *preparation) run(s *session, ev ConnectedEvent) {
	defer s.prepared(p) // also when a callback ends its goroutine
	if p.before != nil {
		<-p.before.done
		p.before = nil
	}
	for _, cb := range s.c.onNewConnection.all() {
		if p.ctx.Err() == nil && !cb.removed.Load() {
			protect(func() { cb.f(p.ctx, ev) }, s.dispatch.reportLater)
		}
	}
}

// prepared ends a preparation. Requests that wait for it are sent.
func (s *session) prepared(p *preparation) {
	p.cancel()
	s.mu.Lock()
	if s.preparing == p {
		s.preparing = nil
		s.setLocked(s.state, s.socket)
	}
	s.mu.Unlock()
	close(p.done)
}
