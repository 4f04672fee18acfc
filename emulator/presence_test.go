package emulator_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// At most 2,000 events are queued for a slow handler if a client joins and leaves
// without end. disconnected is delivered nevertheless.
func TestPresenceBehindASlowHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most, rounds = 2000, 3000 // of two events each
		free := make(chan struct{})
		h := userEvent("joined", func(http.ResponseWriter, *http.Request) { <-free })
		var logged logBook
		cfg := chat(h)
		cfg.Logger = logged.logger()
		r := newRig(t, cfg)
		p := r.member("ann")
		for range rounds {
			p.send(`{"type":"joinGroup","group":"g"}`, `{"type":"leaveGroup","group":"g"}`)
		}
		p.quiet()
		synctest.Wait()
		require.Len(t, logged.lines("events are dropped"), 1, "one line")
		assert.Contains(t, logged.lines("events are dropped")[0],
			` reason="2000 notifications of the connection wait for the event handler; joined and left are dropped until half of them are delivered"`)
		close(free)
		synctest.Wait()
		assert.Len(t, append(h.told("joined"), h.told("left")...), most+1, "queued events, and the event that the handler had")
		p.send(`{"type":"joinGroup","group":"g"}`)
		synctest.Wait()
		require.Len(t, logged.lines("events were dropped"), 1)
		assert.Contains(t, logged.lines("events were dropped")[0], ` count=`+strconv.Itoa(2*rounds-most-1))
		require.NoError(t, p.conn.Close(websocket.StatusNormalClosure, ""))
		h.one(t, "disconnected")
		all := h.settled()
		assert.Equal(t, "joined,left,disconnected", strings.Join(all[len(all)-3:], ","))
	})
}

// connected and disconnected are never dropped.
func TestConnectedAndDisconnectedAreNotDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		h := userEvent("connected", func(http.ResponseWriter, *http.Request) { <-free })
		r := newRig(t, chat(h))
		p := r.member("ann")
		for range 1500 {
			p.send(`{"type":"joinGroup","group":"g"}`, `{"type":"leaveGroup","group":"g"}`)
		}
		p.quiet()
		require.NoError(t, p.conn.Close(websocket.StatusNormalClosure, ""))
		synctest.Wait()
		close(free)
		h.one(t, "disconnected")
	})
}
