package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestConnectStreams sends streams, and receives them.
func TestConnectStreams(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	sender := h.connect("--user", "ann", "--json")
	assert.Equal(t, "connected", sender.news()["type"])
	receiver := h.connect("--group", "news")
	receiver.prints("* connected, connection ID")

	sender.types("end news")
	assert.Equal(t, map[string]any{"type": "failed", "command": "end", "group": "news", "reason": "no stream to this group is open, want publish before it"}, sender.news())
	sender.types("publish --no-echo news one")
	begun := sender.news()
	id, _ := begun["streamId"].(string)
	assert.NotEmpty(t, id)
	assert.Equal(t, map[string]any{"type": "done", "command": "publish", "group": "news", "streamId": id}, begun)
	sender.types(`publish --json news {"n": 2}`)
	assert.Equal(t, id, sender.news()["streamId"], "the same stream")
	receiver.prints("[news "+id+"] ann: one", "[news "+id+`] ann: {"n":2}`)
	sender.types("end news")
	assert.Equal(t, map[string]any{"type": "done", "command": "end", "group": "news", "streamId": id}, sender.news())
	receiver.prints("* [news " + id + "] ann: stream ended")

	// Another one, which ends with the script.
	sender.types("publish news three")
	second, _ := sender.news()["streamId"].(string)
	assert.NotEqual(t, id, second)
	receiver.prints("[news " + second + "] ann: three")
	sender.ends(1, "", "")
	receiver.prints("* [news " + second + "] ann: stream ended")
	receiver.ends(0, "", "")
}

// TestConnectStreamTexts checks what a person reads.
func TestConnectStreamTexts(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect("--role", "webpubsub.sendToGroup")
	c.prints("* connected, connection ID")
	c.types("publish lobby hello")
	assert.Regexp(t, `^\* sent to the stream \S+ in lobby$`, c.lines(1)[0])
	c.types("end lobby")
	assert.Regexp(t, `^\* stream \S+ to lobby ended$`, c.lines(1)[0])
	c.types("publish lobby")
	c.prints("! publish: a message is missing, want: publish [--json|--binary] [--no-echo] GROUP MESSAGE")
	c.ends(1, "", "")
}
