package webpubsub_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		webpubsub.RoleJoinLeaveAnyGroup:               "webpubsub.joinLeaveGroup",
		webpubsub.RoleSendToAnyGroup:                  "webpubsub.sendToGroup",
		webpubsub.RoleJoinLeaveGroup("a.b"):           "webpubsub.joinLeaveGroup.a.b",
		webpubsub.RoleSendToGroup("lobby"):            "webpubsub.sendToGroup.lobby",
		webpubsub.RoleGetAnyGroupState:                "webpubsub.getGroupState",
		webpubsub.RoleSetAnyGroupState:                "webpubsub.setGroupState",
		webpubsub.RoleGetGroupState("lobby"):          "webpubsub.getGroupState.lobby",
		webpubsub.RoleSetGroupState("a.b"):            "webpubsub.setGroupState.a.b",
		webpubsub.RoleJoinLeaveGroupPattern("room.*"): "webpubsub.joinLeaveGroups.room.*",
		webpubsub.RoleSendToGroupPattern("**"):        "webpubsub.sendToGroups.**",
	} {
		assert.Equal(t, want, got)
	}
}
