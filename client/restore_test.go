package client_test

import (
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/client"
)

// TestLostWhileRejoining checks that callbacks do not wait for the next connection when
// a connection is lost before its groups are rejoined.
func TestLostWhileRejoining(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		p := f.start(c)
		join := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), "g", nil) })
		p.expect(`{"type":"joinGroup","group":"g","ackId":1}`)
		p.send(ack(1, ""))
		join.succeeds(t, client.Result{AckID: 1})
		notes := record(c)
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		p.expect(`{"type":"joinGroup","group":"g","ackId":2}`)
		assert.Equal(t, []string{"disconnected"}, notes.settled())
		f.network.setDown(true)
		p.close(websocket.StatusPolicyViolation, "")
		assert.Equal(t, []string{"connected ann", "disconnected"}, notes.settled())
		f.network.setDown(false)
		p = f.greet("id-3")
		p.expect(`{"type":"joinGroup","group":"g","ackId":3}`)
		p.send(ack(3, ""))
		assert.Equal(t, []string{"connected ann"}, notes.settled())
	})
}
