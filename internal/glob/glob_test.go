package glob_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/glob"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true},
		{"a", "ab", false},
		{"?", "é", true},
		{"?", ".", false},
		{"?", "", false},
		{"*", "", true},
		{"*", "abc", true},
		{"*", "a.c", false},
		{"**", "a.c", true},
		{"a.**.z", "a.b.c.z", true},
		{"a.**.z", "a.z", false},
		{"*.*", "a.b", true},
		{"*.*", "a.b.c", false},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`\\\?`, `\?`, true},
		{"***", "a.b", true},
	} {
		t.Run(tc.pattern+" "+tc.name, func(t *testing.T) {
			t.Parallel()
			p, err := glob.Parse(tc.pattern)
			require.NoError(t, err)
			assert.Equal(t, tc.want, p.Match(tc.name))
		})
	}
}

func TestPatternErrors(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"":     "pattern is empty or not UTF-8",
		"\xff": "pattern is empty or not UTF-8",
		`a\`:   `pattern has a backslash before a character other than \, * or ?`,
		`\a`:   `pattern has a backslash before a character other than \, * or ?`,
	} {
		_, err := glob.Parse(pattern)
		require.EqualError(t, err, want, "pattern %q", pattern)
	}
}

// The matcher agrees with a regular expression that says the same.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{{"a.*.b?", "a.x.bc"}, {"**", "a\n."}, {`\*\?\\`, `*?\`}, {"*a*a*a*a*b", strings.Repeat("a", 50)}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		p, err := glob.Parse(pattern)
		if err != nil {
			return
		}
		var expr strings.Builder
		expr.WriteString(`(?s)\A`)
		for rest := pattern; rest != ""; {
			switch {
			case rest[0] == '\\':
				expr.WriteString(regexp.QuoteMeta(rest[1:2]))
				rest = rest[2:]
			case strings.HasPrefix(rest, "**"):
				expr.WriteString(`.*`)
				rest = rest[2:]
			case rest[0] == '*':
				expr.WriteString(`[^.]*`)
				rest = rest[1:]
			case rest[0] == '?':
				expr.WriteString(`[^.]`)
				rest = rest[1:]
			default:
				end := strings.IndexAny(rest, `\*?`)
				if end < 0 {
					end = len(rest)
				}
				expr.WriteString(regexp.QuoteMeta(rest[:end]))
				rest = rest[end:]
			}
		}
		expr.WriteString(`\z`)
		want, err := regexp.MatchString(expr.String(), name)
		require.NoError(t, err)
		require.Equal(t, want, p.Match(name), "pattern %q, name %q", pattern, name)
	})
}

func TestStars(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]int{"a?": 0, `\*`: 0, "*": 1, "a.**": 2, "***": 3, `*\**`: 2} {
		p, err := glob.Parse(pattern)
		require.NoError(t, err)
		assert.Equal(t, want, p.Stars(), pattern)
	}
}
