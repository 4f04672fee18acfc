package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli"
	"github.com/go-webpubsub/webpubsub/service"
)

// TestConnectRecovers checks that a reliable client says that it has lost nothing, and
// goes on.
func TestConnectRecovers(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect("--json", "--user", "ann", "--group", "lobby")
	id := c.news()["connectionId"]
	h.wire.cut()
	n := c.news()
	assert.Equal(t, "recovering", n["type"])
	assert.Equal(t, id, n["connectionId"])
	assert.Equal(t, "the network connection has broken", n["reason"])
	assert.Equal(t, map[string]any{"type": "recovered", "connectionId": id}, c.news())
	require.NoError(t, h.chat.Group("lobby").SendText(t.Context(), "after", nil))
	assert.Equal(t, "after", c.news()["data"])
	c.types("join news")
	c.ends(0, `{"type":"done","group":"news","command":"join"}`+"\n", "")
}

// TestConnectReconnects checks that a client without recovery says that it has missed
// messages, and is in its groups again.
func TestConnectReconnects(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect("--protocol", "json", "--user", "ann")
	c.prints("* connected as ann, connection ID")
	c.types("join news")
	c.prints("* joined news")
	h.wire.cut()
	lines := c.lines(2)
	assert.Equal(t, "* disconnected: the network connection has broken; reconnecting ...", lines[0])
	assert.Regexp(t, `^\* reconnected as ann, connection [0-9a-f]{32}; messages in between were missed$`, lines[1])
	require.NoError(t, h.chat.Group("news").SendText(t.Context(), "again", nil))
	c.prints("[news] again")
	c.ends(0, "", "")
}

// TestConnectIsClosed checks that the reason of a server that closes the connection is
// printed, without control characters.
func TestConnectIsClosed(t *testing.T) {
	t.Parallel()
	const disconnected = `* disconnected: Application server closed the connection. Reason: go [2J; reconnecting ...`
	for protocol, lines := range map[string][]string{
		"json.reliable": {"* connection lost: closed by the service with 1000; recovering ...", disconnected},
		"json":          {disconnected},
		"raw":           {"* disconnected: closed by the service with 1000; reconnecting ..."},
	} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			h := openHall(t)
			c := h.connect("--protocol", protocol)
			c.lines(1)
			require.NoError(t, h.chat.All().CloseConnections(t.Context(), &service.CloseOptions{Reason: "go\x1b[2J"}))
			c.prints(lines...)
			assert.Regexp(t, `^\* reconnected`, c.lines(1)[0])
			c.ends(0, "", "")
		})
	}
}

// TestConnectRaw checks a client without a subprotocol.
func TestConnectRaw(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect("--protocol", "raw", "--user", "ann")
	c.prints("* connected")
	c.types("send hello  there")
	assert.ElementsMatch(t, []string{"* sent", "[server] hello  there"}, c.lines(2))
	c.types("send --binary AAE=", "send --json x", "join lobby")
	assert.ElementsMatch(t, []string{
		"* sent", "[server] base64 AAE=",
		`! send: unknown option "--json", want: send [--binary] MESSAGE`,
		`! unknown command "join", want one of send`,
	}, c.lines(4))
	c.types("help")
	assert.Equal(t, "send [--binary] MESSAGE         send a frame, the user event message", c.lines(3)[0])
	h.wire.cut()
	lines := c.lines(2)
	assert.Equal(t, "* disconnected: the network connection has broken; reconnecting ...", lines[0])
	assert.Equal(t, "* reconnected; messages in between were missed", lines[1])
	c.types("send --binary !", "send again")
	c.prints("! send: want base64 after --binary")
	assert.ElementsMatch(t, []string{"* sent", "[server] again"}, c.lines(2))
	c.ends(1, "", "")
}

// TestConnectRawJSON checks the lines of JSON of a client without a subprotocol.
func TestConnectRawJSON(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect("--protocol", "raw", "--json")
	c.prints(`{"type":"connected"}`)
	require.NoError(t, h.chat.All().SendText(t.Context(), "text", nil))
	c.prints(`{"type":"message","from":"server","dataType":"text","data":"text"}`)
	require.NoError(t, h.chat.All().SendBinary(t.Context(), []byte{255}, nil))
	c.prints(`{"type":"message","from":"server","dataType":"binary","data":"/w=="}`)
	c.ends(0, "", "")
}

// TestConnectIsRefused checks that a client stops when the service refuses it, and that it
// tries again after any other error.
func TestConnectIsRefused(t *testing.T) {
	t.Parallel()
	for protocol, want := range map[string]struct{ problem, refused string }{
		"json": {"client: Reconnect: 503 Service Unavailable: no", "client: Reconnect: 403 Forbidden: no"},
		"raw":  {"the service answered 503 Service Unavailable", "the service answered 403 Forbidden"},
	} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			h := openHall(t)
			c := h.connect("--protocol", protocol, "--json")
			assert.Equal(t, "connected", c.news()["type"])
			h.refuse.Store(http.StatusServiceUnavailable)
			require.NoError(t, h.chat.All().CloseConnections(t.Context(), nil))
			n := c.news()
			for n["type"] != "problem" {
				n = c.news()
			}
			assert.Contains(t, n["reason"], want.problem)
			h.refuse.Store(0)
			for n["type"] != "reconnected" {
				n = c.news()
			}
			h.refuse.Store(http.StatusForbidden)
			require.NoError(t, h.chat.All().CloseConnections(t.Context(), nil))
			for n["type"] != "disconnected" {
				n = c.news()
			}
			c.over(1, "", "webpubsub: "+want.refused+"\n")
		})
	}
}

// TestConnectRefusedWhileWaiting checks that a command that waits for the connection does
// not keep a client that has given up.
func TestConnectRefusedWhileWaiting(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect("--protocol", "json")
	c.prints("* connected, connection ID")
	h.refuse.Store(http.StatusForbidden)
	h.wire.cut()
	c.prints("* disconnected: the network connection has broken; reconnecting ...")
	_, _ = io.WriteString(c.stdin, "join lobby\n") // it may have given up already
	_, err := io.ReadAll(c.stdout)
	require.NoError(t, err)
	c.over(1, "", "webpubsub: client: Reconnect: 403 Forbidden: no\n")
}

// TestRawPings checks that a client without a subprotocol notices that the service no
// longer answers.
func TestRawPings(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if assert.NoError(t, err) {
			<-over // it does not read, and so it does not answer
			_ = conn.CloseNow()
		}
	}))
	defer server.Close()
	defer close(over)
	shown := make(chan string, 10)
	stop, err := cli.StartRaw(t.Context(), server.URL, 10*time.Millisecond, func(line string) { shown <- line })
	require.NoError(t, err)
	assert.Contains(t, <-shown, `"type":"connected"`)
	assert.Contains(t, <-shown, `"type":"disconnected"`)
	stop()
}

// TestConnectLongMessage checks that a message is cut on the screen, but not in JSON.
func TestConnectLongMessage(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	long := strings.Repeat("x", 5000)
	text, lines := h.connect("--user", "ann"), h.connect("--user", "ann", "--json")
	text.lines(1)
	lines.lines(1)
	require.NoError(t, h.chat.User("ann").SendText(t.Context(), long, nil))
	text.prints("[server] " + long[:4096] + "… (5000 bytes)")
	assert.Equal(t, long, lines.news()["data"])
	text.ends(0, "", "")
	lines.ends(0, "", "")
}

// TestConnectStream checks that streams are printed.
func TestConnectStream(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect("--group", "lobby")
	c.prints("* connected, connection ID")
	h.stream("lobby", "s1", "one", "two")
	c.prints("[lobby s1] ben: one", "[lobby s1] ben: two", "* [lobby s1] ben: stream ended")
	c.ends(0, "", "")
}

// TestConnectWaits checks that an invocation does not hold up the next lines, and that it
// is finished after the end of the input.
func TestConnectWaits(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect()
	c.prints("* connected, connection ID")
	c.types("invoke wait x", "dance")
	c.prints(`! unknown command "dance", want one of join, leave, send, event, invoke, publish, end, state-set, state-clear, state-get, state-subscribe, state-unsubscribe, state-list`)
	close(h.answer)
	c.prints("[wait] x")
	c.types("invoke wait y")
	c.ends(1, "[wait] y\n", "")
}
