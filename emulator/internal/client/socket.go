package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
)

// socket carries frames between a WebSocket and a connection of the hub. It begins
// before the WebSocket does.
type socket struct {
	e        *Endpoint
	conn     *websocket.Conn // nil until the client's request is upgraded
	protocol subprotocol.Protocol
	link     *hub.Link
	hubConn  *hub.Connection // nil: there is nothing to recover
	claim    func()          // takes up the connection when the client has answered; nil: it is the socket's already

	heard atomic.Uint64 // frames
	full  atomic.Bool   // the client is not read, since its requests wait

	closes atomic.Bool // the server has begun to close the WebSocket

	mu    sync.Mutex
	below net.Conn // nil until the client's request is taken over
	dead  bool     // it has been cut
}

func newSocket(e *Endpoint, protocol subprotocol.Protocol) *socket {
	s := &socket{e: e, protocol: protocol}
	s.link = hub.NewLink(s.write, s.cut)
	return s
}

// cut ends the socket at once, whatever waits for the client.
func (s *socket) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
	if s.below != nil {
		_ = s.below.Close()
	}
}

// has tells the socket the connection that is below it from now on.
func (s *socket) has(below net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.below = below; s.dead {
		_ = below.Close()
	}
}

// run serves the client until its socket ends.
func (s *socket) run(c *hub.Connection) {
	s.link.Open()
	stopPings := s.keepAlive(c)
	var proof sync.WaitGroup
	if s.claim != nil {
		proof.Go(s.prove)
	}
	end := s.read(c)
	if end.final && c != nil {
		c.Goodbye(s.link) // of a client that breaks the protocol; any other has said it
	}
	s.link.Abort(hub.CloseNormal, "")
	s.link.Wait()
	s.cut()
	_ = s.conn.CloseNow()
	proof.Wait()
	if c != nil {
		s.lost(c, end)
	}
	stopPings()
}

// prove asks a client that takes up its connection for a sign of life. What a client
// has given up may arrive late, and must not take the connection from a socket that
// the client has made since.
func (s *socket) prove() {
	ctx, cancel := context.WithTimeout(context.Background(), hub.RecoveryWindow)
	defer cancel()
	if s.conn.Ping(ctx) != nil {
		s.cut()
		return
	}
	s.claim()
}

// ending is how a socket has ended.
type ending struct {
	final   bool // the client does not come back
	goodbye bool // the client has sent a close frame
	reason  string
}

// lost tells the connection that its socket is gone. A client that cannot come back
// ends in its turn. After a close frame, the events that it has sent are delivered
// first; without one, they are cancelled. Invocations are cancelled in both cases,
// since nobody waits for their answers.
func (s *socket) lost(c *hub.Connection, how ending) {
	final, reason := how.final, how.reason
	end := func() { c.Lost(s.link, final, reason) }
	waits := !final && c.Codec.Reliable()
	if !waits && c.Serves(s.link) && !s.e.stopped() {
		if !how.goodbye {
			c.Abandon()
		}
		c.Invocations.CancelAll(hub.ErrGone)
	}
	if waits && c.Serves(s.link) && !s.e.stopped() {
		s.e.Logger.LogAttrs(s.e.ctx, slog.LevelInfo, "client lost", slog.String("hub", c.Hub()), slog.String("connection", c.ID),
			slog.String("reason", reason), slog.Duration("recoverable", hub.RecoveryWindow))
	}
	if waits || !c.Requests.Enter(s.e.ctx, s.e.start, end) {
		end()
	}
}

func (s *socket) write(f hub.Frame) error {
	if f.Kind == hub.FrameClose {
		s.closes.Store(true)
		return s.conn.Close(websocket.StatusCode(f.Code), string(f.Data))
	}
	kind := websocket.MessageText
	if f.Kind == hub.FrameBinary {
		kind = websocket.MessageBinary
	}
	// There is no time limit: pings find a client that is dead, the length of the
	// queue one that does not read, and a link that is closing has its own.
	err := s.conn.Write(context.Background(), kind, f.Data)
	if err != nil {
		s.cut() // a frame that is there by half ends the WebSocket
	}
	return err
}

// read takes the client's frames until there are no more, and returns how they
// ended.
func (s *socket) read(c *hub.Connection) ending {
	for {
		kind, r, err := s.conn.Reader(context.Background())
		if err != nil {
			return readEnd(err)
		}
		data, err := io.ReadAll(io.LimitReader(r, subprotocol.MaxFrame+1))
		if err != nil {
			return readEnd(err)
		}
		s.heard.Add(1)
		if s.claim != nil {
			s.claim()
		}
		if c != nil && c.Serves(s.link) {
			s.take(c, kind == websocket.MessageBinary, data)
		}
		// Of a frame that is too large the rest is passed over, and so is all that a
		// client sends before it answers a close frame.
		if _, err := io.Copy(io.Discard, r); err != nil {
			return readEnd(err)
		}
	}
}

func (s *socket) take(c *hub.Connection, binary bool, data []byte) {
	violation := &subprotocol.Violation{Code: hub.CloseTooLarge, Reason: "The client message is too large.", Detail: "frame is too large"}
	var req subprotocol.Request
	if len(data) <= subprotocol.MaxFrame {
		req, violation = s.protocol.Read(binary, data)
	}
	if s.e.Logger.Enabled(s.e.ctx, slog.LevelDebug) {
		s.e.Logger.LogAttrs(s.e.ctx, slog.LevelDebug, "frame", slog.String("hub", c.Hub()), slog.String("connection", c.ID),
			slog.String("kind", strings.TrimPrefix(fmt.Sprintf("%T", req), "subprotocol.")), slog.Int("bytes", len(data)))
	}
	if violation != nil {
		s.e.Logger.LogAttrs(s.e.ctx, slog.LevelWarn, "invalid frame",
			slog.String("hub", c.Hub()), slog.String("connection", c.ID), slog.String("reason", violation.Detail))
		c.End(violation.Code, violation.Reason)
		return
	}
	s.handle(c, req)
}

// readEnd reads what ended the socket. Only a client that says goodbye means it,
// or one that breaks the WebSocket protocol: anything else may be a network that
// fails, from which clients recover. The official JavaScript client says goodbye
// without a status.
func readEnd(err error) ending {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		final := closed.Code == websocket.StatusNormalClosure || closed.Code == websocket.StatusNoStatusRcvd
		return ending{final: final, goodbye: true, reason: closed.Reason}
	}
	var network net.Error
	for _, lost := range [...]error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, os.ErrDeadlineExceeded} {
		if errors.Is(err, lost) || errors.As(err, &network) {
			return ending{reason: "The client's connection was lost."}
		}
	}
	return ending{final: true, reason: "The client frame is invalid."}
}

// handle answers at once what needs no turn; all else is done one after the
// other, so that a client's requests take effect in the order it sent them.
func (s *socket) handle(c *hub.Connection, req subprotocol.Request) {
	switch req := req.(type) {
	case subprotocol.Ping:
		c.Pong()
	case subprotocol.SequenceAck:
		c.SequenceAck(req.ID)
	case subprotocol.CancelInvocation:
		c.Invocations.Cancel(req.ID, hub.ErrCancelled)
	default:
		// The context is the connection's, not the socket's: a reliable client gets its
		// answer when it comes back.
		perform := func() { s.perform(c.Context(), c, req) }
		if invoke, ok := req.(subprotocol.Invoke); ok {
			in := c.Invocations.Begin(c.Context(), invoke.ID)
			if in == nil {
				return // the answer to the first is the answer to both
			}
			perform = func() { s.invoke(in, c, invoke) }
		}
		s.full.Store(true)
		c.Requests.Enter(s.e.ctx, s.e.start, perform)
		s.full.Store(false)
	}
}

func (s *socket) perform(ctx context.Context, c *hub.Connection, req subprotocol.Request) {
	var refused error
	switch req := req.(type) {
	case subprotocol.JoinGroup:
		refused = c.Join(req.Group, req.AckID)
	case subprotocol.LeaveGroup:
		refused = c.Leave(req.Group, req.AckID)
	case subprotocol.SendToGroup:
		refused = c.Publish(req.Message, req.NoEcho, req.TTL, req.AckID)
	case subprotocol.StartStream:
		refused = c.StartStream(req.ID, req.Group, req.NoEcho, req.Idle)
	case subprotocol.StreamData:
		c.StreamData(req.ID, req.Sequence, req.Message)
	case subprotocol.StreamEnd:
		c.EndStream(req.ID, req.Error)
	case subprotocol.SendEvent:
		s.event(ctx, c, req)
	}
	if refused != nil {
		s.e.Logger.LogAttrs(ctx, slog.LevelWarn, "request refused",
			slog.String("hub", c.Hub()), slog.String("connection", c.ID), slog.String("reason", refused.Error()))
		if s.isRaw() { // nothing else can tell it
			c.End(hub.ClosePolicy, "The client does not have permission to send to its group.")
		}
	}
}

// isRaw reports whether the client has no Web PubSub subprotocol: it gets no acks.
func (s *socket) isRaw() bool {
	_, raw := s.protocol.(subprotocol.Raw)
	return raw
}

// event hands a message to the event handler. What it answers reaches the client
// before the ack; a raw client whose event fails is closed, since nothing else
// can tell it.
func (s *socket) event(ctx context.Context, c *hub.Connection, req subprotocol.SendEvent) {
	if !c.Begin(req.AckID) {
		return
	}
	answer, err := s.e.Events.Event(ctx, c, req.Event, req.Message)
	if ctx.Err() != nil {
		return // nobody is there to be told
	}
	if err == nil {
		if answer != nil {
			c.Send(answer, 0)
		}
		c.Finish(req.AckID, nil)
		return
	}
	if s.isRaw() {
		c.End(hub.CloseInternal, "The event could not be handled.")
		return
	}
	c.Finish(req.AckID, internalError())
}

func (s *socket) invoke(in *hub.Invocation, c *hub.Connection, req subprotocol.Invoke) {
	answer, err := s.e.Events.Event(in.Context, c, req.Event, req.Message)
	switch {
	case !c.Invocations.Finish(in):
	case err != nil:
		c.InvokeResponse(req.ID, nil, internalError())
	default:
		c.InvokeResponse(req.ID, answer, nil)
	}
}

func internalError() *hub.AckError {
	return &hub.AckError{Name: "InternalServerError", Message: "Internal server error"}
}

// keepAlive pings the client from time to time, and cuts a socket that does not
// answer. It returns the function that stops it and waits for it.
func (s *socket) keepAlive(c *hub.Connection) (stop func()) {
	if s.e.KeepAlive <= 0 || c == nil {
		return func() {}
	}
	var mu sync.Mutex
	var timer hub.Timer
	var pings sync.WaitGroup
	stopped := false
	var schedule func()
	schedule = func() {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		timer = s.e.Clock.AfterFunc(s.e.KeepAlive, func() {
			mu.Lock()
			if stopped {
				mu.Unlock()
				return
			}
			pings.Add(1)
			mu.Unlock()
			defer pings.Done()
			if s.ping(c) {
				schedule()
			}
		})
	}
	schedule()
	return func() {
		mu.Lock()
		stopped = true
		timer.Stop()
		mu.Unlock()
		pings.Wait()
	}
}

// ping reports whether the client is alive. A client that is not read, because its
// requests wait for the event handler, cannot be heard to answer.
func (s *socket) ping(c *hub.Connection) bool {
	if s.full.Load() {
		return true
	}
	heard := s.heard.Load()
	ctx, cancel := context.WithTimeout(context.Background(), s.e.KeepAlive)
	defer cancel()
	if s.conn.Ping(ctx) == nil || s.heard.Load() != heard || s.full.Load() {
		return true
	}
	s.e.Logger.Warn("no answer to pings", "hub", c.Hub(), "connection", c.ID)
	s.cut()
	return false
}
