package client_test

import (
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
