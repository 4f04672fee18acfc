package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestConnectState sets a state, which another client sees.
func TestConnectState(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	ann := h.connect("--user", "ann", "--group", "lobby")
	ann.prints("* connected as ann, connection ID")
	ben := h.connect("--user", "ben", "--group", "lobby", "--json")
	id := ben.news()["connectionId"]

	ann.types("state-get lobby")
	ann.prints("[lobby] no state")
	ann.types("state-list lobby")
	ann.prints("! state-list: the states of this group are not known, want state-subscribe before it")
	ann.types("state-subscribe lobby")
	ann.prints("* subscribed to the states in lobby")

	ben.types(`state-set lobby typing=yes "mood=very fine"`)
	assert.Equal(t, map[string]any{"type": "done", "command": "state-set", "group": "lobby"}, ben.news())
	ann.prints("[lobby] ben: state {mood=very fine, typing=yes}")
	ann.types("state-list lobby")
	ann.prints("[lobby] ben: {mood=very fine, typing=yes}")
	ben.types("state-get lobby")
	assert.Equal(t, map[string]any{
		"type": "states", "command": "state-get", "group": "lobby",
		"states": []any{map[string]any{"state": map[string]any{"mood": "very fine", "typing": "yes"}}},
	}, ben.news())

	ben.types(`state-set --json lobby {"typing": "\u001b[2J"}`)
	ben.news()
	ann.prints(`[lobby] ben: state {typing=\x1b[2J}`)
	ben.types("state-subscribe lobby")
	ben.news() // done, or the state
	ben.news()
	ben.types("state-list lobby")
	assert.Equal(t, map[string]any{
		"type": "states", "command": "state-list", "group": "lobby",
		"states": []any{map[string]any{"connectionId": id, "userId": "ben", "state": map[string]any{"typing": "\x1b[2J"}}},
	}, ben.news())

	ben.types("state-unsubscribe lobby")
	ben.news()
	ben.types("state-clear lobby")
	assert.Equal(t, map[string]any{"type": "done", "command": "state-clear", "group": "lobby"}, ben.news())
	ann.prints("[lobby] ben: state cleared")
	ben.types("state-list lobby")
	assert.Equal(t, "failed", ben.news()["type"])
	ann.types("leave lobby", "state-list lobby")
	ann.prints("* left lobby", "! state-list: the states of this group are not known, want state-subscribe before it")
	ann.ends(1, "", "")
	ben.ends(1, "", "")
}

func TestConnectStateMistakes(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect("--group", "lobby", "--role", "none")
	c.prints("* connected, connection ID")
	for line, want := range map[string]string{
		"state-set lobby typing":               `! state-set: "typing": want NAME=VALUE, in double quotes if it has a space`,
		"state-set lobby =yes":                 `! state-set: "=yes": want NAME=VALUE, in double quotes if it has a space`,
		`state-set lobby "typing=yes`:          "! state-set: a name in double quotes does not end",
		`state-set --json lobby {"typing": 1}`: `! state-set: want a JSON object of texts, such as {"typing": "yes"}`,
		"state-set --json lobby null":          `! state-set: want a JSON object of texts, such as {"typing": "yes"}`,
		"state-set":                            "! state-set: an argument is missing, want: state-set [--json] GROUP [NAME=VALUE...]",
		"state-clear a b":                      `! state-clear: unexpected argument "b", want: state-clear GROUP`,
	} {
		c.types(line)
		c.prints(want)
	}
	c.types("state-set lobby a=b")
	assert.Regexp(t, "^! state-set: Forbidden: ", c.lines(1)[0])
	c.ends(1, "", "")
}
