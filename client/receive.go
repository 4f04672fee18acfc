package client

import (
	"errors"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

var errFrameType = errors.New("frame is of the wrong WebSocket type")

// serve takes the frames of a link until it ends.
func (s *session) serve(l *link) ending {
	for {
		text, ok, err := l.read()
		if err != nil {
			return endingOf(err)
		}
		if !s.handle(l, text, ok) {
			return ending{code: -1}
		}
	}
}

// handle takes one frame. Messages go to the dispatcher; answers to those who wait
// for them, at once. It reports false if the client is being stopped.
func (s *session) handle(l *link, text string, ok bool) bool {
	f := &s.frame
	if !ok {
		return s.queue.push(item{err: fail("Receive", errFrameType), size: len(text)})
	}
	err := l.codec.Decode(text, f)
	s.secrets.conceal(f)
	if err != nil {
		return s.message(l, f, err, len(text))
	}
	switch f.Kind {
	case frame.GroupMessage, frame.ServerMessage:
		return s.message(l, f, nil, len(text))
	case frame.Ack:
		s.acks.answer(f)
	case frame.InvokeResponse:
		s.calls.answer(f)
	case frame.StreamAck, frame.StreamNack, frame.StreamClosed:
		s.writers.answer(f)
	case frame.Connected: // again, after a recovery
		if f.ID == l.conn.id && f.Token != "" && s.secrets.checkGreeting(f) == nil {
			l.conn.token = f.Token
		}
	case frame.Disconnected:
		l.conn.farewell = excerpt.Line(f.Message, maxErrorText)
	default: // of a later kind
		if !l.had(f) {
			l.took(f)
		}
	}
	return true
}

// message queues a message, or what is wrong with a frame, unless it is one that
// has come before. A frame that cannot be decoded is acknowledged as any other:
// it would only come again.
func (s *session) message(l *link, f *frame.Frame, err error, size int) bool {
	if l.had(f) {
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
	if !s.queue.push(it) {
		return false
	}
	l.took(f)
	return true
}

// had reports whether a frame has come before.
func (l *link) had(f *frame.Frame) bool { return l.numbers(f) && f.Sequence <= l.conn.last.Load() }

// took notes a frame, which is acknowledged in time.
func (l *link) took(f *frame.Frame) {
	if l.numbers(f) {
		l.conn.last.Store(f.Sequence)
		l.acking.take()
	}
}

func (l *link) numbers(f *frame.Frame) bool { return f.Sequence > 0 && l.acking != nil }
