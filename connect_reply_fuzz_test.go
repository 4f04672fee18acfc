package webpubsub_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// FuzzConnectReply checks that encoding/json reads from the answer what the reply says.
func FuzzConnectReply(f *testing.F) {
	f.Add("ann", "lobby", "admin", "json.webpubsub.azure.v1")
	f.Add(`"}],`, "\u2028<&>", "\\u0000\ufffd\U0001f600", "")
	f.Add("", "\xff", "tab\tnew line\n", "mqtt")
	f.Fuzz(func(t *testing.T, user, group, role, subprotocol string) {
		reply := &webpubsub.ConnectReply{
			UserID:      user,
			ClearUserID: user == "",
			Groups:      []string{group, "b"},
			Roles:       []string{webpubsub.RoleSendToAnyGroup},
			RawRoles:    []string{role},
			Subprotocol: subprotocol,
		}
		resp := wireServe(wireHandler(t, onConnect(reply, nil)), wireRequest(t, "connect"))
		if resp.StatusCode != http.StatusOK {
			return // a value is not valid
		}
		var got struct {
			UserID        *string
			Groups, Roles []string
			Subprotocol   string
		}
		require.NoError(t, json.Unmarshal([]byte(wireText(t, resp)), &got))
		require.NotNil(t, got.UserID)
		assert.Equal(t, user, *got.UserID)
		assert.Equal(t, reply.Groups, got.Groups)
		assert.Equal(t, append(reply.Roles, role), got.Roles)
		assert.Equal(t, subprotocol, got.Subprotocol)
	})
}
