package role_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		roles      []string
		group      string
		join, send bool
	}{
		{"none", nil, "g", false, false},
		{"all groups to join", []string{"webpubsub.joinLeaveGroup"}, "g", true, false},
		{"all groups to send to", []string{"webpubsub.sendToGroup"}, "g", false, true},
		{"one group", []string{"webpubsub.sendToGroup.g"}, "g", false, true},
		{"one group, another asked for", []string{"webpubsub.sendToGroup.g"}, "h", false, false},
		{"one group is with case", []string{"webpubsub.joinLeaveGroup.g"}, "G", false, false},
		{"a group with dots", []string{"webpubsub.joinLeaveGroup.a.b"}, "a.b", true, false},
		{"stars of the singular role are the group's name", []string{"webpubsub.joinLeaveGroup.*"}, "g", false, false},
		{"pattern", []string{"webpubsub.joinLeaveGroups.room.*", "webpubsub.sendToGroups.**"}, "room.1", true, true},
		{"pattern does not cross dots", []string{"webpubsub.joinLeaveGroups.room.*"}, "room.1.x", false, false},
		{"others' roles", []string{"admin", "webpubsub.other", "webpubsub.joinLeaveGroupX", "webpubsub.sendToGroup."}, "g", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			set, err := role.Parse(tc.roles)
			require.NoError(t, err)
			assert.Equal(t, tc.join, set.Allows(role.JoinLeave, tc.group), "join")
			assert.Equal(t, tc.send, set.Allows(role.Send, tc.group), "send")
		})
	}
}

func TestGrantAndRevoke(t *testing.T) {
	t.Parallel()
	set, err := role.Parse([]string{"webpubsub.sendToGroup.g", "webpubsub.joinLeaveGroup"})
	require.NoError(t, err)
	set.Grant(role.Send, "h")
	assert.True(t, set.Allows(role.Send, "h"))
	set.Revoke(role.Send, "g")
	assert.False(t, set.Allows(role.Send, "g"))
	set.Revoke(role.JoinLeave, "g")
	assert.True(t, set.Allows(role.JoinLeave, "g"), "a role for all groups stays")
}

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
			p, err := role.ParsePattern(tc.pattern)
			require.NoError(t, err)
			assert.Equal(t, tc.want, p.Match(tc.name))
		})
	}
}

func TestPatternErrors(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"":         "pattern is empty or not UTF-8",
		"\xff":     "pattern is empty or not UTF-8",
		`a\`:       `pattern has a backslash before something else than \, * or ?`,
		`\a`:       `pattern has a backslash before something else than \, * or ?`,
		"**.**.**": "pattern has 6 stars, want at most 5",
	} {
		_, err := role.ParsePattern(pattern)
		require.EqualError(t, err, want, "pattern %q", pattern)
	}
	_, err := role.Parse([]string{"webpubsub.sendToGroups.******"})
	require.EqualError(t, err, `role "webpubsub.sendToGroups.******": pattern has 6 stars, want at most 5`)
}

// The matcher agrees with a regular expression that says the same.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{{"a.*.b?", "a.x.bc"}, {"**", "a\n."}, {`\*\?\\`, `*?\`}, {"*a*a*a*a*b", strings.Repeat("a", 50)}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		p, err := role.ParsePattern(pattern)
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
