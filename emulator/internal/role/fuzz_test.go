package role_test

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/internal/glob"
)

func isName(s string) bool {
	return strings.TrimSpace(s) != "" && utf8.ValidString(s) && len(utf16.Encode([]rune(s))) <= 1024
}

// FuzzRole holds what one role allows to the sentence that describes it: the role
// without group allows all of them, a name that one, a pattern those that fit.
func FuzzRole(f *testing.F) {
	for _, seed := range [][2]string{
		{"webpubsub.joinLeaveGroup", "g"}, {"webpubsub.sendToGroup.a.b", "a.b"}, {"webpubsub.sendToGroups.a.*", "a.b"},
		{"webpubsub.joinLeaveGroups.**.?", "a.b.c"}, {`webpubsub.sendToGroups.\*`, "*"}, {"webpubsub.sendToGroups.***.***", "a"},
		{"webpubsub.sendToGroups.", ""}, {"webpubsub.sendToGroup.", ""}, {"webpubsub.sendToGroups", "s"}, {"admin", "g"}, {"webpubsub.sendToGroups. ", " "}, {"webpubsub.sendToGroup. ", " "},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, group string) {
		set, err := role.Parse([]string{text})
		for _, name := range []string{"webpubsub.joinLeaveGroups.", "webpubsub.sendToGroups."} {
			if pattern, ok := strings.CutPrefix(text, name); ok {
				_, bad := glob.Parse(pattern)
				literal := strings.NewReplacer(`\\`, "", `\*`, "")
				stars := strings.Count(literal.Replace(pattern), "*")
				require.Equal(t, bad != nil || stars > 5 || !isName(pattern), err != nil)
			}
		}
		if err != nil {
			require.ErrorContains(t, err, "pattern")
			return
		}
		for action, name := range map[role.Action]string{role.JoinLeave: "webpubsub.joinLeaveGroup", role.Send: "webpubsub.sendToGroup"} {
			want := text == name || (isName(group) && text == name+"."+group)
			if pattern, ok := strings.CutPrefix(text, name+"s."); ok {
				p, err := glob.Parse(pattern)
				require.NoError(t, err)
				want = p.Match(group)
			}
			assert.Equal(t, want, set.Allows(action, group), "%v", action)
		}
		// What was said last of one group counts, and of no other.
		other := set.Allows(role.Send, group+"x")
		for _, allowed := range []bool{true, false, true} {
			if allowed {
				set.Grant(role.Send, group)
			} else {
				set.Revoke(role.Send, group)
			}
			assert.Equal(t, allowed, set.Allows(role.Send, group))
			assert.Equal(t, other, set.Allows(role.Send, group+"x"))
		}
	})
}
