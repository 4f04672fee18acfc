package rule_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

func TestID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "1", "a\nb", strings.Repeat("ü", 1024), strings.Repeat("😀", 512)} {
		require.NoError(t, rule.CheckID("stream id", id))
	}
	for id, shown := range map[string]string{"\xff": `"\xff"`, strings.Repeat("x", 1025): `"` + strings.Repeat("x", 128) + `…"`, strings.Repeat("😀", 513): `"` + strings.Repeat("😀", 32) + `…"`} {
		require.EqualError(t, rule.CheckID("stream id", id), "stream id "+shown+": want at most 1024 characters of UTF-8")
	}
}
