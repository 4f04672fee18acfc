package rule_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

func TestUser(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "ana", "用户", "a%20b", " a/b ", strings.Repeat("u", 1<<16)} {
		require.NoError(t, rule.CheckUser(id))
	}
	for _, id := range []string{"a\xff", "a\r\nb", "\x00", "a\u0085", "a\x7f"} {
		require.EqualError(t, rule.CheckUser(id), "want UTF-8 without control characters, which the header ce-userId cannot have", "%q", id)
	}
}
