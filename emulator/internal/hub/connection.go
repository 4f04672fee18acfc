package hub

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/odata"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
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
	// Subprotocol as negotiated; empty for none.
	Subprotocol string
	// ReconnectionToken lets a client of a reliable subprotocol take up the
	// connection again. It is a secret between the hub and the client.
	ReconnectionToken string

	out    Output
	hub    *Hub
	ctx    context.Context //nolint:containedctx // ends with the connection, as what its client has asked for
	cancel context.CancelCauseFunc

	requests    Turnstile   // one after the other, also across links
	invocations invocations // that wait for their answer

	mu       sync.Mutex
	link     *Link // nil while the client is away
	ended    bool
	left     bool // the client has said goodbye; the end waits for its turn
	groups   map[string]struct{}
	roles    role.Set
	acks     ackCache
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

// send delivers a message, whatever has been sent before. A message to a connection
// that has ended is lost. The zero time is never.
func (c *Connection) send(m *Message, expires time.Time) {
	c.mu.Lock()
	failure := ""
	if !c.ended {
		failure = c.out.Delivery.Send(c.link, c.out.Codec, m, expires)
	}
	c.mu.Unlock()
	if failure != "" {
		c.abort(ClosePolicy, failure)
	}
}

// answer sends a frame that is not kept for recovery, to clients that understand it.
func (c *Connection) answer(frame func(Answerer) Frame) {
	if c.out.Answers == nil {
		return
	}
	f := frame(c.out.Answers)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil && !c.ended {
		c.link.Send(f)
	}
}

// greetLocked sends the first frame of a link.
func (c *Connection) greetLocked() {
	if c.out.Answers != nil {
		c.link.Send(c.out.Answers.Connected(c))
	}
}

func (c *Connection) acknowledge(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.Delivery.Acknowledge(c.link, id)
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

// End ends the connection for good, from this side. A client of a Web PubSub
// subprotocol is told why before the close frame.
func (c *Connection) End(code int, reason string) {
	c.finish(reason, nil, func(link *Link) { c.dismiss(link, reason, code, reason) })
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
	c.finish(text, nil, func(link *Link) { c.dismiss(link, text, CloseNormal, "") })
}

// dismiss ends a link; a client that understands it is told why before.
func (c *Connection) dismiss(link *Link, message string, code int, reason string) {
	if c.out.Answers != nil {
		link.Send(c.out.Answers.Disconnected(message))
	}
	link.Close(code, reason)
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
	c.cancel(errGone)
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
	trace.Emit(context.Background(), c.hub.hubs.Trace, trace.ClientGone{Client: c.Identity(), Reason: reason})
	c.hub.hubs.Events.Disconnected(c, reason)
}

// Identity returns the client as records name it.
func (c *Connection) Identity() trace.Client { return identity(c.hub.Name, c.ID, c.UserID) }

func identity(hubName, connectionID string, userID *string) trace.Client {
	out := trace.Client{Hub: hubName, Connection: connectionID}
	if userID != nil {
		out.User = *userID
	}
	return out
}
