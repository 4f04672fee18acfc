package client

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// session is the client's life between Start and Stop. One goroutine connects,
// reads, recovers and reconnects (run). Another one calls the callbacks
// (dispatcher), unless the first calls one itself (relay).
type session struct {
	c        *Client
	dispatch *dispatcher
	secrets  *secrets // of all its connections

	cancel  context.CancelFunc // ends the context of run
	closing <-chan struct{}    // closed by cancel

	acks        pending[uint64, ackResult]
	invocations pending[string, invokeResult]
	inFlight    *window
	relay       *relay
	waits       *waits // for answers behind the dispatcher's queue
	writers     writers
	background  sync.WaitGroup

	// Used by the reading goroutine only.
	frame        *frame.Frame                // a pointer, so that fmt does not print the token in it
	backoff      *backoff.ExponentialBackOff // between attempts to connect
	lastRecovery time.Time                   // when the last attempt to recover began

	lastPreparation *preparation // nil: there was none

	begun bool          // run and the dispatcher were started; set before over is closed
	over  chan struct{} // closed when the client can be started again

	mu        sync.Mutex
	state     State
	socket    *socket // nil unless connected
	conn      *connection
	changed   chan struct{} // closed when state, socket or preparing changes
	preparing *preparation  // whose requests are the only ones that are sent; nil: all are
	stopping  bool
	leaving   *socket        // that Stop is closing
	shutdown  sync.WaitGroup // of leaving
}

// newSession returns the client's next session, and the context that ends with it.
func newSession(ctx context.Context, c *Client) (*session, context.Context) {
	base := context.WithoutCancel(ctx)
	if starter := sessionOf(ctx); starter != nil {
		base = starter.dispatch.base // otherwise contexts would grow with each start
	}
	life, cancel := context.WithCancel(base)
	s := &session{
		c: c, secrets: new(secrets), cancel: cancel, closing: life.Done(), state: StateConnecting, frame: new(frame.Frame), backoff: c.opts.Reconnect.start(),
		inFlight: newWindow(c.opts.MaxInFlight), relay: newRelay(), changed: make(chan struct{}), over: make(chan struct{}),
	}
	s.dispatch = newDispatcher(base, s)
	s.waits = &s.dispatch.queue.waits
	s.waits.wake = func() {
		s.relay.relieve()
		s.dispatch.queue.wake()
	}
	return s, life
}

// start makes the first connection.
func (s *session) start(ctx, life context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(life, cancel)()
	defer func() {
		if !s.begun { // also when the credential has panicked
			s.abandon()
		}
	}()
	ws, err := s.connect(ctx, 1)
	if err == nil {
		err = s.attachNew(life, ws)
	}
	if err != nil {
		if life.Err() != nil {
			err = ErrStopped
		}
		return fail("Start", err)
	}
	s.begun = true
	go s.dispatch.run()
	go s.run(life, ws)
	return nil
}

// abandon ends a session that has not begun.
func (s *session) abandon() {
	s.cancel()
	s.dispatch.release()
	s.markOver()
	close(s.dispatch.done)
}

// run serves the connection and each one after it, or until it is relieved.
func (s *session) run(life context.Context, ws *socket) {
	var err error
	for ws != nil {
		current := ws
		s.relay.read = func() { s.run(life, current) }
		cause := s.serve(ws)      //nolint:contextcheck // the socket ends when the context does
		if cause == errRelieved { //nolint:errorlint // as it was returned
			return
		}
		s.detach(ws)
		ws.end()
		ws, err = s.next(life, ws.conn, cause)
	}
	s.finish(err) //nolint:contextcheck // callbacks have contexts of their own
}

// next recovers the connection or makes a new one after a socket has ended, and
// returns the new socket. If that fails, it returns nil and the error; the error is
// nil if Stop was called.
func (s *session) next(life context.Context, conn *connection, cause error) (*socket, error) {
	if !s.isStopping() {
		code, _ := closeFrame(cause)
		traced(life, s.dispatch, s.trace().Lost, LostInfo{ConnectionID: conn.id, CloseCode: code, Err: cause})
	}
	if ws := s.recover(life, conn, cause); ws != nil {
		return ws, nil
	}
	s.lose(conn, cause)
	switch {
	case s.isStopping():
		return nil, nil //nolint:nilnil // Stop was called
	case s.c.opts.DisableAutoReconnect:
		code, reason := closeFrame(cause)
		return nil, &Error{Operation: "Run", CloseCode: code, Message: reason, Err: ErrConnectionLost}
	}
	return s.reconnect(life, conn)
}

// attach sends requests over a socket from now on. If the client is stopping, it
// closes the socket and returns ErrStopped.
func (s *session) attach(ws *socket) error {
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		ws.shutdown()
		ws.end()
		return ErrStopped
	}
	defer s.mu.Unlock()
	ws.keepAlive(s.c.opts, &s.dispatch.queue.paused)
	if ws.codec.Reliable() {
		ws.received = newSequenceAcks(ws, s)
	}
	s.conn = ws.conn
	s.setLocked(StateConnected, ws)
	return nil
}

// attachNew attaches the socket of a new connection, prepares the connection, and
// rejoins the groups.
func (s *session) attachNew(life context.Context, ws *socket) error {
	if s.c.opts.DisableAutoRejoin {
		s.c.groups.forgetStates(&s.c.states) // before the callbacks of OnNewConnection begin others
	}
	conn, p := ws.conn, s.newPreparation()
	s.mu.Lock()
	s.preparing = p
	s.mu.Unlock()
	if err := s.attach(ws); err != nil {
		return err
	}
	ctx, abandon := context.WithCancel(life)
	conn.since, conn.abandon = time.Now(), abandon
	s.c.opts.Logger.Info("connected", "connection_id", conn.id, "recovered", false)
	ev := ConnectedEvent{ConnectionID: conn.id, UserID: conn.user}
	s.dispatch.queue.call(func() {
		s.dispatch.queue.await(conn.restored)
		fire(s.dispatch.callbacks, s.dispatch, &s.c.onConnected, ev)
	})
	if p == nil {
		s.rejoin(ctx, conn)
		return nil
	}
	s.background.Go(func() {
		defer s.rejoin(ctx, conn)
		p.run(s, ev)
	})
	return nil
}

// attachRecovered attaches a socket of the same connection, and repeats what may be
// lost.
func (s *session) attachRecovered(ws *socket) error {
	if err := s.attach(ws); err != nil {
		return err
	}
	s.c.opts.Logger.Info("connected", "connection_id", ws.conn.id, "recovered", true)
	raise(s.dispatch, &s.c.onRecovered, RecoveredEvent{ConnectionID: ws.conn.id})
	ws.received.flush()
	for _, w := range s.writers.all() {
		w.resume(ws)
	}
	return nil
}

// detach removes a socket that has ended. It waits until Stop has closed it.
func (s *session) detach(ws *socket) {
	s.mu.Lock()
	if s.socket == ws {
		s.setLocked(s.state, nil)
	}
	s.mu.Unlock()
	s.shutdown.Wait()
}

// lose ends a connection that cannot be recovered.
func (s *session) lose(conn *connection, cause error) {
	conn.abandon()
	ev := DisconnectedEvent{ConnectionID: conn.id, Message: conn.message}
	reason := ErrStopped
	s.mu.Lock()
	s.conn = nil
	if s.preparing != nil {
		s.preparing.cancel()
		s.preparing = nil
	}
	if !s.stopping {
		s.setLocked(StateReconnecting, nil)
		ev.CloseCode, ev.CloseReason = closeFrame(cause)
		ev.Err = cause
		reason = ErrConnectionLost
	}
	s.mu.Unlock()
	traced(s.dispatch.base, s.dispatch, s.trace().Ended, EndedInfo{ConnectionID: conn.id, CloseCode: ev.CloseCode, Duration: time.Since(conn.since), Err: ev.Err})
	s.c.opts.Logger.Info("disconnected", "connection_id", conn.id, "close_code", ev.CloseCode, "reason", ev.CloseReason, "message", conn.message)
	for _, w := range s.writers.all() {
		w.finish(reason)
	}
	s.dispatch.queue.call(func() {
		s.dispatch.streams.end(reason)
		s.c.states.disconnected()
	})
	raise(s.dispatch, &s.c.onDisconnected, ev)
}

// finish ends the session. The dispatcher does the rest after all queued items.
func (s *session) finish(err error) {
	s.mu.Lock()
	s.stopping = true
	s.setLocked(StateStopping, nil)
	s.mu.Unlock()
	s.cancel()
	s.relay.timer.Stop()
	s.background.Wait()
	s.dispatch.queue.call(func() {
		s.dispatch.release()
		s.dispatch.streams.running.Wait()
		s.markOver()
		fire(withSession(s.dispatch.base, s), s.dispatch, &s.c.onStopped, StoppedEvent{Err: err})
	})
	s.dispatch.queue.close()
}

// stop closes the socket and cancels what the session waits for. It may be called
// more than once.
func (s *session) stop() {
	s.mu.Lock()
	if !s.stopping {
		s.stopping, s.leaving = true, s.socket
		if s.leaving != nil {
			s.shutdown.Go(s.leaving.shutdown)
		}
		s.setLocked(StateStopping, nil)
	}
	s.mu.Unlock()
	s.cancel()
	s.dispatch.release()
	s.dispatch.queue.stop()
}

// abort cuts a socket whose closing handshake takes too long.
func (s *session) abort() {
	s.mu.Lock()
	ws := s.leaving
	s.mu.Unlock()
	if ws != nil {
		ws.cut()
	}
}

func (s *session) markOver() {
	s.mu.Lock()
	s.stopping = true
	s.setLocked(StateStopped, nil)
	s.mu.Unlock()
	close(s.over)
}

func (s *session) setLocked(state State, ws *socket) {
	s.state, s.socket = state, ws
	close(s.changed)
	s.changed = make(chan struct{})
}

// setState changes the state of a session without a socket, unless it is stopping.
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

// status returns the state, and the id and user of the connection. s may be nil.
func (s *session) status() (state State, id, user string) {
	if s == nil {
		return StateStopped, "", ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		id, user = s.conn.id, s.conn.user
	}
	return s.state, id, user
}

// connected waits for the socket that requests are sent over. Those of the callbacks
// that prepare a connection do not wait for the others.
func (s *session) connected(ctx context.Context) (*socket, error) {
	for {
		s.mu.Lock()
		ws, changed, stopping, preparing := s.socket, s.changed, s.stopping, s.preparing
		s.mu.Unlock()
		switch {
		case stopping:
			return nil, ErrStopped
		case ws != nil && (preparing == nil || preparing == s.c.preparationOf(ctx)):
			return ws, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// await receives from c. It returns an error if the socket is lost, the queue is
// stuck, the context ends, or the session is closing before that.
func await[T any](ctx context.Context, c <-chan T, lost, stuck, closing <-chan struct{}) (v T, err error) {
	select {
	case v = <-c:
	case <-lost:
		err = ErrConnectionLost
	case <-stuck:
		err = ErrQueueFull
	case <-ctx.Done():
		err = ctx.Err()
	case <-closing:
		err = ErrStopped
	}
	return v, err
}

// sleep returns nil after d, or an error when ctx or the session ends.
func (s *session) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return ErrStopped
	}
}
