package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
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
	if end.Final && c != nil {
		c.Goodbye(s.link) // of a client that breaks the protocol; any other has said it
	}
	s.link.Abort(hub.CloseNormal, "")
	s.link.Wait()
	s.cut()
	_ = s.conn.CloseNow()
	proof.Wait()
	if c != nil {
		c.Lost(s.link, end)
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

func (s *socket) write(f hub.Frame) error {
	s.recordOut(f)
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
func (s *socket) read(c *hub.Connection) hub.Ending {
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
	var req hub.Request
	if len(data) <= subprotocol.MaxFrame {
		req, violation = s.protocol.Read(binary, data)
	}
	s.recordIn(c, req, binary, data)
	if violation != nil {
		trace.Emit(context.Background(), s.e.Hubs.Trace, trace.FrameInvalid{Client: c.Identity(), Reason: violation.Detail})
		c.End(violation.Code, violation.Reason)
		return
	}
	s.full.Store(true)
	c.Do(req)
	s.full.Store(false)
}

// readEnd reads what ended the socket. Only a client that says goodbye means it,
// or one that breaks the WebSocket protocol: anything else may be a network that
// fails, from which clients recover. The official JavaScript client says goodbye
// without a status.
func readEnd(err error) hub.Ending {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		final := closed.Code == websocket.StatusNormalClosure || closed.Code == websocket.StatusNoStatusRcvd
		return hub.Ending{Final: final, Goodbye: true, Reason: closed.Reason}
	}
	var network net.Error
	for _, lost := range [...]error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, os.ErrDeadlineExceeded} {
		if errors.Is(err, lost) || errors.As(err, &network) {
			return hub.Ending{Reason: "The client's connection was lost."}
		}
	}
	return hub.Ending{Final: true, Reason: "The client frame is invalid."}
}
