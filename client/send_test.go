package client_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

func TestFireAndForget(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		result, err := c.SendToGroup(t.Context(), "g", client.Text("x"), &client.SendOptions{FireAndForget: true, AckID: 5})
		require.NoError(t, err)
		assert.Zero(t, result)
		result, err = c.SendEvent(t.Context(), "e", client.JSON(1), &client.EventOptions{FireAndForget: true})
		require.NoError(t, err)
		assert.Zero(t, result)
		p.expect(`{"type":"sendToGroup","group":"g","noEcho":false,"dataType":"text","data":"x"}`, `{"type":"event","event":"e","dataType":"json","data":1}`)

		// Queued frames are sent before the client stops.
		for range 3 {
			_, err = c.SendToGroup(t.Context(), "g", client.Text("y"), &client.SendOptions{FireAndForget: true})
			require.NoError(t, err)
		}
		stopped := make(chan error)
		go func() { stopped <- c.Stop(t.Context()) }()
		for range 3 {
			p.expect(`{"type":"sendToGroup","group":"g","noEcho":false,"dataType":"text","data":"y"}`)
		}
		p.ended(websocket.StatusNormalClosure)
		require.NoError(t, <-stopped)
		_, err = c.SendToGroup(t.Context(), "g", client.Text("x"), &client.SendOptions{FireAndForget: true})
		require.ErrorIs(t, err, client.ErrStopped)
	})
}

// TestForbidden gets a refusal of the emulator.
func TestForbidden(t *testing.T) {
	t.Parallel()
	over(t, protocols, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
		c := newClient(t, r.network, address(t, "ann", ""), &client.Options{Protocol: p})
		require.NoError(t, c.Start(t.Context()))
		start := time.Now()
		_, err := c.JoinGroup(t.Context(), "g", nil)
		require.EqualError(t, err, "client: JoinGroup: Forbidden: The client does not have permission to join group 'g'. (the client needs the role \"webpubsub.joinLeaveGroup.g\", in its token or in the reply to its connect event)")
		require.ErrorIs(t, err, client.ErrForbidden)
		_, err = c.SendToGroup(t.Context(), "g", client.Text("x"), nil)
		require.ErrorIs(t, err, client.ErrForbidden)
		assert.Zero(t, time.Since(start), "no retries")
	})
}

// TestEvents checks that the event handler's answer arrives before the ack.
func TestEvents(t *testing.T) {
	t.Parallel()
	over(t, protocols, func(t *testing.T, p client.Protocol) {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodOptions {
				w.Header().Set("WebHook-Allowed-Origin", "*")
				return
			}
			switch r.Header.Get("ce-eventName") {
			case "say":
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("X-WebPubSub-Metadata-From", r.Header.Get("X-WebPubSub-Metadata-To"))
				_, _ = w.Write([]byte(`{"heard":true}`))
			case "fail":
				w.WriteHeader(http.StatusBadRequest)
			default:
				w.WriteHeader(http.StatusNoContent)
			}
		})
		r := newRig(t, emulator.Config{Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.InMemory(handler)}}}}).over(p)
		c := r.started("ann", nil)
		var got []*client.ServerMessage
		c.OnServerMessage(func(_ context.Context, m *client.ServerMessage) { got = append(got, m) })
		_, err := c.SendEvent(t.Context(), "say", client.Text("hi"), &client.EventOptions{Metadata: map[string]string{"to": "all"}})
		require.NoError(t, err)
		synctest.Wait()
		require.Len(t, got, 1)
		assert.Equal(t, `{"heard":true}`, got[0].Data.String())
		assert.Equal(t, client.DataJSON, got[0].Data.Type())
		assert.Equal(t, map[string]string{"from": "all"}, got[0].Metadata)
		number := map[client.Protocol]uint64{client.ProtocolJSONReliable: 1, client.ProtocolProtobufReliable: 1}[p]
		assert.Equal(t, number, got[0].SequenceID)
		start := time.Now()
		_, err = c.SendEvent(t.Context(), "fail", client.Text("hi"), nil)
		require.EqualError(t, err, "client: SendEvent: InternalServerError: Internal server error")
		assert.Zero(t, time.Since(start), "an event that the handler has refused is not sent again")
	})
}
