package role_test

import (
	"fmt"
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
		{"another group", []string{"webpubsub.sendToGroup.g"}, "h", false, false},
		{"groups are case-sensitive", []string{"webpubsub.joinLeaveGroup.g"}, "G", false, false},
		{"a group with dots", []string{"webpubsub.joinLeaveGroup.a.b"}, "a.b", true, false},
		{"a star in the role of one group is literal", []string{"webpubsub.joinLeaveGroup.*"}, "g", false, false},
		{"pattern", []string{"webpubsub.joinLeaveGroups.room.*", "webpubsub.sendToGroups.**"}, "room.1", true, true},
		{"pattern does not cross dots", []string{"webpubsub.joinLeaveGroups.room.*"}, "room.1.x", false, false},
		{"unknown roles", []string{"admin", "webpubsub.other", "webpubsub.joinLeaveGroupX", "webpubsub.sendToGroup."}, "g", false, false},
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

func TestGroupStateRoles(t *testing.T) {
	t.Parallel()
	set, err := role.Parse([]string{"webpubsub.getGroupState", "webpubsub.setGroupState.g", "webpubsub.setGroupStates.*"})
	require.NoError(t, err)
	assert.True(t, set.Allows(role.GetState, "h"))
	assert.True(t, set.Allows(role.SetState, "g"))
	assert.False(t, set.Allows(role.SetState, "h"), "there are no patterns")
	assert.False(t, set.Allows(role.JoinLeave, "g"))
	assert.False(t, set.Allows(role.Send, "g"))
}

func TestGrantAndRevoke(t *testing.T) {
	t.Parallel()
	set, err := role.Parse([]string{"webpubsub.sendToGroup.g", "webpubsub.joinLeaveGroup", "webpubsub.sendToGroups.room.*"})
	require.NoError(t, err)
	set.Grant(role.Send, "h")
	assert.True(t, set.Allows(role.Send, "h"))
	set.Revoke(role.Send, "g")
	assert.False(t, set.Allows(role.Send, "g"))
	for action, group := range map[role.Action]string{role.JoinLeave: "g", role.Send: "room.1"} {
		set.Revoke(action, group)
		assert.False(t, set.Allows(action, group), "Revoke overrides roles for several groups")
		assert.True(t, set.Allows(role.JoinLeave, "h"))
		assert.True(t, set.Allows(role.Send, "room.2"))
		set.Grant(action, group)
		assert.True(t, set.Allows(action, group))
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	var roles []string
	for i := range 12 {
		roles = append(roles, fmt.Sprintf("webpubsub.sendToGroups.%d.*", i), fmt.Sprintf("webpubsub.joinLeaveGroups.%d.*", i))
	}
	for i := range 1002 {
		roles = append(roles, fmt.Sprintf("webpubsub.sendToGroup.g%d", i))
	}
	set, err := role.Parse(roles)
	require.NoError(t, err)
	assert.Equal(t, 3+3+2, set.LeftOut())
	for _, a := range []role.Action{role.Send, role.JoinLeave} {
		assert.True(t, set.Allows(a, "8.x"))
		assert.False(t, set.Allows(a, "9.x"))
	}
	assert.True(t, set.Allows(role.Send, "g999"))
	assert.False(t, set.Allows(role.Send, "g1000"))
	assert.False(t, set.Grant(role.Send, "g1000"))
	assert.True(t, set.Grant(role.Send, "g1"), "already granted")
	assert.True(t, set.Grant(role.Send, "8.x"), "a pattern allows it")
	assert.False(t, set.Revoke(role.Send, "8.x"), "one more entry")
	assert.True(t, set.Allows(role.Send, "8.x"))
	assert.True(t, set.Revoke(role.Send, "g1"))
	assert.True(t, set.Grant(role.Send, "g1000"))
	assert.True(t, set.Grant(role.JoinLeave, "g1"), "each action has its own limit")
}

func TestTooManyStars(t *testing.T) {
	t.Parallel()
	_, err := role.Parse([]string{"webpubsub.sendToGroups.**.**.**"})
	require.EqualError(t, err, `role "webpubsub.sendToGroups.**.**.**": pattern has 6 stars, want at most 5`)
	_, err = role.Parse([]string{`webpubsub.joinLeaveGroups.a\`})
	require.EqualError(t, err, `role "webpubsub.joinLeaveGroups.a\\": pattern has a backslash before a character other than \, * or ?`)
}
