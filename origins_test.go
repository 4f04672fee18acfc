package webpubsub_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// originMistakes are entries that are not host names. Each must be an error, not
// an entry that never matches.
var originMistakes = map[string]string{
	"empty":              "",
	"blank":              " ",
	"space around":       " a.com",
	"list":               "a.com,b.com",
	"pattern":            "*.webpubsub.azure.com",
	"scheme alone":       "https://",
	"other scheme":       "ftp://a.com",
	"protocol relative":  "//a.com",
	"user information":   "https://a.com@evil.com",
	"query":              "a.com?b",
	"fragment":           "a.com#b",
	"port that is no":    "a.com:http",
	"port out of range":  "a.com:65536",
	"port zero":          "a.com:0",
	"line break":         "a.com\n",
	"backslash":          `a.com\evil.com`,
	"connection string":  wireConnectionString,
	"connection string2": "AccessKey=" + wireKey,
}

func TestUE7InvalidOrigins(t *testing.T) {
	t.Parallel()
	for name, entry := range originMistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := webpubsub.NewAbuseProtection("a.com", entry)
			require.Error(t, err)
			assert.NotContains(t, err.Error(), wireKey)
			assert.True(t, strings.HasPrefix(err.Error(), "webpubsub: abuse protection: "), err)
			assert.Contains(t, err.Error(), "allowed origin 1", "which entry is wrong")
		})
	}
}
