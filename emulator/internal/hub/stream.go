package hub

import (
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
)

// DefaultStreamIdle is how long a stream may be silent if its start does not say.
const DefaultStreamIdle = 5 * time.Minute

// stream is one that a client sends to a group.
type stream struct {
	id       string
	group    string
	noEcho   bool
	idle     time.Duration
	expected uint64 // next sequence id
	deadline time.Time
	timer    Timer
}

// maxStreams is how many streams a client can have open at a time.
const maxStreams = 1000

// StartStream is the client's request to send a stream to a group. It gives why it
// was refused.
func (c *Connection) StartStream(id, group string, noEcho bool, idle time.Duration) error {
	if idle == 0 {
		idle = DefaultStreamIdle
	}
	var refused *StreamError
	c.mu.Lock()
	switch {
	case c.ended:
		c.mu.Unlock()
		return nil
	case !c.roles.Allows(role.Send, group):
		refused = &StreamError{Name: "Forbidden", Message: forbidden("send to", group).Message}
	case c.streams[id] != nil:
		refused = &StreamError{Name: "BadRequest", Message: "The stream '" + id + "' exists already."}
	case len(c.streams) >= maxStreams:
		refused = &StreamError{Name: "BadRequest", Message: "The client has too many streams."}
	default:
		if c.streams == nil {
			c.streams = make(map[string]*stream)
		}
		s := &stream{id: id, group: group, noEcho: noEcho, idle: idle, expected: 1}
		c.watchLocked(s)
		c.streams[id] = s
	}
	c.mu.Unlock()
	if refused != nil {
		c.sendFrame(c.Codec.StreamClosed(id, refused))
		return refused
	}
	c.sendFrame(c.Codec.StreamAck(id, 1))
	return nil
}

// StreamData is the next piece of a stream; a nil message keeps the stream alive.
func (c *Connection) StreamData(id string, sequence uint64, m *Message) {
	c.mu.Lock()
	s := c.streams[id]
	if s == nil {
		c.mu.Unlock()
		c.sendFrame(c.Codec.StreamClosed(id, &StreamError{Name: "StreamNotFound", Message: "The stream '" + id + "' was not found."}))
		return
	}
	accepted := m != nil && sequence == s.expected
	if accepted {
		s.expected++
	}
	if accepted || m == nil {
		s.timer.Stop()
		c.watchLocked(s)
	}
	expected := s.expected
	c.mu.Unlock()
	switch {
	case m == nil:
	case sequence > expected:
		c.sendFrame(c.Codec.StreamNack(id, expected, StreamError{Name: "InvalidSequenceId", Message: "The stream expects sequence id " + uitoa(expected) + "."}))
	default:
		if accepted {
			m.Group = s.group
			m.Stream = &StreamInfo{ID: id, Sequence: sequence}
			c.publish(m, s.noEcho, 0)
		}
		c.sendFrame(c.Codec.StreamAck(id, expected))
	}
}

// EndStream ends a stream, by an error of the client's own if there is one.
func (c *Connection) EndStream(id string, failure *StreamError) {
	c.mu.Lock()
	s := c.streams[id]
	delete(c.streams, id)
	c.mu.Unlock()
	if s == nil {
		c.sendFrame(c.Codec.StreamClosed(id, &StreamError{Name: "StreamNotFound", Message: "The stream '" + id + "' was not found."}))
		return
	}
	s.timer.Stop()
	c.publish(s.last(failure), s.noEcho, 0)
	c.sendFrame(c.Codec.StreamClosed(id, nil))
}

// watchLocked begins to wait for the next piece of a stream.
func (c *Connection) watchLocked(s *stream) {
	s.deadline = c.hub.clock.Now().Add(s.idle)
	s.timer = c.hub.clock.AfterFunc(s.idle, func() { c.expireStream(s) })
}

// expireStream ends a stream that has been silent for too long. A timer that
// fires while a piece arrives finds a later deadline.
func (c *Connection) expireStream(s *stream) {
	c.mu.Lock()
	if c.streams[s.id] != s || c.hub.clock.Now().Before(s.deadline) {
		c.mu.Unlock()
		return
	}
	delete(c.streams, s.id)
	c.mu.Unlock()
	idle := &StreamError{Name: "IdleTimeout", Message: "The stream was idle for too long."}
	c.publish(s.last(idle), s.noEcho, 0)
	c.sendFrame(c.Codec.StreamClosed(s.id, idle))
}

// last makes the message that tells subscribers of the end. It has data, though
// empty, since clients pass over messages without.
func (s *stream) last(err *StreamError) *Message {
	return &Message{
		Group:  s.group,
		Type:   Text,
		Data:   []byte{},
		Stream: &StreamInfo{ID: s.id, Sequence: s.expected, End: true, Error: err},
	}
}
