package client

import (
	"errors"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

var errFrameType = errors.New("frame is of the wrong WebSocket type")

// serve takes the frames of a link until it ends.
func (s *session) serve(ws *socket) ending {
	for {
		text, ok, err := ws.read()
		if err != nil {
			return endingOf(err)
		}
		if !s.handle(ws, text, ok) {
			return ending{code: -1}
		}
	}
}

// handle takes one frame. Messages go to the dispatcher; answers to those who wait
// for them, at once. It reports false if the client is being stopped.
func (s *session) handle(ws *socket, text string, ok bool) bool {
	f := &s.frame
	if !ok {
		return s.dispatch.queue.push(item{err: fail("Receive", errFrameType), size: len(text)})
	}
	err := ws.codec.Decode(text, f)
	s.secrets.conceal(f)
	if err != nil {
		return s.message(ws, f, err, len(text))
	}
	switch f.Kind {
	case frame.GroupMessage, frame.ServerMessage:
		return s.message(ws, f, nil, len(text))
	case frame.Ack:
		a := ackResultOf(f)
		s.acks.answer(f.AckID, a, a.failure == nil)
	case frame.InvokeResponse:
		s.invocations.answer(f.ID, invokeResultOf(f), true)
	case frame.StreamAck, frame.StreamNack, frame.StreamClosed:
		s.writers.answer(f)
	case frame.Connected: // again, after a recovery
		if f.ID == ws.conn.id && f.Token != "" && s.secrets.checkGreeting(f) == nil {
			ws.conn.token = f.Token
		}
	case frame.Disconnected:
		ws.conn.farewell = f.Message
	default: // of a later kind
		if !ws.had(f) {
			ws.took(f)
		}
	}
	return true
}

// message queues a message, or what is wrong with a frame, unless it is one that
// has come before. A frame that cannot be decoded is acknowledged as any other:
// it would only come again.
func (s *session) message(ws *socket, f *frame.Frame, err error, size int) bool {
	if ws.had(f) {
		return true
	}
	it := item{size: size}
	switch {
	case err != nil:
		it.err = fail("Receive", err)
	case f.Kind == frame.GroupMessage:
		it.group = &GroupMessage{
			Group: f.Group, FromUserID: f.UserID, Data: Data{d: f.Data}, Metadata: f.Metadata, SequenceID: f.Sequence, stream: f.Stream,
		}
	default:
		it.server = &ServerMessage{Data: Data{d: f.Data}, Metadata: f.Metadata, SequenceID: f.Sequence}
	}
	if !s.dispatch.queue.push(it) {
		return false
	}
	ws.took(f)
	return true
}

// had reports whether a frame has come before.
func (ws *socket) had(f *frame.Frame) bool { return ws.numbers(f) && f.Sequence <= ws.conn.last.Load() }

// took notes a frame, which is acknowledged in time.
func (ws *socket) took(f *frame.Frame) {
	if ws.numbers(f) {
		ws.conn.last.Store(f.Sequence)
		ws.received.take()
	}
}

func (ws *socket) numbers(f *frame.Frame) bool { return f.Sequence > 0 && ws.received != nil }
