package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	assert.Equal(t, "send [--binary] MESSAGE                          send a frame, the user event message", c.lines(3)[0])
	h.wire.cut()
	lines := c.lines(2)
	assert.Equal(t, "* disconnected: the network connection has broken; reconnecting ...", lines[0])
	assert.Equal(t, "* reconnected; messages in between were missed", lines[1])
	c.types("send --binary !", "send again")
	c.prints("! send: want base64 after --binary")
	assert.ElementsMatch(t, []string{"* sent", "[server] again"}, c.lines(2))
	c.ends(0, "", "")
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

// TestConnectRawIsRefused checks that a client whose token is no longer accepted gives up.
func TestConnectRawIsRefused(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect("--protocol", "raw")
	c.prints("* connected")
	h.refuse.Store(true)
	h.wire.cut()
	c.prints("* disconnected: the network connection has broken; reconnecting ...")
	c.over(1, "", "webpubsub: the service answered 403 Forbidden\n")
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
	c.prints(`! unknown command "dance", want one of join, leave, send, event, invoke`)
	close(h.answer)
	c.prints("[wait] x")
	c.types("invoke wait y")
	c.ends(0, "[wait] y\n", "")
}
