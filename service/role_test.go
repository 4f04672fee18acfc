package service_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/service"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		service.RoleJoinLeaveAnyGroup:               "webpubsub.joinLeaveGroup",
		service.RoleSendToAnyGroup:                  "webpubsub.sendToGroup",
		service.RoleJoinLeaveGroup("a.b"):           "webpubsub.joinLeaveGroup.a.b",
		service.RoleSendToGroup("lobby"):            "webpubsub.sendToGroup.lobby",
		service.RoleGetAnyGroupState:                "webpubsub.getGroupState",
		service.RoleSetAnyGroupState:                "webpubsub.setGroupState",
		service.RoleGetGroupState("lobby"):          "webpubsub.getGroupState.lobby",
		service.RoleSetGroupState("a.b"):            "webpubsub.setGroupState.a.b",
		service.RoleJoinLeaveGroupPattern("room.*"): "webpubsub.joinLeaveGroups.room.*",
		service.RoleSendToGroupPattern("**"):        "webpubsub.sendToGroups.**",
	} {
		assert.Equal(t, want, got)
	}
}
