package main_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	client "github.com/go-webpubsub/webpubsub/examples/client"
)

// TestConnectionIsRecovered checks that a network failure loses and repeats no
// message.
func TestConnectionIsRecovered(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	network := startProxy(t, address)
	chat := startChatWith(t, "-addr", address, "-url", network.url)
	ann := open(t, chat.url, "-name", "Ann", "-room", "go")
	ann.enters("go", "nobody else")
	ben := open(t, chat.url, "-name", "Ben", "-room", "go")
	ben.enters("go", "Ann")
	for _, text := range []string{"one", "two", "three"} {
		network.cut()
		ann.sees("* Connection lost. Recovering ...")
		ann.types(text)
		ann.sees("* Connection recovered. No message was lost.")
		ben.sees("Ann: " + text)
	}
	ben.types("/quit")
	require.NoError(t, ben.ends())
	assert.Equal(t, 3, strings.Count(strings.Join(ben.all, "\n"), "Ann: "), "%q", ben.all)
	assert.Equal(t, 1, strings.Count(strings.Join(ann.all, "\n"), "You are in"), "%q", ann.all)
}

// TestChatRestarts checks that clients return to a restarted chat: with a new
// ticket, to their room, and with the lines typed meanwhile.
func TestChatRestarts(t *testing.T) {
	t.Parallel()
	chat := startChat(t)
	ann := open(t, chat.url, "-name", "Ann", "-room", "go")
	ann.enters("go", "nobody else")
	ann.types("/nick Anna")
	ann.sees("* You are Anna now.")
	chat.kill()
	ann.sees("* Connection lost. Recovering ...")
	ann.types("are you back?")
	chat.start()
	ann.sees("* Connection ended. Reconnecting ...")
	ann.enters("go", "nobody else")
	ben := open(t, chat.url, "-name", "Ben", "-room", "go")
	ben.sees("Anna: are you back?", "* You are in go, with Anna.") // it may be said after he comes
	assert.NotContains(t, ann.all, "! You are not in this room.")
}

func TestChatUnavailable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		status     int
		want       string
		logins     int32
	}{
		{"out of order", "", http.StatusServiceUnavailable, "no chat at %s/login: it responded with 503 Service Unavailable", 4},
		{"refused", `{"reason":"You are banned."}`, http.StatusForbidden, "You are banned.", 2},
		{"too many", `{"reason":"Try again."}`, http.StatusTooManyRequests, "Try again.", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var gone atomic.Bool
			var logins atomic.Int32
			mux := http.NewServeMux()
			server := httptest.NewServer(mux)
			t.Cleanup(server.Close)
			mux.HandleFunc("POST /login", func(w http.ResponseWriter, _ *http.Request) {
				logins.Add(1)
				if gone.Load() {
					w.WriteHeader(tt.status)
					_, _ = w.Write([]byte(tt.body))
					return
				}
				_, _ = w.Write([]byte(`{"url":"` + server.URL + `/client"}`))
			})
			mux.HandleFunc("/client", func(w http.ResponseWriter, r *http.Request) {
				conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"json.reliable.webpubsub.azure.v1"}})
				if !assert.NoError(t, err) {
					return
				}
				_ = conn.Write(r.Context(), websocket.MessageText, []byte(`{"type":"system","event":"connected","connectionId":"c1","reconnectionToken":"t"}`))
				_, _, _ = conn.Read(r.Context()) // the event that enters the room
				gone.Store(true)
				_ = conn.Close(websocket.StatusPolicyViolation, "go away")
			})
			ann := openWith(t, client.RunImpatient, "-url", server.URL, "-name", "Ann")
			err := ann.ends()
			require.EqualError(t, err, "chat unavailable: client: Reconnect: credential: "+strings.ReplaceAll(tt.want, "%s", server.URL))
			assert.Equal(t, tt.logins, logins.Load(), "a refusal is final")
			assert.Contains(t, ann.all, "* Connection ended. Reconnecting ...")
		})
	}
}
