package client

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

var errFrameType = errors.New("frame has the wrong WebSocket type")

// serve handles the frames of a socket until it ends, and returns the cause. The
// cause is errStopping if the client is stopping, and errRelieved if another goroutine
// goes on.
func (s *session) serve(ws *socket) error {
	for {
		b, ok, err := ws.read()
		if err != nil {
			return err
		}
		if err := s.handle(ws, b, ok); err != nil {
			return err
		}
	}
}

// handle handles a frame. Messages go to the dispatcher, answers to the operations
// that wait for them.
func (s *session) handle(ws *socket, b []byte, ok bool) error {
	f := s.frame
	if !ok {
		f.Sequence = 0
		return s.message(ws, f, errFrameType, len(b))
	}
	err := ws.codec.Decode(b, f)
	s.secrets.conceal(f)
	if err != nil {
		if f.Kind == frame.InvokeResponse {
			s.invocations.answer(f.ID, invokeResult{err: fmt.Errorf("answer: %w", err)}, false)
		}
		return s.message(ws, f, err, len(b))
	}
	switch f.Kind {
	case frame.GroupMessage, frame.ServerMessage, frame.GroupStateUpdate, frame.GroupStateSnapshot:
		return s.message(ws, f, nil, len(b))
	case frame.Ack:
		a := ackResultOf(f)
		s.acks.answer(f.AckID, a, a.failure == nil)
	case frame.InvokeResponse:
		s.invocations.answer(f.ID, invokeResultOf(f), true)
	case frame.StreamAck, frame.StreamNack, frame.StreamClosed:
		s.writers.answer(f)
	case frame.Connected: // sent again after a recovery
		if f.ID == ws.conn.id && f.Token != "" && s.secrets.checkConnected(f) == nil {
			ws.conn.token = f.Token
		}
	case frame.Disconnected:
		ws.conn.message = f.Message
	default: // unknown
		if !ws.isRepeated(f) {
			ws.record(f)
		}
	}
	return nil
}

// message delivers or queues a message or the error of an invalid frame, unless it is a
// repeated one. The service repeats invalid frames too until they are acknowledged.
func (s *session) message(ws *socket, f *frame.Frame, err error, size int) error {
	if ws.isRepeated(f) {
		traced(s.dispatch.base, s.dispatch, s.trace().Repeated, RepeatedInfo{ConnectionID: ws.conn.id, SequenceID: f.Sequence})
		return nil
	}
	it := item{size: size}
	switch {
	case err != nil:
		it.err = fail("Receive", err)
	case f.Kind == frame.GroupStateUpdate, f.Kind == frame.GroupStateSnapshot:
		it.states = &groupStateFrame{group: f.Group, states: f.States, snapshot: f.Kind == frame.GroupStateSnapshot}
	case f.Kind == frame.GroupMessage:
		it.group = &GroupMessage{
			Group: f.Group, FromUserID: f.UserID, Data: Data{d: f.Data}, Metadata: f.Metadata, SequenceID: f.Sequence, stream: f.Stream,
		}
	default:
		it.server = &ServerMessage{Data: Data{d: f.Data}, Metadata: f.Metadata, SequenceID: f.Sequence}
	}
	s.traceReceived(ws, &it, f.Sequence)
	lent, ok := s.dispatch.queue.push(it)
	if !ok {
		return errStopping
	}
	ws.record(f)
	if lent {
		return s.callBack(&it)
	}
	return nil
}

// traceReceived calls the hook for a message that is about to be queued or delivered.
func (s *session) traceReceived(ws *socket, it *item, sequence uint64) {
	d := s.dispatch
	if t := s.trace(); t.Received != nil || t.Delivered != nil {
		it.since = time.Since(d.began)
		traced(d.base, d, t.Received, ReceivedInfo{
			ConnectionID: ws.conn.id, Kind: it.kind(), SequenceID: sequence, Bytes: it.size, Queued: int(d.queue.count.Load()) + 1,
		})
	}
}

// isRepeated reports whether a frame is a repeated one.
func (ws *socket) isRepeated(f *frame.Frame) bool {
	return ws.isNumbered(f) && f.Sequence <= ws.conn.last.Load()
}

// record records a message, to be acknowledged later.
func (ws *socket) record(f *frame.Frame) {
	if ws.isNumbered(f) {
		ws.conn.last.Store(f.Sequence)
		ws.received.take()
	}
}

func (ws *socket) isNumbered(f *frame.Frame) bool { return f.Sequence > 0 && ws.received != nil }
