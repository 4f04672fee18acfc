package hub

import (
	"crypto/subtle"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// RecoveryWindow is how long a connection waits for its client to come back.
const RecoveryWindow = 30 * time.Second

// Resumable reports whether the client can come back after its link was lost.
func (c *Connection) Resumable() bool { return c.out.Delivery.Resumable() }

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

// Ending is how a link ended.
type Ending struct {
	// Final is an end after which the client does not come back.
	Final bool
	// Goodbye is an end that the client announced: the events that it has sent are
	// delivered first. Without it they are cancelled.
	Goodbye bool
	Reason  string
}

// Lost tells that the link is gone. A connection whose delivery is resumable waits for
// its client to come back, unless the end is final. Any other ends in its turn.
// Invocations are cancelled then, since nobody waits for their answers.
func (c *Connection) Lost(link *Link, how Ending) {
	served := c.Serves(link) && !c.hub.hubs.isClosed()
	if c.Resumable() && !how.Final {
		if served {
			trace.Emit(c.ctx, c.hub.hubs.Trace, trace.ClientLost{Client: c.Identity(), Reason: how.Reason, Recoverable: RecoveryWindow})
		}
		c.await(link)
		return
	}
	if served {
		if !how.Goodbye {
			c.cancel(errGone)
		}
		c.invocations.cancelAll(errGone)
	}
	end := func() { c.finish(how.Reason, func() bool { return c.link == link }, nil) }
	if !c.enter(end) {
		end()
	}
}

// await begins to wait for the client.
func (c *Connection) await(link *Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.link != link {
		return // ended already, or taken up by another link
	}
	c.link = nil
	c.absences++
	n := c.absences
	c.recovery = c.hub.hubs.Clock.AfterFunc(RecoveryWindow, func() {
		// A timer that fires while the client comes back has no say any more.
		c.finish(reasonRecoveryExpired, func() bool { return c.link == nil && c.absences == n }, nil)
	})
}

// Recovery is an attempt of a client to take up its connection.
type Recovery struct {
	connection *Connection
	number     int
}

// Recover begins an attempt. It returns nil if the token is not the connection's.
func (c *Connection) Recover(token string) *Recovery {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.left || !c.Resumable() || subtle.ConstantTimeCompare([]byte(token), []byte(c.ReconnectionToken)) != 1 {
		return nil
	}
	c.attempts++
	return &Recovery{c, c.attempts}
}

// TakeUp gives the connection a new link: whatever the old one still does is cut
// off, and all that was not acknowledged is sent again. It reports false, and
// changes nothing, if the connection has ended or a later attempt has taken it up.
//
// It is to be called once the client has answered on the new link. An attempt that
// its client has given up may arrive after the one that succeeded, and would take
// the connection away from it.
func (r *Recovery) TakeUp(link *Link) bool {
	c := r.connection
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
	c.greetLocked()
	c.out.Delivery.Resume(link, c.hub.hubs.Clock.Now())
	return true
}
