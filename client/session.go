package client

import (
	"context"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// connection is what the service calls a connection. It may outlive several
// links, and then has its messages numbered through. What changes of it is the
// reading goroutine's own.
type connection struct {
	address  *url.URL
	secrets  *secrets
	since    time.Time
	id, user string
	token    string // for recovery
	farewell string // what the service said before it closed
	strays   int    // attempts to recover it that were given up, and may reach the service yet
	last     atomic.Uint64
}

// session is a client's life between Start and Stop. One goroutine makes the
// connection, reads from it and makes it anew (run); another one calls the
// callbacks (dispatch).
type session struct {
	c      *Client
	before <-chan struct{} // closed when the session before has called its callbacks; nil: there was none

	secrets *secrets // of all its connections

	base      context.Context //nolint:containedctx // what the one that started the client knows
	ctx       context.Context //nolint:containedctx // ends with the session, as all that it starts
	cancel    context.CancelFunc
	callbacks context.Context //nolint:containedctx // what callbacks get
	release   context.CancelFunc
	final     context.Context //nolint:containedctx // what those of OnStopped get, which does not end

	waits      waits
	queue      *queue
	acks       acks
	window     *window
	calls      calls
	writers    writers
	streams    *streams
	background sync.WaitGroup

	// The reading goroutine's own.
	frame    frame.Frame
	tries    *backoff.ExponentialBackOff
	recovery time.Time // of the last try

	begun bool          // has callbacks to call; set before it is over
	over  chan struct{} // closed when the client can be started again
	done  chan struct{} // closed when nothing of it runs any more

	mu       sync.Mutex
	state    State
	link     *link // nil unless connected
	conn     *connection
	changed  chan struct{} // closed when link changes
	stopping bool
	leaving  *link // that says goodbye
}

func newSession(ctx context.Context, c *Client) *session {
	s := &session{
		c: c, base: context.WithoutCancel(ctx), state: StateConnecting, tries: c.opts.Reconnect.start(),
		changed: make(chan struct{}), over: make(chan struct{}), done: make(chan struct{}),
		secrets: new(secrets),
	}
	if starter, ok := ctx.Value(sessionKey{}).(*session); ok {
		s.base = starter.base // or contexts would grow with each start
	}
	if last := c.session; last != nil {
		if s.before = last.done; !last.begun { // its own are none
			s.before = last.before
		}
	}
	s.ctx, s.cancel = context.WithCancel(s.base)
	s.final = context.WithValue(s.base, sessionKey{}, s)
	s.callbacks, s.release = context.WithCancel(s.final)
	s.queue = newQueue(c.opts.QueueSize, &s.waits)
	s.window = newWindow(c.opts.MaxInFlight)
	s.streams = newStreams(s)
	return s
}

// start makes the first connection.
func (s *session) start(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)() //nolint:contextcheck // it joins the two
	defer func() {
		if !s.begun { // the credential may as well have panicked
			s.abandon()
		}
	}()
	l, err := s.connect(ctx)
	if err == nil && !s.attach(l, true) {
		l.discard()
		err = ErrStopped
	}
	if err != nil {
		if s.ctx.Err() != nil {
			err = ErrStopped
		}
		return fail("Start", err)
	}
	s.begun = true
	go s.dispatch()
	go s.run(l) //nolint:contextcheck // it outlives the start
	return nil
}

// abandon ends a session that has not begun.
func (s *session) abandon() {
	s.cancel()
	s.release()
	s.markOver()
	close(s.done)
}

// run serves the connection, and each one after it.
func (s *session) run(l *link) {
	var err error
	for l != nil {
		end := s.serve(l)
		s.detach(l)
		l.end()
		l, err = s.next(l.conn, end)
	}
	s.finish(err)
}

// next gives the link that takes the place of one that has ended; nil, and why, if
// there is none.
func (s *session) next(conn *connection, end ending) (*link, error) {
	if l := s.recover(conn, &end); l != nil {
		return l, nil
	}
	s.lose(conn, end)
	switch {
	case s.isStopping():
		return nil, nil //nolint:nilnil // the end that was asked for
	case s.c.opts.DisableAutoReconnect:
		return nil, &Error{Operation: "Run", CloseCode: max(0, int(end.code)), Message: end.reason, Err: ErrConnectionLost}
	}
	return s.reconnect(conn)
}

// attach makes a link the one that requests go to. It reports false if the client
// is being stopped.
func (s *session) attach(l *link, fresh bool) bool {
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return false
	}
	l.keepAlive(s.c.opts, &s.queue.paused)
	if l.codec.Reliable() {
		l.acking = newAcking(l)
	}
	s.conn = l.conn
	s.setLocked(StateConnected, l)
	s.mu.Unlock()
	s.c.opts.Logger.Info("connected", "connection", l.conn.id, "recovered", !fresh)
	if fresh {
		l.conn.since = time.Now()
		ev := ConnectedEvent{ConnectionID: l.conn.id, UserID: l.conn.user}
		ready := make(chan struct{})
		s.queue.call(func() { fire(s.callbacks, s, &s.c.onConnected, ev) }, ready)
		s.rejoin(l.conn, ready)
		return true
	}
	raise(s, &s.c.onRecovered, RecoveredEvent{ConnectionID: l.conn.id})
	l.acking.flush() // what was acknowledged before may not have arrived
	s.writers.resume(l)
	return true
}

// detach takes a link that has ended away; one that says goodbye is waited for.
func (s *session) detach(l *link) {
	s.mu.Lock()
	leaving := s.leaving == l
	if s.link == l {
		s.setLocked(s.state, nil)
	}
	s.mu.Unlock()
	if leaving {
		<-l.left
	}
}

// lose ends a connection for good.
func (s *session) lose(conn *connection, end ending) {
	ev := DisconnectedEvent{ConnectionID: conn.id, Message: conn.farewell}
	reason := ErrStopped
	s.mu.Lock()
	s.conn = nil
	if !s.stopping {
		s.setLocked(StateReconnecting, nil)
		ev.CloseCode, ev.CloseReason, ev.Err = max(0, int(end.code)), end.reason, end.err
		reason = ErrConnectionLost
	}
	s.mu.Unlock()
	s.c.opts.Logger.Info("disconnected", "connection", conn.id, "code", ev.CloseCode, "reason", ev.CloseReason, "message", conn.farewell)
	s.writers.fail(reason)
	s.queue.call(func() { s.streams.end(reason) }, nil)
	raise(s, &s.c.onDisconnected, ev)
}

// finish ends the session: the dispatcher does the rest after all that is queued.
func (s *session) finish(err error) {
	s.mu.Lock()
	s.stopping = true
	s.setLocked(StateStopping, nil)
	s.mu.Unlock()
	s.cancel()
	s.background.Wait()
	s.queue.call(func() {
		s.release()
		s.streams.wait()
		s.markOver()
		fire(s.final, s, &s.c.onStopped, StoppedEvent{Err: err})
	}, nil)
	s.queue.close()
}

// stop begins the end, or hurries one that has begun by itself.
func (s *session) stop() {
	var l *link
	s.mu.Lock()
	if !s.stopping {
		l = s.link
		s.stopping, s.leaving = true, l
		s.setLocked(StateStopping, nil)
	}
	s.mu.Unlock()
	s.cancel()
	s.release()
	s.queue.stop()
	if l != nil {
		go l.leave()
	}
}

// hurry ends a goodbye that takes too long.
func (s *session) hurry() {
	s.mu.Lock()
	l := s.leaving
	s.mu.Unlock()
	if l != nil {
		l.cut()
	}
}

func (s *session) markOver() {
	s.mu.Lock()
	s.stopping = true
	s.setLocked(StateStopped, nil)
	s.mu.Unlock()
	close(s.over)
}

func (s *session) setLocked(state State, l *link) {
	s.state, s.link = state, l
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *session) setState(state State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping {
		s.setLocked(state, nil)
	}
}

func (s *session) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

func (s *session) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

func (s *session) currentState() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *session) identity() (id, user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return "", ""
	}
	return s.conn.id, s.conn.user
}

// connected gives the link that requests go to, waiting for it if there is none.
func (s *session) connected(ctx context.Context) (*link, error) {
	for {
		s.mu.Lock()
		l, changed, stopping := s.link, s.changed, s.stopping
		s.mu.Unlock()
		switch {
		case stopping:
			return nil, ErrStopped
		case l != nil:
			return l, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// pause waits, and reports false if the session ends before.
func (s *session) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
