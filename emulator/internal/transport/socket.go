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

// socket connects a WebSocket to a connection of the hub.
type socket struct {
	e        *Endpoint
	ws       *websocket.Conn // nil before the upgrade
	wire     *wire           // below ws
	protocol subprotocol.Protocol
	link     *hub.Link
	client   *hub.Connection // nil if a recovery is refused
	resume   func()          // resumes the connection when the client has answered; nil for a new one

	frames  atomic.Uint64 // received
	full    atomic.Bool   // the client is not read because its queue of requests is full
	closing atomic.Bool   // the server has sent a close frame

	mu    sync.Mutex
	below net.Conn // nil before the upgrade
	dead  bool     // it has been cut
}

func newSocket(e *Endpoint, protocol subprotocol.Protocol) *socket {
	s := &socket{e: e, protocol: protocol}
	s.link = hub.NewLink(s.write, s.cut)
	return s
}

// cut closes the connection below the WebSocket, now or as soon as there is one.
func (s *socket) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
	if s.below != nil {
		_ = s.below.Close()
	}
}

func (s *socket) setBelow(below net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.below = below; s.dead {
		_ = below.Close()
	}
}

// run serves the client until the WebSocket ends.
func (s *socket) run() {
	s.link.Open()
	stopPings := s.keepAlive()
	var confirmed sync.WaitGroup
	if s.resume != nil {
		confirmed.Go(s.confirm)
	}
	loss := s.read()
	if loss.Final && s.client != nil {
		s.client.ClosedByClient(s.link) // after a protocol error; a normal closure has been handled
	}
	s.link.Abort(hub.CloseNormal, "")
	s.link.Wait()
	s.cut()
	_ = s.ws.CloseNow()
	confirmed.Wait()
	if s.client != nil {
		s.client.Lost(s.link, loss)
	}
	stopPings()
}

// confirm resumes the connection when the client answers a ping. A request that the
// client has given up may arrive after it has resumed the connection elsewhere.
func (s *socket) confirm() {
	ctx, cancel := context.WithTimeout(context.Background(), hub.RecoveryWindow)
	defer cancel()
	if s.ws.Ping(ctx) != nil {
		s.cut()
		return
	}
	s.resume()
}

func (s *socket) write(frames []hub.Frame) error {
	for _, f := range frames {
		s.recordOut(f)
	}
	messages, end := frames, frames[len(frames)-1]
	if end.Kind == hub.FrameClose {
		messages = frames[:len(frames)-1]
	}
	// No time limit: pings detect dead clients, the link detects slow ones and limits the
	// time to close.
	if err := s.wire.writeMessages(messages); err != nil {
		s.cut() // a frame may be incomplete
		return err
	}
	if end.Kind == hub.FrameClose {
		s.closing.Store(true)
		return s.ws.Close(websocket.StatusCode(end.Code), string(end.Data))
	}
	return nil
}

// read handles the client's frames until reading fails, and returns why.
func (s *socket) read() hub.Loss {
	for {
		kind, r, err := s.ws.Reader(context.Background())
		if err != nil {
			return lossOf(err)
		}
		data, err := io.ReadAll(io.LimitReader(r, subprotocol.MaxFrame+1))
		if err != nil {
			return lossOf(err)
		}
		s.frames.Add(1)
		if s.resume != nil {
			s.resume()
		}
		if s.client != nil && s.client.Serves(s.link) {
			s.handle(kind == websocket.MessageBinary, data)
		}
		// The rest of a frame that is too large is skipped.
		if _, err := io.Copy(io.Discard, r); err != nil {
			return lossOf(err)
		}
	}
}

// handle decodes a frame and passes the request to the hub.
func (s *socket) handle(binary bool, data []byte) {
	c := s.client
	violation := &subprotocol.Violation{Code: hub.CloseTooLarge, Reason: "The client message is too large.", Detail: "frame is too large"}
	var req hub.Request
	if len(data) <= subprotocol.MaxFrame {
		req, violation = s.protocol.Read(binary, data)
	}
	s.recordIn(req, binary, data)
	if violation != nil {
		emit(s, trace.ClientRecord{Kind: trace.KindFrameInvalid, Client: c.Identity(), Reason: violation.Detail})
		c.End(violation.Code, violation.Reason)
		return
	}
	s.full.Store(true)
	c.Do(req)
	s.full.Store(false)
}

// lossOf returns the loss that a read error means. A normal closure and a protocol error
// are final; any other error may be the network's. The official JavaScript client closes
// without a code.
func lossOf(err error) hub.Loss {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		final := closed.Code == websocket.StatusNormalClosure || closed.Code == websocket.StatusNoStatusRcvd
		return hub.Loss{Final: final, Orderly: true, Code: int(closed.Code), Reason: closed.Reason}
	}
	var network net.Error
	for _, lost := range [...]error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, os.ErrDeadlineExceeded} {
		if errors.Is(err, lost) || errors.As(err, &network) {
			return hub.Loss{Reason: "The client's connection was lost."}
		}
	}
	return hub.Loss{Final: true, Reason: "The client frame is invalid."}
}
