package app_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWalk compares the frames in docs/walk.md with those that are sent.
func TestWalk(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../../docs/walk.md")
	require.NoError(t, err)
	var frames []string
	for _, block := range strings.Split(string(document), "\n```json\n")[1:] {
		frame, _, found := strings.Cut(block, "\n```\n")
		require.True(t, found)
		frames = append(frames, frame)
	}
	require.Len(t, frames, 3)

	s := start(t)
	ann, ben := s.open("Ann"), s.open("Ben")
	known := strings.NewReplacer(ann.connection, "c1", ann.user, "u1")
	date := regexp.MustCompile(`"at":"[^"]+"`)
	next := func(p *page) string {
		for {
			if f := p.frame(); f.Data.Type != "joined" {
				return date.ReplaceAllString(known.Replace(f.raw), `"at":"2026-01-01T00:00:00Z"`)
			}
		}
	}
	require.NoError(t, ann.conn.Write(t.Context(), websocket.MessageText, []byte(frames[0])))
	for _, got := range []struct{ want, frame string }{
		{frames[1], next(ann)}, {frames[1], next(ben)}, {frames[2], next(ann)},
	} {
		// The number of the event depends on earlier events.
		assert.JSONEq(t, got.want, regexp.MustCompile(`"id":"c1/\d+"`).ReplaceAllString(got.frame, `"id":"c1/3"`))
		assert.True(t, json.Valid([]byte(got.frame)))
	}
}
