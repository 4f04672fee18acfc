package hub

import (
	"cmp"
	"fmt"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
)

// DefaultStreamIdle is the idle timeout of streams that set none.
const DefaultStreamIdle = 5 * time.Minute

// stream is an open stream of a client to a group.
type stream struct {
	id       string
	group    string
	noEcho   bool
	idle     time.Duration
	expected uint64 // next sequence id
	deadline time.Time
	stop     func() bool // stops the timer
}

// maxStreams is the number of streams that a client can have open.
const maxStreams = 1000

// startStream opens a stream.
func (c *Connection) startStream(req StartStream) *RequestError {
	id := req.ID
	var refused *RequestError
	c.mu.Lock()
	switch {
	case c.ended:
		c.mu.Unlock()
		return nil
	case !c.roles.Allows(role.Send, req.Group):
		refused = forbidden("send to", req.Group)
	case c.streams[id] != nil:
		refused = &RequestError{Name: "BadRequest", Message: "The stream '" + id + "' exists already."}
	case len(c.streams) >= maxStreams:
		refused = &RequestError{Name: "BadRequest", Message: "The client has too many streams."}
	default:
		if c.streams == nil {
			c.streams = make(map[string]*stream)
		}
		s := &stream{id: id, group: req.Group, noEcho: req.NoEcho, idle: cmp.Or(req.Idle, DefaultStreamIdle), expected: 1}
		c.watchLocked(s)
		c.streams[id] = s
	}
	c.mu.Unlock()
	if refused != nil {
		c.streamClosed(id, refused)
		return refused
	}
	c.streamAck(id, 1)
	return nil
}

// streamData publishes the next message of a stream, or keeps the stream alive.
func (c *Connection) streamData(req StreamData) {
	id, sequence, m := req.ID, req.Sequence, req.Message
	c.mu.Lock()
	s := c.streams[id]
	if s == nil {
		c.mu.Unlock()
		c.streamNotFound(id)
		return
	}
	accepted := m != nil && sequence == s.expected
	if accepted {
		s.expected++
	}
	if accepted || m == nil {
		s.stop()
		c.watchLocked(s)
	}
	expected := s.expected
	c.mu.Unlock()
	switch {
	case m == nil:
	case sequence > expected:
		failure := RequestError{Name: "InvalidSequenceId", Message: fmt.Sprintf("The stream expects sequence id %d.", expected)}
		c.answer(func(a Answerer) Frame { return a.StreamNack(id, expected, failure) })
	default:
		if accepted {
			m.Group = s.group
			m.Stream = &StreamInfo{ID: id, Sequence: sequence}
			c.publish(m, s.noEcho, 0)
		}
		c.streamAck(id, expected)
	}
}

func (c *Connection) endStream(req StreamEnd) {
	c.mu.Lock()
	s := c.streams[req.ID]
	delete(c.streams, req.ID)
	c.mu.Unlock()
	if s == nil {
		c.streamNotFound(req.ID)
		return
	}
	s.stop()
	c.publish(s.end(req.Error), s.noEcho, 0)
	c.streamClosed(req.ID, nil)
}

func (c *Connection) streamAck(id string, expected uint64) {
	c.answer(func(a Answerer) Frame { return a.StreamAck(id, expected) })
}

func (c *Connection) streamClosed(id string, err *RequestError) {
	c.answer(func(a Answerer) Frame { return a.StreamClosed(id, err) })
}

func (c *Connection) streamNotFound(id string) {
	c.streamClosed(id, &RequestError{Name: "StreamNotFound", Message: "The stream '" + id + "' was not found."})
}

// watchLocked restarts the idle timeout.
func (c *Connection) watchLocked(s *stream) {
	s.deadline = c.hub.Clock.Now().Add(s.idle)
	s.stop = c.hub.Clock.AfterFunc(s.idle, func() { c.expireStream(s) })
}

// expireStream ends an idle stream. If data arrived when the timer fired, the deadline
// is in the future.
func (c *Connection) expireStream(s *stream) {
	c.mu.Lock()
	if c.streams[s.id] != s || c.hub.Clock.Now().Before(s.deadline) {
		c.mu.Unlock()
		return
	}
	delete(c.streams, s.id)
	c.mu.Unlock()
	idle := &RequestError{Name: "IdleTimeout", Message: "The stream was idle for too long."}
	c.publish(s.end(idle), s.noEcho, 0)
	c.streamClosed(s.id, idle)
}

// end returns the last message of a stream. It has empty data because clients ignore
// messages without data.
func (s *stream) end(err *RequestError) *Message {
	return &Message{
		Group:  s.group,
		Type:   Text,
		Data:   []byte{},
		Stream: &StreamInfo{ID: s.id, Sequence: s.expected, End: true, Error: err},
	}
}
