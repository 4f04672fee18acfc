package e2e_test

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// The client accepts every answer that the emulator accepts. A larger answer fails the
// event once, and the connection stays open.
func TestAnswersOfAnySize(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, tc := range []struct {
		name, contentType string
		piece             string // of which the answer is made
		size              int    // of the answer
		ok                bool
	}{
		{"1 MiB that takes six times as much", "text/plain", "\x01", mib, true},
		{"4 MiB in base64", "application/octet-stream", "\xff", 4 * mib, true},
		{"6 MiB as it is", "text/plain", "x", 6 * mib, true},
		{"6 MiB of JSON", "application/json", `"x",`, 6 * mib, true},
		{"2 MiB that takes six times as much", "text/plain", "\x01", 2 * mib, false},
		{"6 MiB in base64", "application/octet-stream", "\xff", 6 * mib, false},
		{"6.25 MiB as it is", "text/plain", "x", 6*mib + 256<<10, false},
		{"16 MiB as it is", "text/plain", "x", 16 * mib, false},
		{"more than 16 MiB", "text/plain", "x", 16*mib + 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			body := bytes.Repeat([]byte(tc.piece), tc.size/len(tc.piece))
			if tc.contentType == "application/json" {
				body = append(append([]byte("["), body...), "1]"...)
			}
			var mu sync.Mutex
			events := make(map[string]int)
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("WebHook-Allowed-Origin", "*")
				mu.Lock()
				events[r.Header.Get("ce-eventName")]++
				mu.Unlock()
				if r.Header.Get("ce-type") == "azure.webpubsub.user.large" {
					w.Header().Set("Content-Type", tc.contentType)
					w.Header().Set("ce-connectionState", "large")
					w.Header().Set("Content-Length", strconv.Itoa(len(body)))
					_, _ = w.Write(body)
				} else if r.Header.Get("ce-connectionState") == "large" {
					_, _ = w.Write([]byte("large"))
				}
			})
			// No timeouts on a slow machine, which needs time for such an answer.
			emu := emulator.Start(t, emulator.Config{KeepAlive: -1, Hubs: map[string]emulator.Hub{hub: {EventHandlers: []emulator.EventHandler{emulator.Local(handler)}}}})
			transport := new(http.Transport)
			t.Cleanup(transport.CloseIdleConnections)
			c, err := client.New(client.StaticURL(emu.ClientURL(hub, nil)), &client.Options{
				HTTPClient: &http.Client{Transport: transport}, RetrySends: true, KeepAliveInterval: -1, KeepAliveTimeout: -1,
			})
			require.NoError(t, err)
			messages := make(chan int, 1)
			c.OnServerMessage(func(_ context.Context, m *client.ServerMessage) { messages <- len(m.Data.Bytes()) })
			require.NoError(t, c.Start(t.Context()))
			id := c.ConnectionID()

			_, sent := c.SendEvent(t.Context(), "large", client.Text("x"), nil)
			answer, invoked := c.InvokeEvent(t.Context(), "large", client.Text("x"), nil)
			want := "large"
			if tc.ok {
				require.NoError(t, sent)
				require.NoError(t, invoked)
				assert.Equal(t, len(body), <-messages)
				assert.Len(t, answer.Bytes(), len(body))
			} else {
				want = ""
				var failed *client.Error
				require.ErrorAs(t, sent, &failed)
				assert.Equal(t, "InternalServerError", failed.Name)
				require.ErrorAs(t, invoked, &failed)
				assert.Equal(t, "InternalServerError", failed.Name)
			}
			state, err := c.InvokeEvent(t.Context(), "state", client.Text("x"), nil)
			require.NoError(t, err)
			assert.Equal(t, want, string(state.Bytes()))
			assert.Equal(t, id, c.ConnectionID(), "the connection has not ended")
			require.NoError(t, c.Stop(t.Context()))
			mu.Lock()
			defer mu.Unlock()
			assert.Equal(t, 2, events["large"])
		})
	}
}
