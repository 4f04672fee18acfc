package rule_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

func TestEvent(t *testing.T) {
	t.Parallel()
	documented := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,127}$`)
	names := []string{"", "message", "Say", "chat.say", "a_b-c", "1event", "bad/event", "bad event", "a\n", "ä", "\u212aick", strings.Repeat("a", 128), strings.Repeat("a", 129)}
	for c := range 256 {
		names = append(names, string([]byte{byte(c)}), string([]byte{'a', byte(c)}))
	}
	for _, name := range names {
		assert.Equal(t, documented.MatchString(name), rule.CheckEvent(name) == nil, "%.20q", name)
	}
	require.EqualError(t, rule.CheckEvent("bad event"), `event "bad event": want a letter, then at most 127 letters, digits or characters of _.-`)
	assert.Less(t, len(rule.CheckEvent(strings.Repeat("e", 1<<20)).Error()), 300)
}
