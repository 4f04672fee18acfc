package hub

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/odata"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
)

// Why connections end, as the event handler is told.
const (
	reasonRecoveryExpired = "The connection recovery timeout expired."
	reasonBufferFull      = "The reliable message buffer is full."
	reasonSlow            = "The client reads too slowly."
)

// Connection is a client's connection. Its exported fields do not change.
type Connection struct {
	ID     string
	UserID *string // nil: none
	Codec  Codec
	// Subprotocol as negotiated; empty for none.
	Subprotocol string
	// ReconnectionToken lets a client of a reliable subprotocol take up the
	// connection again. It is a secret between the hub and the client.
	ReconnectionToken string

	// Requests of the client take effect one after the other, also when it takes
	// the connection up again while one is still on its way.
	Requests Turnstile
	// Invocations of the client that wait for their answer.
	Invocations Invocations

	hub    *Hub
	ctx    context.Context //nolint:containedctx // ends with the connection, as what its client has asked for
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	link     *Link // nil while the client is away
	ended    bool
	left     bool // the client has said goodbye; the end waits for its turn
	groups   map[string]struct{}
	roles    role.Set
	acks     ackCache
	reliable reliableQueue
	streams  map[string]*stream
	recovery Timer // runs while the client is away
	absences int   // how often it has been
	attempts int   // to take the connection up, begun so far
	taken    int   // the attempt that has; zero: none
}

// newID makes an id or token that cannot be guessed.
func newID(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// NewConnectionID makes an id of 32 hexadecimal digits, as the service's are.
func NewConnectionID() string { return newID(16) }

// Send delivers a message, whatever has been sent before. A message to a
// connection that has ended is lost.
func (c *Connection) Send(m *Message, ttl time.Duration) {
	c.mu.Lock()
	ended := c.sendLocked(m, ttl)
	c.mu.Unlock()
	if ended != "" {
		c.abort(ClosePolicy, ended)
	}
}

// sendLocked gives the reason why the connection must end, if it must.
func (c *Connection) sendLocked(m *Message, ttl time.Duration) string {
	if c.ended {
		return ""
	}
	body := m.body(c.Codec)
	if !c.Codec.Reliable() {
		if !c.link.Send(c.Codec.Sequenced(m, body, 0)) {
			return reasonSlow
		}
		return ""
	}
	if c.reliable.full(len(body)) {
		return reasonBufferFull
	}
	c.reliable.last++
	f := c.Codec.Sequenced(m, body, c.reliable.last)
	var expires time.Time
	if ttl > 0 {
		expires = c.hub.clock.Now().Add(ttl)
	}
	c.reliable.push(f, expires)
	if c.link != nil {
		c.link.Send(f) // a link that fails is lost, not the message
	}
	return ""
}

// sendFrame sends a frame that is not kept for recovery.
func (c *Connection) sendFrame(f Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil && !c.ended {
		c.link.Send(f)
	}
}

// Pong answers a ping.
func (c *Connection) Pong() { c.sendFrame(c.Codec.Pong()) }

// SequenceAck releases messages up to an id. It means nothing to connections of
// unreliable subprotocols.
func (c *Connection) SequenceAck(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Codec.Reliable() {
		c.reliable.acknowledge(id)
	}
}

// Begin begins a client's request. It reports false, and answers, if the request
// has been carried out before: a client that is not sure sends it again.
func (c *Connection) Begin(ackID *uint64) bool {
	if ackID == nil {
		return true
	}
	c.mu.Lock()
	repeated := c.acks.has(*ackID)
	c.mu.Unlock()
	if repeated {
		c.sendFrame(c.Codec.Ack(*ackID, duplicate(*ackID)))
	}
	return !repeated
}

// Finish answers a client's request. Only a success is remembered, so that a
// failed request can be tried again under its id.
func (c *Connection) Finish(ackID *uint64, err *AckError) {
	if ackID == nil {
		return
	}
	if err == nil {
		c.mu.Lock()
		c.acks.add(*ackID)
		c.mu.Unlock()
	}
	c.sendFrame(c.Codec.Ack(*ackID, err))
}

// InvokeResponse answers an invocation.
func (c *Connection) InvokeResponse(id string, m *Message, err *AckError) {
	c.sendFrame(c.Codec.InvokeResponse(id, m, err))
}

// Groups gives the groups that the connection is in, in no order.
func (c *Connection) Groups() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]string, 0, len(c.groups))
	for g := range c.groups {
		out = append(out, g)
	}
	return out
}

func (c *Connection) subject() odata.Subject {
	return odata.Subject{ConnectionID: c.ID, UserID: c.UserID, Groups: c.Groups(), Protocol: c.Subprotocol}
}

// Serves tells whether a link is the connection's own: what comes over another
// one, or after the end, is not the client's any more.
func (c *Connection) Serves(link *Link) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.ended && c.link == link
}

// Goodbye rules a recovery out, because the client has ended the connection over
// its link. The end itself comes by [Connection.Lost], when what the client asked
// for before is done.
func (c *Connection) Goodbye(link *Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == link {
		c.left = true
	}
}

// Lost tells that the link is gone. A connection of a reliable subprotocol waits
// for its client to come back, unless the end was meant to be one.
func (c *Connection) Lost(link *Link, final bool, reason string) {
	if final || !c.Codec.Reliable() {
		c.finish(reason, func() bool { return c.link == link }, nil)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.link != link {
		return // ended already, or taken up by another link
	}
	c.link = nil
	c.absences++
	n := c.absences
	c.recovery = c.hub.clock.AfterFunc(RecoveryWindow, func() {
		// A timer that fires while the client comes back has no say any more.
		c.finish(reasonRecoveryExpired, func() bool { return c.link == nil && c.absences == n }, nil)
	})
}

// Recovery is an attempt of a client to take up its connection.
type Recovery struct {
	// Connection to be taken up.
	Connection *Connection

	number int
}

// recover begins an attempt. It returns nil if the token is not the connection's.
func (c *Connection) recover(token string) *Recovery {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.left || !c.Codec.Reliable() || subtle.ConstantTimeCompare([]byte(token), []byte(c.ReconnectionToken)) != 1 {
		return nil
	}
	c.attempts++
	return &Recovery{Connection: c, number: c.attempts}
}

// TakeUp gives the connection a new link: whatever the old one still does is cut
// off, and all that was not acknowledged is sent again. It reports false, and
// changes nothing, if the connection has ended or a later attempt has taken it up.
//
// It is to be called once the client has answered on the new link. An attempt that
// its client has given up may arrive after the one that succeeded, and would take
// the connection away from it.
func (r *Recovery) TakeUp(link *Link) bool {
	c := r.Connection
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.left || r.number <= c.taken {
		return false
	}
	c.taken = r.number
	if c.recovery != nil {
		c.recovery.Stop()
		c.recovery = nil
	}
	if c.link != nil {
		c.link.Abort(ClosePolicy, "The connection was taken up by another client.")
	}
	c.link = link
	link.Send(c.Codec.Connected(c))
	for _, f := range c.reliable.replay(c.hub.clock.Now()) {
		link.Send(f)
	}
	return true
}

// End ends the connection for good, from this side. A client of a Web PubSub
// subprotocol is told why before the close frame.
func (c *Connection) End(code int, reason string) {
	c.finish(reason, nil, func(link *Link) {
		link.Send(c.Codec.Disconnected(reason))
		link.Close(code, reason)
	})
}

// abort ends the connection of a client that does not read: what it has not read
// is dropped.
func (c *Connection) abort(code int, reason string) {
	c.finish(reason, nil, func(link *Link) { link.Abort(code, reason) })
}

// CloseByServer ends the connection as the REST API does: a client of a Web
// PubSub subprotocol is told why, and the close frame says nothing.
func (c *Connection) CloseByServer(reason string) {
	text := "Application server closed the connection."
	if reason != "" {
		text += " Reason: " + reason
	}
	c.finish(text, nil, func(link *Link) {
		link.Send(c.Codec.Disconnected(text))
		link.Close(CloseNormal, "")
	})
}

// finish ends the connection, once, if a condition, looked at under the lock,
// still holds. What say has to say are the last frames of the link.
func (c *Connection) finish(reason string, still func() bool, say func(*Link)) {
	c.mu.Lock()
	if c.ended || (still != nil && !still()) {
		c.mu.Unlock()
		return
	}
	c.ended = true
	c.cancel(ErrGone)
	if c.recovery != nil {
		c.recovery.Stop()
	}
	if c.link != nil && say != nil {
		say(c.link)
	}
	streams := c.streams
	c.streams = nil
	c.mu.Unlock()
	c.hub.remove(c)
	for _, s := range streams {
		s.timer.Stop()
		c.publish(s.last(&StreamError{Name: "Cancelled", Message: "The connection of the publisher has ended."}), s.noEcho, 0)
	}
	c.hub.observer.Disconnected(c, reason)
}

func duplicate(id uint64) *AckError {
	return &AckError{Name: "Duplicate", Message: "Message with ack-id: " + uitoa(id) + " has been processed"}
}

// Hub gives the name of the connection's hub.
func (c *Connection) Hub() string { return c.hub.Name }
