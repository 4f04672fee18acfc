package rule_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

func TestHub(t *testing.T) {
	t.Parallel()
	documented := regexp.MustCompile("^[A-Za-z][A-Za-z0-9_`,.[\\]]{0,127}$")
	names := []string{
		"", " ", "chat", "Chat", "c", "z9", "my hub!", "my-hub", "chat ", " chat", "9chat", "_chat", "a_b", "a`b", "a,b", "a.b", "a[b]",
		"chät", "ｃhat", "a\nb", "chat\n", "a\x00", "a/b", "a:b", "a@b", "a{b", "\xff", strings.Repeat("a", 128), strings.Repeat("a", 129),
	}
	for c := range 256 {
		names = append(names, string([]byte{byte(c)}), string([]byte{'a', byte(c)}))
	}
	for _, name := range names {
		want := documented.MatchString(name)
		assert.Equal(t, want, rule.IsHub(name), "%q", name)
		assert.Equal(t, want, rule.CheckHub(name) == nil, "%q", name)
	}
}

func TestHubErrors(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"my hub!":                              "hub \"my hub!\": want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)",
		"Endpoint=https://a.com;accessKey=k3y": "hub (a connection string): want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)",
	} {
		require.EqualError(t, rule.CheckHub(name), want)
	}
	assert.Less(t, len(rule.CheckHub(strings.Repeat("-", 1<<20)).Error()), 300)
}
