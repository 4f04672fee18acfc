package rule_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

func TestGroup(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ accepted, everywhere bool }{
		"lobby": {true, true}, "a b": {true, true}, "a/b": {true, true}, " a ": {true, true}, ".": {true, true}, "a\rb": {true, true}, "a\u2028b": {true, true},
		strings.Repeat("g", 1024): {true, true}, strings.Repeat("ü", 1024): {true, true}, strings.Repeat("😀", 512): {true, true},
		"a\nb": {true, false}, "a\n": {true, false},
		"": {}, " ": {}, "\t\n": {}, "\u2003": {}, "\u00a0": {}, "a\xff": {},
		strings.Repeat("g", 1025): {}, strings.Repeat("ü", 1025): {}, strings.Repeat("😀", 512) + "g": {},
	} {
		assert.Equal(t, want.accepted, rule.AcceptGroup(name) == nil, "accepted: %.20q", name)
		assert.Equal(t, want.everywhere, rule.CheckGroup(name) == nil, "everywhere: %.20q", name)
	}
}

func TestGroupErrors(t *testing.T) {
	t.Parallel()
	require.EqualError(t, rule.AcceptGroup(" "), `group " ": want 1 to 1024 characters of UTF-8, not blank`)
	require.EqualError(t, rule.CheckGroup("a\nb"), `group "a\nb": want 1 to 1024 characters of UTF-8, not blank, without line feed`)
	require.EqualError(t, rule.CheckGroup(strings.Repeat("g", 1<<20)), `group "`+strings.Repeat("g", 128)+`…": want 1 to 1024 characters of UTF-8, not blank, without line feed`)
}
