package rest_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	asJSON   = "application/json"
	asText   = "text/plain"
	asBinary = "application/octet-stream"
	hubPath  = "/api/hubs/chat/"
)

// call is a REST call and the expected status.
type call struct {
	method, path string
	contentType  string
	body         string
	status       int
}

func (w *world) steps(t *testing.T, calls ...call) (last answer) {
	t.Helper()
	for _, c := range calls {
		if c.path[0] != '/' {
			c.path = hubPath + c.path
		}
		last = w.call(t, c.method, c.path, c.contentType, c.body)
		require.Equal(t, c.status, last.status, "%s %s: %s", c.method, c.path, last.body)
		if c.status < http.StatusMultipleChoices && c.method != http.MethodGet {
			assert.Equal(t, "2021-10-01, 2022-11-01, 2023-07-01, 2024-01-01, 2024-12-01", last.header.Get("Api-Supported-Versions"))
		}
	}
	return last
}

func has(path string) call { return call{method: "HEAD", path: path + "?" + version, status: 200} }
func hasNot(path string) call {
	return call{method: "HEAD", path: path + "?" + version, status: 404}
}

const (
	fromServer = `{"type":"message","from":"server","dataType":"text","data":"hi"}`
	fromG1     = `{"type":"message","from":"group","group":"g1","fromUserId":null,"dataType":"text","data":"hi"}`
)

// claimsOf returns the claims of the token in an answer to GenerateClientToken.
func claimsOf(t *testing.T, body string) jwt.MapClaims {
	t.Helper()
	var out map[string]string
	require.NoError(t, json.Unmarshal([]byte(body), &out))
	assert.Len(t, out, 1)
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(out["token"], claims, func(*jwt.Token) (any, error) { return []byte(primary), nil }, jwt.WithTimeFunc(stopped{}.Now))
	require.NoError(t, err)
	return claims
}

// TestOperations calls each of the 25 operations, under its name in the API.
func TestOperations(t *testing.T) {
	t.Parallel()
	const q = "?" + version
	tests := []struct {
		name  string
		calls []call
		check func(t *testing.T, w *world, last answer)
	}{
		{name: "HealthApi_GetServiceStatus", calls: []call{{method: "HEAD", path: "/api/health" + q, status: 200}}},
		{name: "WebPubSub_AddConnectionsToGroups", calls: []call{
			{"POST", ":addToGroups" + q, asJSON, `{"groups":["g3","g4"],"filter":"userId eq 'bob'"}`, 200},
			has("groups/g3"), has("groups/g4"),
			{"DELETE", "connections/{bob}/groups" + q, "", "", 204},
			hasNot("groups/g3"),
			{"POST", ":addToGroups" + q, asJSON, `{"groups":["g5"]}`, 200},
			{"DELETE", "connections/{bob}/groups" + q, "", "", 204},
			has("groups/g5"),
		}},
		{name: "WebPubSub_CloseAllConnections", calls: []call{
			{"POST", ":closeConnections" + q + "&excluded={ann}&excluded=none&reason=cleaning%20up", "", "", 204},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.bob.closed(t, "Application server closed the connection. Reason: cleaning up")
			w.ann.nothing(t)
			w.steps(t, hasNot("users/bob"), has("users/ann"))
		}},
		{name: "WebPubSub_GenerateClientToken", calls: []call{
			{"POST", ":generateToken" + q + "&userId=eve&role=webpubsub.sendToGroup&role=r2&group=g7&group=g8&minutesToExpire=5", "", "", 200},
		}, check: func(t *testing.T, w *world, last answer) {
			claims := claimsOf(t, last.body)
			assert.Equal(t, w.emu.Endpoint+"/client/hubs/chat", claims["aud"])
			assert.Equal(t, "eve", claims["sub"])
			assert.Equal(t, []any{"webpubsub.sendToGroup", "r2"}, claims["role"])
			assert.Equal(t, []any{"g7", "g8"}, claims["webpubsub.group"])
			exp, iat := claims["exp"].(float64), claims["iat"].(float64)
			assert.InDelta(t, 300, exp-iat, 0)
		}},
		{name: "WebPubSub_RemoveConnectionsFromGroups", calls: []call{
			{"POST", ":removeFromGroups" + q, asJSON, `{"groups":["g1","g2","none"],"filter":"'g2' in groups"}`, 200},
			hasNot("groups/g2"), has("groups/g1"),
		}},
		{name: "WebPubSub_SendToAll", calls: []call{
			{"POST", ":send" + q + "&excluded={bob}", asText, "hi", 202},
			{"POST", ":send" + q + "&filter=userId%20eq%20'bob'&messageTtlSeconds=300", asJSON, `{"a": 1}`, 202},
			{"POST", ":send" + q, asBinary, "\x00\xff", 202},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.ann.gets(t, fromServer)
			w.ann.gets(t, `{"type":"message","from":"server","dataType":"binary","data":"AP8="}`)
			w.bob.gets(t, `{"type":"message","from":"server","dataType":"json","data":{"a": 1}}`)
			w.bob.gets(t, `{"type":"message","from":"server","dataType":"binary","data":"AP8="}`)
		}},
		{name: "WebPubSub_CloseConnection", calls: []call{
			{"DELETE", "connections/{ann}" + q, "", "", 204},
			{"DELETE", "connections/none" + q, "", "", 204},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.ann.closed(t, "Application server closed the connection.")
			w.bob.nothing(t)
		}},
		{name: "WebPubSub_ConnectionExists", calls: []call{has("connections/{ann}"), hasNot("connections/none")}},
		{name: "WebPubSub_SendToConnection", calls: []call{
			{"POST", "connections/{ann}/:send" + q, asText, "hi", 202},
			{"POST", "connections/none/:send" + q, asText, "hi", 202},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.ann.gets(t, fromServer)
			w.bob.nothing(t)
		}},
		{name: "WebPubSub_RemoveConnectionFromAllGroups", calls: []call{
			{"DELETE", "connections/{ann}/groups" + q, "", "", 204}, hasNot("groups/g2"), has("groups/g1"),
			{"DELETE", "connections/none/groups" + q, "", "", 204},
		}},
		{name: "WebPubSub_GroupExists", calls: []call{has("groups/g1"), hasNot("groups/G1"), hasNot("groups/none")}},
		{name: "WebPubSub_CloseGroupConnections", calls: []call{
			{"POST", "groups/g1/:closeConnections" + q + "&excluded={bob}", "", "", 204},
			{"POST", "groups/none/:closeConnections" + q, "", "", 204},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.ann.closed(t, "Application server closed the connection.")
			w.bob.nothing(t)
		}},
		{name: "WebPubSub_SendToGroup", calls: []call{
			{"POST", "groups/g1/:send" + q + "&excluded={bob}", asText, "hi", 202},
			{"POST", "groups/g1/:send" + q + "&filter=not('g2'%20in%20groups)", asText, "hi", 202},
			{"POST", "groups/none/:send" + q, asText, "hi", 202},
		}, check: func(t *testing.T, w *world, _ answer) {
			for _, c := range []*client{w.ann, w.bob} {
				c.gets(t, fromG1)
				c.nothing(t)
			}
		}},
		{name: "WebPubSub_ListConnectionsInGroup", calls: []call{
			{"GET", "groups/none/connections" + q, "", "", 200},
		}, check: func(t *testing.T, _ *world, last answer) { assert.JSONEq(t, `{"value":[]}`, last.body) }},
		{name: "WebPubSub_RemoveConnectionFromGroup", calls: []call{
			{"DELETE", "groups/g2/connections/{ann}" + q, "", "", 204}, hasNot("groups/g2"),
			{"DELETE", "groups/g2/connections/{ann}" + q, "", "", 204},
			{"DELETE", "groups/g2/connections/none" + q, "", "", 204},
		}},
		{name: "WebPubSub_AddConnectionToGroup", calls: []call{
			{"PUT", "groups/g9/connections/{bob}" + q, "", "", 200}, has("groups/g9"),
			{"PUT", "groups/g9/connections/{bob}" + q, "", "", 200},
			{"PUT", "groups/g9/connections/none" + q, "", "", 404},
		}, check: func(t *testing.T, _ *world, last answer) {
			assert.Equal(t, "Error.Connection.NotExisted", last.failure(t, "Connection `none` is not found.", "Connection"))
		}},
		{name: "WebPubSub_RevokePermission", calls: []call{
			{"PUT", "permissions/sendToGroup/connections/{ann}" + q + "&targetName=g1", "", "", 200},
			{"DELETE", "permissions/sendToGroup/connections/{ann}" + q + "&targetName=g1", "", "", 204},
			{"HEAD", "permissions/sendToGroup/connections/{ann}" + q + "&targetName=g1", "", "", 404},
			{"DELETE", "permissions/sendToGroup/connections/none" + q + "&targetName=g1", "", "", 204},
		}},
		{name: "WebPubSub_CheckPermission", calls: []call{
			{"HEAD", "permissions/joinLeaveGroup/connections/{ann}" + q + "&targetName=g1", "", "", 404},
			{"PUT", "permissions/joinLeaveGroup/connections/{ann}" + q + "&targetName=g1", "", "", 200},
			{"HEAD", "permissions/joinLeaveGroup/connections/{ann}" + q + "&targetName=g1", "", "", 200},
			{"HEAD", "permissions/sendToGroup/connections/{ann}" + q + "&targetName=g1", "", "", 404},
			{"HEAD", "permissions/joinLeaveGroup/connections/{ann}" + q + "&targetName=g2", "", "", 404},
			{"HEAD", "permissions/joinLeaveGroup/connections/none" + q + "&targetName=g1", "", "", 404},
		}},
		{name: "WebPubSub_GrantPermission", calls: []call{
			{"PUT", "permissions/joinLeaveGroup/connections/{bob}" + q + "&targetName=g2", "", "", 200},
			{"PUT", "permissions/joinLeaveGroup/connections/none" + q + "&targetName=g2", "", "", 404},
		}, check: func(t *testing.T, w *world, last answer) {
			assert.Equal(t, "Info.Connection.NotExisted", last.failure(t, "Connection `none` is not found.", "Connection"))
			w.bob.say(t, `{"type":"joinGroup","group":"g2","ackId":1}`)
			assert.JSONEq(t, `{"type":"ack","ackId":1,"success":true}`, w.bob.next(t))
		}},
		{name: "WebPubSub_UserExists", calls: []call{has("users/ann"), hasNot("users/Ann")}},
		{name: "WebPubSub_CloseUserConnections", calls: []call{
			{"POST", "users/ann/:closeConnections" + q + "&reason=x&excluded={ann}", "", "", 204},
			{"POST", "users/bob/:closeConnections" + q + "&reason=x", "", "", 204},
			{"POST", "users/none/:closeConnections" + q, "", "", 204},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.bob.closed(t, "Application server closed the connection. Reason: x")
			w.ann.nothing(t)
		}},
		{name: "WebPubSub_SendToUser", calls: []call{
			{"POST", "users/ann/:send" + q + "&excluded={ann}", asText, "hi", 202}, // not a parameter of this operation
			{"POST", "users/ann/:send" + q + "&filter=false", asText, "no", 202},
			{"POST", "users/none/:send" + q, asText, "no", 202},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.ann.gets(t, fromServer)
			w.ann.nothing(t)
			w.bob.nothing(t)
		}},
		{name: "WebPubSub_RemoveUserFromAllGroups", calls: []call{
			{"DELETE", "users/ann/groups" + q, "", "", 204}, hasNot("groups/g2"), has("groups/g1"),
			{"DELETE", "users/none/groups" + q, "", "", 204},
		}},
		{name: "WebPubSub_RemoveUserFromGroup", calls: []call{
			{"DELETE", "users/ann/groups/g2" + q, "", "", 204}, hasNot("groups/g2"),
			{"DELETE", "users/none/groups/g2" + q, "", "", 204},
		}},
		{name: "WebPubSub_AddUserToGroup", calls: []call{
			{"PUT", "users/bob/groups/g9" + q, "", "", 200}, has("groups/g9"),
			{"PUT", "users/none/groups/g9" + q, "", "", 404},
		}, check: func(t *testing.T, _ *world, last answer) {
			assert.Equal(t, "Error.User.NotExisted", last.failure(t, "User `none` is not found.", "User"))
		}},
	}
	require.Len(t, tests, 25)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			last := w.steps(t, tt.calls...)
			if tt.check != nil {
				tt.check(t, w, last)
			}
		})
	}
}

// TestNotFound checks that the code and length of a 404 are in the header of HEAD.
func TestNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct{ path, code, length string }{
		{"connections/xxx", "Warning.Connection.NotExisted", "133"}, // recorded from the service
		{"users/foo", "Warning.User.NotExisted", "115"},             // likewise
		{"groups/foo", "Warning.Group.NotExisted", "118"},
		{"permissions/sendToGroup/connections/xxx", "Info.Connection.NotExisted", "130"}, // likewise
		{"permissions/sendToGroup/connections/{ann}", "Info.Connection.NotExisted", "159"},
	} {
		got := w.call(t, "HEAD", hubPath+tt.path+"?targetName=g9&"+version, "", "")
		assert.Equal(t, http.StatusNotFound, got.status, tt.path)
		assert.Equal(t, tt.code, got.header.Get("X-Ms-Error-Code"), tt.path)
		assert.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"), tt.path)
		assert.Equal(t, tt.length, got.header.Get("Content-Length"), tt.path)
		assert.Empty(t, got.body, tt.path)
	}
}

// TestPermissionsIgnoreCase checks the only names in paths, beside hubs, without case.
func TestPermissionsIgnoreCase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const q = "?" + version + "&targetName=p"
	w.steps(t,
		call{"PUT", "permissions/SENDTOGROUP/connections/{ann}" + q, "", "", 200},
		call{"HEAD", "permissions/sendToGroup/connections/{ann}" + q, "", "", 200},
		call{"HEAD", "permissions/joinleavegroup/connections/{ann}" + q, "", "", 404},
		call{"DELETE", "permissions/SendToGroup/connections/{ann}" + q, "", "", 204},
		call{"HEAD", "permissions/sendToGroup/connections/{ann}" + q, "", "", 404},
	)
}

// TestPermissionLimit checks that a connection has at most 1,000 permissions for
// single groups, and that a call beyond the limit changes nothing.
func TestPermissionLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := func(i int) string {
		return "permissions/sendToGroup/connections/{ann}?" + version + "&targetName=" + strconv.Itoa(i)
	}
	for i := range 1000 {
		w.steps(t, call{"PUT", path(i), "", "", 200})
	}
	last := w.steps(t, call{"PUT", path(0), "", "", 200}, call{"PUT", path(1000), "", "", 409})
	assert.Equal(t, "Error.Connection.Conflict", last.failure(t, w.path("Connection `{ann}` has 1000 permissions for single groups, the maximum."), "Connection"))
	w.steps(t,
		call{"HEAD", path(1000), "", "", 404},
		call{"DELETE", path(1), "", "", 204},
		call{"PUT", path(1000), "", "", 200},
		call{"HEAD", path(1000), "", "", 200},
	)
}

func TestGenerateTokenForMQTT(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, clientType := range []string{"MQTT", "mqtt"} {
		last := w.steps(t, call{"POST", ":generateToken" + with("clientType", clientType) + "&minutesToExpire=2147483647", "", "", 200})
		claims := claimsOf(t, last.body)
		assert.Equal(t, w.emu.Endpoint+"/clients/mqtt/hubs/chat", claims["aud"])
		assert.Greater(t, claims["exp"], claims["iat"])
		assert.NotContains(t, claims, "sub")
		assert.NotContains(t, claims, "role")
		assert.NotContains(t, claims, "webpubsub.group")
	}
}
