package chat_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/browser/rig"
)

// keepSocket keeps the WebSocket of the page, so that a test can receive for it.
const keepSocket = `window.WebSocket = class extends WebSocket {
	constructor(...args) {
		super(...args);
		window.receive = frame => this.onmessage({ data: JSON.stringify(frame) });
	}
}`

// TestStream: pieces of a stream are one message, as text, and its end is visible.
func TestStream(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := open(t, rig.Launch(t), s, keepSocket)
	ann.join("Ann")
	piece := func(id, data string, end map[string]any) {
		stream := map[string]any{"streamId": id, "streamSequenceId": 1}
		maps.Copy(stream, end)
		frame := map[string]any{"type": "message", "from": "group", "group": "lobby", "fromUserId": "robot", "stream": stream}
		if data != "" {
			frame["dataType"], frame["data"] = "text", data
		}
		text, err := json.Marshal(frame)
		require.NoError(t, err)
		eval[bool](ann, `(receive(%s), true)`, text)
	}
	piece("one", "Blue <b", nil)
	ann.Shows(".said", "Blue <b")
	piece("two", "another", nil)
	piece("one", ">light</b>", nil)
	ann.Shows(".said", "Blue <b>light</b>")
	piece("one", "", map[string]any{"endOfStream": true})
	piece("two", "", map[string]any{"endOfStream": true, "error": map[string]any{"name": "UserError"}})
	ann.Shows(".said", "another… (stopped)")
	piece("one", "", map[string]any{"endOfStream": true}) // ends nothing
	assert.Equal(t, "Blue <b>light</b>|another… (stopped)", eval[string](ann, `[...document.querySelectorAll("#log .said")].map(e => e.textContent).join("|")`))
	assert.Zero(t, eval[int](ann, `document.querySelectorAll("#log .said b").length`))
}
