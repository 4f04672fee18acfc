package client

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
)

const (
	writeTimeout = 30 * time.Second
	// maxWaiting requests of one client wait for their turn before the client is
	// not read any more.
	maxWaiting = 64
)

// socket carries frames between a WebSocket and a connection of the hub.
type socket struct {
	e        *Endpoint
	conn     *websocket.Conn
	protocol subprotocol.Protocol
	link     *hub.Link
	cancel   context.CancelFunc

	requests turnstile
}

func newSocket(e *Endpoint, conn *websocket.Conn, protocol subprotocol.Protocol) *socket {
	conn.SetReadLimit(subprotocol.MaxFrame)
	s := &socket{e: e, conn: conn, protocol: protocol}
	s.link = hub.NewLink(s.write)
	return s
}

// run serves the client until its socket ends.
func (s *socket) run(ctx context.Context, attach func(*socket) *hub.Connection) {
	ctx, s.cancel = context.WithCancel(ctx)
	defer s.cancel()
	c := attach(s)
	if s.e.KeepAlive > 0 {
		defer s.keepAlive(ctx)()
	}
	final, reason := s.read(ctx, c)
	if c != nil {
		c.Lost(s.link, final, reason)
	}
	s.link.Abort(hub.CloseNormal, "")
	s.link.Wait()
	_ = s.conn.CloseNow()
	s.cancel()
	s.requests.wait()
}

// stop ends the socket because the server stops.
func (s *socket) stop() {
	s.link.Abort(int(websocket.StatusGoingAway), "The server is stopping.")
	s.link.Wait()
	_ = s.conn.CloseNow()
}

func (s *socket) write(f hub.Frame) error {
	if f.Kind == hub.FrameClose {
		return s.conn.Close(websocket.StatusCode(f.Code), string(f.Data))
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	kind := websocket.MessageText
	if f.Kind == hub.FrameBinary {
		kind = websocket.MessageBinary
	}
	return s.conn.Write(ctx, kind, f.Data)
}

// read takes the client's frames until there are no more. It tells whether the
// end is final, and why it came.
func (s *socket) read(ctx context.Context, c *hub.Connection) (final bool, reason string) {
	for {
		kind, data, err := s.conn.Read(ctx)
		if err != nil {
			return readEnd(err)
		}
		if c == nil {
			continue // refused: wait for the client's close frame
		}
		req, violation := s.protocol.Read(kind == websocket.MessageBinary, data)
		if violation != nil {
			s.e.Logger.Info("client sent an invalid frame", "hub", c.Hub(), "connection", c.ID, "reason", violation.Detail)
			c.End(violation.Code, violation.Reason)
			continue
		}
		s.handle(ctx, c, req)
	}
}

// readEnd reads what ended the socket. Only a client that says goodbye means it:
// anything else may be a network that fails, from which clients recover. The
// official JavaScript client says goodbye without a status.
func readEnd(err error) (final bool, reason string) {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		final = closed.Code == websocket.StatusNormalClosure || closed.Code == websocket.StatusNoStatusRcvd
		return final, closed.Reason
	}
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return false, "The client's connection was lost."
	}
	return errors.Is(err, websocket.ErrMessageTooBig), "The client's connection failed."
}

// handle answers at once what needs no turn; all else is done one after the
// other, so that a client's requests take effect in the order it sent them.
func (s *socket) handle(ctx context.Context, c *hub.Connection, req subprotocol.Request) {
	switch req := req.(type) {
	case subprotocol.Ping:
		c.Pong()
	case subprotocol.SequenceAck:
		c.SequenceAck(req.ID)
	case subprotocol.CancelInvocation:
		// The event is with its handler already; its answer will be passed over.
	default:
		s.requests.enter(ctx, func() { s.perform(ctx, c, req) })
	}
}

func (s *socket) perform(ctx context.Context, c *hub.Connection, req subprotocol.Request) {
	switch req := req.(type) {
	case subprotocol.JoinGroup:
		c.Join(req.Group, req.AckID)
	case subprotocol.LeaveGroup:
		c.Leave(req.Group, req.AckID)
	case subprotocol.SendToGroup:
		c.Publish(req.Message, req.NoEcho, req.TTL, req.AckID)
	case subprotocol.StartStream:
		c.StartStream(req.ID, req.Group, req.NoEcho, req.Idle)
	case subprotocol.StreamData:
		c.StreamData(req.ID, req.Sequence, req.Message)
	case subprotocol.StreamEnd:
		c.EndStream(req.ID, req.Error)
	case subprotocol.SendEvent:
		s.event(ctx, c, req)
	case subprotocol.Invoke:
		answer, err := s.e.Events.Event(ctx, c, req.Event, req.Message)
		if err != nil {
			c.InvokeResponse(req.ID, nil, internalError())
			return
		}
		c.InvokeResponse(req.ID, answer, nil)
	}
}

// event hands a message to the event handler. What it answers reaches the client
// before the ack; a raw client whose event fails is closed, since nothing else
// can tell it.
func (s *socket) event(ctx context.Context, c *hub.Connection, req subprotocol.SendEvent) {
	if !c.Begin(req.AckID) {
		return
	}
	answer, err := s.e.Events.Event(ctx, c, req.Event, req.Message)
	if err == nil {
		if answer != nil {
			c.Send(answer, 0)
		}
		c.Finish(req.AckID, nil)
		return
	}
	if _, raw := s.protocol.(subprotocol.Raw); raw {
		c.End(hub.CloseInternal, "The event could not be handled.")
		return
	}
	c.Finish(req.AckID, internalError())
}

func internalError() *hub.AckError {
	return &hub.AckError{Name: "InternalServerError", Message: "Internal server error"}
}

// keepAlive pings the client from time to time, and closes a socket that does
// not answer. It gives the function that stops it.
func (s *socket) keepAlive(ctx context.Context) (stop func()) {
	var mu sync.Mutex
	var timer hub.Timer
	stopped := false
	var schedule func()
	ping := func() {
		ctx, cancel := context.WithTimeout(ctx, s.e.KeepAlive)
		defer cancel()
		if err := s.conn.Ping(ctx); err != nil {
			_ = s.conn.CloseNow()
			return
		}
		schedule()
	}
	schedule = func() {
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			timer = s.e.Clock.AfterFunc(s.e.KeepAlive, ping)
		}
	}
	schedule()
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}

// turnstile runs functions one after the other, in a goroutine that is there
// only while there are any.
type turnstile struct {
	mu      sync.Mutex
	waiting []func()
	running bool
	room    chan struct{} // has an element for each function that waits
	done    sync.WaitGroup
}

// enter queues a function. It waits while too many are queued.
func (t *turnstile) enter(ctx context.Context, f func()) {
	t.mu.Lock()
	if t.room == nil {
		t.room = make(chan struct{}, maxWaiting)
	}
	t.mu.Unlock()
	select {
	case t.room <- struct{}{}:
	case <-ctx.Done():
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, f)
	if !t.running {
		t.running = true
		t.done.Add(1)
		go t.turn()
	}
}

func (t *turnstile) turn() {
	defer t.done.Done()
	for {
		t.mu.Lock()
		if len(t.waiting) == 0 {
			t.running = false
			t.mu.Unlock()
			return
		}
		f := t.waiting[0]
		t.waiting = t.waiting[1:]
		t.mu.Unlock()
		f()
		<-t.room
	}
}

func (t *turnstile) wait() { t.done.Wait() }
