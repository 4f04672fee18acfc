package hub

import (
	"crypto/subtle"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// RecoveryWindow is how long a client whose link was lost can resume its connection.
const RecoveryWindow = 30 * time.Second

// Resumable reports whether the client can resume the connection over another link.
func (c *Connection) Resumable() bool { return c.out.Delivery.Resumable() }

// Serves reports whether the connection is open and uses the link. Frames from any
// other link must be ignored.
func (c *Connection) Serves(link *Link) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.ended && c.link == link
}

// ClosedByClient rules recovery out because the client has closed the connection over its
// link. The connection ends by [Connection.Lost], after the client's pending requests.
func (c *Connection) ClosedByClient(link *Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == link {
		c.closed = true
	}
}

// Loss describes how a link was lost.
type Loss struct {
	// Final means that the client cannot resume the connection.
	Final bool
	// Orderly means that the client sent a close frame: events that it sent before are
	// delivered. After any other final loss, their delivery is cancelled.
	Orderly bool
	Code    int    // of the close frame; zero for none
	Reason  string // for the event handler
}

// Lost reports the loss of a link. A resumable connection waits for its client, unless
// the loss is final. Any other connection ends after the client's pending requests, of
// which invocations are cancelled.
func (c *Connection) Lost(link *Link, how Loss) {
	served := c.Serves(link) && c.hub.hubs.unlessClosed(func() {})
	if c.Resumable() && !how.Final {
		if served {
			trace.Emit(c.ctx, c.hub.Trace, trace.ClientRecord{Kind: trace.KindClientLost, Client: c.Identity(), Reason: how.Reason, Code: how.Code, Recoverable: RecoveryWindow})
		}
		c.await(link)
		return
	}
	if served {
		if !how.Orderly {
			c.cancel(errGone)
		}
		c.invocations.cancelAll(errGone)
	}
	end := func() { c.finish(how.Reason, how.Code, func() bool { return c.link == link }, nil) }
	if !c.enter(end) {
		end()
	}
}

// await starts the recovery window unless the connection has another link or has ended.
func (c *Connection) await(link *Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.link != link {
		return
	}
	c.link = nil
	c.losses++
	n := c.losses
	c.stopRecovery = c.hub.Clock.AfterFunc(RecoveryWindow, func() {
		// The client may have resumed the connection since the timer fired.
		c.finish(reasonRecoveryExpired, 0, func() bool { return c.link == nil && c.losses == n }, nil)
	})
}

// Recovery is an attempt of a client to resume its connection.
type Recovery struct {
	connection *Connection
	number     int
}

// Recover begins an attempt. It returns nil if the token is wrong or the connection
// cannot be resumed.
func (c *Connection) Recover(token string) *Recovery {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.closed || !c.Resumable() || subtle.ConstantTimeCompare([]byte(token), []byte(c.ReconnectionToken)) != 1 {
		return nil
	}
	c.attempts++
	return &Recovery{c, c.attempts}
}

// Resume aborts the connection's link, replaces it with another one, and sends all
// messages that were not acknowledged. It reports false, and changes nothing, if the
// connection has ended or a later attempt has succeeded.
//
// Call it when the client has answered over the new link: the request of an attempt
// that the client has given up may arrive last.
func (r *Recovery) Resume(link *Link) bool {
	c := r.connection
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.closed || r.number <= c.resumed {
		return false
	}
	c.resumed = r.number
	if c.stopRecovery != nil {
		c.stopRecovery()
		c.stopRecovery = nil
	}
	if c.link != nil {
		c.link.Abort(ClosePolicy, "The connection was taken up by another client.")
	}
	c.link = link
	if !c.out.SilentRecovery {
		c.greetLocked()
	}
	c.out.Delivery.Resume(link, c.hub.Clock.Now())
	return true
}
