package client_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

func TestConversation(t *testing.T) {
	t.Parallel()
	for _, protocol := range []client.Protocol{client.ProtocolJSONReliable, client.ProtocolJSON} {
		t.Run(protocol.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{})
				ann := r.client("ann", &client.Options{Protocol: protocol})
				seen := record(ann)
				require.NoError(t, ann.Start(t.Context()))
				assert.Equal(t, client.StateConnected, ann.State())
				assert.Len(t, ann.ConnectionID(), 32)
				assert.Equal(t, "ann", ann.UserID())
				bob := r.started("bob", &client.Options{Protocol: protocol})

				joined, err := ann.JoinGroup(t.Context(), "g", nil)
				require.NoError(t, err)
				assert.Equal(t, client.Result{AckID: 1}, joined)
				for _, d := range []client.Data{client.Text("hi\n\"there\" \u00e9"), client.JSON(map[string]int{"n": 1}), client.Binary([]byte{0, 255}), client.Protobuf([]byte{1})} {
					_, err = bob.SendToGroup(t.Context(), "g", d, nil)
					require.NoError(t, err)
				}
				_, err = ann.LeaveGroup(t.Context(), "g", nil)
				require.NoError(t, err)
				_, err = bob.SendToGroup(t.Context(), "g", client.Text("unheard"), nil)
				require.NoError(t, err)
				assert.Equal(t, []string{"connected ann", "g/bob: hi\n\"there\" \u00e9", `g/bob: {"n":1}`, "g/bob: AP8=", "g/bob: AQ=="}, seen.settled())

				require.NoError(t, ann.Stop(t.Context()))
				assert.Equal(t, []string{"disconnected", "stopped"}, seen.settled())
				assert.Equal(t, client.StateStopped, ann.State())
				assert.Empty(t, ann.ConnectionID())
			})
		})
	}
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		ann := r.client("ann", nil)
		seen := record(ann)
		require.NoError(t, ann.Start(t.Context()))
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		id := ann.ConnectionID()
		for range 3 {
			r.network.cut()
			pass(2 * time.Second)
		}
		_, err = ann.SendToGroup(t.Context(), "g", client.Text("still here"), nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"connected ann", "recovering", "recovered", "recovering", "recovered", "recovering", "recovered", "g/ann: still here"}, seen.settled())
		assert.Equal(t, id, ann.ConnectionID())

		r.network.setDown(true)
		r.network.cut()
		pass(40 * time.Second)
		assert.Equal(t, client.StateReconnecting, ann.State())
		r.network.setDown(false)
		pass(time.Minute)
		_, err = ann.SendToGroup(t.Context(), "g", client.Text("back"), nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"recovering", "disconnected", "connected ann", "g/ann: back"}, seen.settled())
		assert.NotEqual(t, id, ann.ConnectionID())
	})
}

// TestRealSockets: the same over TCP, in the machine's own time.
func TestRealSockets(t *testing.T) {
	t.Parallel()
	emu := emulator.Start(t, emulator.Config{})
	var mu sync.Mutex
	var conns []net.Conn
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		mu.Lock()
		defer mu.Unlock()
		conns = append(conns, conn)
		return conn, err
	}}
	c, err := client.New(client.StaticURL(emu.ClientURL("chat", &emulator.ClientOptions{UserID: "ann", Roles: strings.Fields(allRoles)})), &client.Options{HTTPClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	connected, recovered := make(chan client.ConnectedEvent, 1), make(chan client.RecoveredEvent, 1)
	c.OnConnected(func(_ context.Context, ev client.ConnectedEvent) { connected <- ev })
	c.OnRecovered(func(_ context.Context, ev client.RecoveredEvent) { recovered <- ev })
	messages := c.GroupMessages(t.Context())
	require.NoError(t, c.Start(t.Context()))
	assert.Equal(t, client.ConnectedEvent{ConnectionID: c.ConnectionID(), UserID: "ann"}, <-connected)
	_, err = c.JoinGroup(t.Context(), "g", nil)
	require.NoError(t, err)
	for i := range 3 {
		mu.Lock()
		require.NoError(t, conns[len(conns)-1].Close())
		mu.Unlock()
		assert.Equal(t, client.RecoveredEvent{ConnectionID: c.ConnectionID()}, <-recovered)
		_, err = c.SendToGroup(t.Context(), "g", client.JSON(i), nil)
		require.NoError(t, err)
	}
	n := 0
	for m := range messages {
		var got int
		require.NoError(t, m.Data.Decode(&got))
		require.Equal(t, n, got)
		if n++; n == 3 {
			break
		}
	}
	require.NoError(t, c.Stop(t.Context()))
}
