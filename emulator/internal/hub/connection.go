package hub

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/odata"
)

// Reasons of disconnected events.
const (
	reasonRecoveryExpired = "The connection recovery timeout expired."
	reasonBufferFull      = "The reliable message buffer is full."
	reasonSlow            = "The client reads too slowly."
)

// Connection is a client's connection. Its exported fields are constant.
type Connection struct {
	ID          string
	UserID      *string // nil: none
	Subprotocol string  // empty: none
	// ReconnectionToken is the secret with which the client resumes the connection. It
	// is empty if the connection is not resumable.
	ReconnectionToken string

	out    Output
	hub    *Hub
	client trace.Client    // for records
	ctx    context.Context //nolint:containedctx // of the client's requests; ends with the connection
	cancel context.CancelCauseFunc

	requests    Turnstile
	invocations invocations
	stateTime   int64 // of the last group state; guarded by the hub
	traced      func(trace.Result)

	mu           sync.Mutex
	link         *Link // nil while the client is away
	ended        bool
	closedBy     trace.Context // cause of the end
	closed       bool          // by the client; the connection ends after its pending requests
	groups       map[string]struct{}
	roles        role.Set
	acks         ackCache
	streams      map[string]*stream
	stopRecovery func() bool // stops the recovery window; nil unless the client is away
	losses       int         // of links
	attempts     int         // to resume
	resumed      int         // number of the attempt that succeeded last
}

// newID returns an unguessable id or token.
func newID(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// NewConnectionID returns an id in the service's format: 32 hexadecimal digits.
func NewConnectionID() string { return newID(16) }

// send delivers a message, and closes the connection if that fails.
func (c *Connection) send(m *Message, expires time.Time) {
	if failure := c.deliver(m, expires); failure != "" {
		c.abort(ClosePolicy, failure)
	}
}

// deliver delivers a message, or drops it if the connection has ended. A failure is a
// reason to close the connection.
func (c *Connection) deliver(m *Message, expires time.Time) (failure string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return ""
	}
	return c.out.Delivery.Send(c.link, c.out.Codec, m, expires)
}

// answer sends a frame unless the client is away. It is not kept for recovery.
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

// greetLocked sends the connected frame.
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

// Groups returns the connection's groups, in no order.
func (c *Connection) Groups() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return keys(c.groups)
}

func (c *Connection) subject() odata.Subject {
	return odata.Subject{ConnectionID: c.ID, UserID: c.UserID, Groups: c.Groups(), Protocol: c.Subprotocol}
}

// End closes the connection with a close code. The disconnected frame and the close
// frame contain the reason.
func (c *Connection) End(code int, reason string) {
	c.finish(reason, code, nil, func(link *Link) { c.closeLink(link, reason, code, reason) })
}

// abort closes the connection and drops frames that have not been written.
func (c *Connection) abort(code int, reason string) {
	c.finish(reason, code, nil, func(link *Link) { link.Abort(code, reason) })
}

// CloseByServer closes the connection for the application server. The disconnected
// frame contains the reason, the close frame does not.
func (c *Connection) CloseByServer(reason string) { c.closeByServer(reason, trace.Context{}) }

func (c *Connection) closeByServer(reason string, cause trace.Context) {
	text := "Application server closed the connection."
	if reason != "" {
		text += " Reason: " + reason
	}
	note := func() bool { c.closedBy = cause; return true }
	c.finish(text, CloseNormal, note, func(link *Link) { c.closeLink(link, text, CloseNormal, "") })
}

func (c *Connection) closeLink(link *Link, message string, code int, reason string) {
	if c.out.Answers != nil {
		link.Send(c.out.Answers.Disconnected(message))
	}
	link.Close(code, reason)
}

// finish ends the connection unless it has ended or a condition, checked under the
// lock, is false. last sends the link's last frames. Both functions can be nil. The code
// is that of the close frame, zero for none.
func (c *Connection) finish(reason string, code int, condition func() bool, last func(*Link)) {
	c.mu.Lock()
	if c.ended || (condition != nil && !condition()) {
		c.mu.Unlock()
		return
	}
	c.ended = true
	c.cancel(errGone)
	if c.stopRecovery != nil {
		c.stopRecovery()
	}
	if c.link != nil && last != nil {
		last(c.link)
	}
	streams := c.streams
	c.streams = nil
	c.mu.Unlock()
	c.hub.remove(c)
	for _, s := range streams {
		s.stop()
		c.publish(s.end(&RequestError{Name: "Cancelled", Message: "The connection of the publisher has ended."}), s.noEcho, 0)
	}
	trace.Emit(c.ctx, c.hub.Trace, trace.ClientRecord{Kind: trace.KindClientGone, Client: c.Identity(), Reason: reason, Code: code})
	c.traced(trace.Result{})
	c.hub.Events.Disconnected(c, reason, c.closedBy)
}

// Identity returns the client for records.
func (c *Connection) Identity() trace.Client { return c.client }

func identity(hubName, connectionID string, userID *string) trace.Client {
	out := trace.Client{Hub: hubName, Connection: connectionID}
	if userID != nil {
		out.User = *userID
	}
	return out
}
