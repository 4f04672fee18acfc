package rule_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/glob"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("ä", 1024)
	for text, want := range map[string]rule.Role{
		"webpubsub.joinLeaveGroup":                        {Scope: rule.AnyGroup},
		"webpubsub.sendToGroup":                           {Scope: rule.AnyGroup, Action: rule.Send},
		"webpubsub.joinLeaveGroup.lobby":                  {Scope: rule.OneGroup, Name: "lobby"},
		"webpubsub.sendToGroup.a.b":                       {Scope: rule.OneGroup, Action: rule.Send, Name: "a.b"},
		"webpubsub.sendToGroup.s.x":                       {Scope: rule.OneGroup, Action: rule.Send, Name: "s.x"},
		"webpubsub.sendToGroup.*":                         {Scope: rule.OneGroup, Action: rule.Send, Name: "*"},
		"webpubsub.sendToGroup." + longest:                {Scope: rule.OneGroup, Action: rule.Send, Name: longest},
		"webpubsub.joinLeaveGroups.room.*":                {Scope: rule.GroupsMatched, Name: "room.*"},
		"webpubsub.sendToGroups.**":                       {Scope: rule.GroupsMatched, Action: rule.Send, Name: "**"},
		"webpubsub.sendToGroups.*.*.*.**":                 {Scope: rule.GroupsMatched, Action: rule.Send, Name: "*.*.*.**"},
		`webpubsub.sendToGroups.\*\*\*\*\*\*\?\\`:         {Scope: rule.GroupsMatched, Action: rule.Send, Name: `\*\*\*\*\*\*\?\\`},
		"webpubsub.joinLeaveGroups.no wildcard":           {Scope: rule.GroupsMatched, Name: "no wildcard"},
		"webpubsub.joinLeaveGroup.devices/device-7/state": {Scope: rule.OneGroup, Name: "devices/device-7/state"},
		"webpubsub.getGroupState":                         {Scope: rule.AnyGroup, Action: rule.GetState},
		"webpubsub.setGroupState.lobby":                   {Scope: rule.OneGroup, Action: rule.SetState, Name: "lobby"},
	} {
		got, err := rule.ParseRole(text)
		require.NoError(t, err, text)
		if want.Scope == rule.GroupsMatched {
			want.Pattern, err = glob.Parse(want.Name)
			require.NoError(t, err, text)
		}
		assert.Equal(t, want, got, text)
	}
}

func TestRoleErrors(t *testing.T) {
	t.Parallel()
	const roles = `want webpubsub.joinLeaveGroup, webpubsub.sendToGroup, webpubsub.getGroupState or webpubsub.setGroupState, alone for any group or with .<group> for one; the first two with s.<pattern> for several`
	meant := func(role, nearest string) string {
		return `role "` + role + `" is unknown to the service, which ignores it; did you mean "` + nearest + `"?`
	}
	none := func(role string) string {
		return `role "` + role + `" is unknown to the service, which ignores it; ` + roles
	}
	const length = ": want 1 to 1024 characters of UTF-8, not blank"
	for text, want := range map[string]string{
		"webpubsub.getGroupStates.*":         none("webpubsub.getGroupStates.*"),
		"webpubsub.setGroupStates":           meant("webpubsub.setGroupStates", "webpubsub.setGroupState"),
		"getGroupState":                      meant("getGroupState", "webpubsub.getGroupState"),
		"setGroupState:lobby":                meant("setGroupState:lobby", "webpubsub.setGroupState.lobby"),
		"webpubsub.subscribeGroupState.a":    meant("webpubsub.subscribeGroupState.a", "webpubsub.getGroupState.a"),
		"sendToGroup":                        meant("sendToGroup", "webpubsub.sendToGroup"),
		"sendToGroup.lobby":                  meant("sendToGroup.lobby", "webpubsub.sendToGroup.lobby"),
		"sendToGroup.room.*":                 meant("sendToGroup.room.*", "webpubsub.sendToGroups.room.*"),
		"joinLeaveGroup":                     meant("joinLeaveGroup", "webpubsub.joinLeaveGroup"),
		"joinGroup:lobby":                    meant("joinGroup:lobby", "webpubsub.joinLeaveGroup.lobby"),
		"webpubsub.joinGroup":                meant("webpubsub.joinGroup", "webpubsub.joinLeaveGroup"),
		"webpubsub.sendtogroup.Lobby":        meant("webpubsub.sendtogroup.Lobby", "webpubsub.sendToGroup.Lobby"),
		"WebPubSub.sendToGroup":              meant("WebPubSub.sendToGroup", "webpubsub.sendToGroup"),
		"webpubsub.sentToGroup":              meant("webpubsub.sentToGroup", "webpubsub.sendToGroup"),
		"webpubsub.sendToGroups":             meant("webpubsub.sendToGroups", "webpubsub.sendToGroup"),
		"webpubsub:sendToGroup":              meant("webpubsub:sendToGroup", "webpubsub.sendToGroup"),
		"webpubsub.sendToGroup ":             meant("webpubsub.sendToGroup ", "webpubsub.sendToGroup"),
		" webpubsub.sendToGroup.a":           meant(" webpubsub.sendToGroup.a", "webpubsub.sendToGroup.a"),
		"webpubsub.sendToGroupX":             meant("webpubsub.sendToGroupX", "webpubsub.sendToGroup"),
		"publish":                            meant("publish", "webpubsub.sendToGroup"),
		"sendToGroup.******":                 meant("sendToGroup.******", "webpubsub.sendToGroup"),
		"":                                   none(""),
		" ":                                  none(" "),
		"admin":                              none("admin"),
		"Endpoint=https://a.com;AccessKey=k": `role (a connection string) is unknown to the service, which ignores it; ` + roles,
		"webpubsub":                          none("webpubsub"),
		"webpubsub.":                         none("webpubsub."),
		"webpubsub.other":                    none("webpubsub.other"),
		"Web PubSub Service Owner":           none("Web PubSub Service Owner"),
		"webpubsub.sendToGroup.":             `role "webpubsub.sendToGroup.": group ""` + length,
		"webpubsub.sendToGroup. ":            `role "webpubsub.sendToGroup. ": group " "` + length,
		"webpubsub.sendToGroup.\xff":         `role "webpubsub.sendToGroup.\xff": group "\xff"` + length,
		"webpubsub.joinLeaveGroups.":         `role "webpubsub.joinLeaveGroups.": pattern ""` + length,
		`webpubsub.sendToGroups.a\`:          `role "webpubsub.sendToGroups.a\\": pattern has a backslash before a character other than \, * or ?`,
		`webpubsub.sendToGroups.\a`:          `role "webpubsub.sendToGroups.\\a": pattern has a backslash before a character other than \, * or ?`,
		"webpubsub.sendToGroups.**.**.**":    `role "webpubsub.sendToGroups.**.**.**": pattern has 6 stars, want at most 5`,
		`webpubsub.sendToGroups.\**.**.**.*`: `role "webpubsub.sendToGroups.\\**.**.**.*": pattern has 6 stars, want at most 5`,
	} {
		_, err := rule.ParseRole(text)
		require.EqualError(t, err, want, "%q", text)
	}
	for _, long := range []string{"send" + strings.Repeat("x", 1<<20), "webpubsub.sendToGroup." + strings.Repeat("x", 1025), "send." + strings.Repeat("x", 1000)} {
		_, err := rule.ParseRole(long)
		require.Error(t, err)
		assert.Less(t, len(err.Error()), 500)
	}
}

func TestCheckRoles(t *testing.T) {
	t.Parallel()
	require.NoError(t, rule.CheckRoles(nil))
	require.NoError(t, rule.CheckRoles([]string{"webpubsub.sendToGroup"}))
	require.EqualError(t, rule.CheckRoles([]string{"webpubsub.sendToGroup", "joinLeave"}),
		`Roles[1]: role "joinLeave" is unknown to the service, which ignores it; did you mean "webpubsub.joinLeaveGroup"? (put roles of your own into RawRoles)`)
	require.EqualError(t, rule.CheckRoles([]string{"webpubsub.sendToGroup.a\nb"}),
		`Roles[0]: group "a\nb": want 1 to 1024 characters of UTF-8, not blank, without line feed (put roles of your own into RawRoles)`)
	require.NoError(t, rule.CheckRawRoles([]string{"admin"}))
	require.EqualError(t, rule.CheckRawRoles([]string{"admin", " "}), `RawRoles[1] is " ", want a role that is not blank, in UTF-8`)
	require.EqualError(t, rule.CheckRawRoles([]string{"\xff"}), `RawRoles[0] is "\xff", want a role that is not blank, in UTF-8`)
}
