package rule_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

func TestGroup(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"lobby": true, "a b": true, "a/b": true, " a ": true, ".": true, strings.Repeat("ü", 1024): true,
		"": false, " ": false, "\t\n": false, "\u2003": false, "a\xff": false, strings.Repeat("ü", 1025): false,
	} {
		assert.Equal(t, want, rule.IsGroup(name), "%.20q", name)
	}
}
