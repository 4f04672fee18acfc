package service_test

import (
	"context"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/version"
	"github.com/go-webpubsub/webpubsub/service"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// operation is a call of one of the 25 operations of the REST API.
type operation struct {
	name    string // operationId
	method  string
	url     string // behind the endpoint
	header  map[string]string
	body    string
	success int
	answer  string
	call    func(context.Context, *service.Client) error
	also    int // another status that is no error; 0: none
}

func operations() []operation {
	text := map[string]string{"Content-Type": "text/plain", "Accept": "application/json"}
	json := map[string]string{"Content-Type": "application/json", "Accept": "application/json"}
	plain := map[string]string{"Content-Type": "", "Accept": "application/json"}
	head := map[string]string{"Content-Type": "", "Accept": ""}
	const v = "?" + testVersion
	return []operation{
		{"GetServiceStatus", "HEAD", "/api/health" + v, head, "", 200, "", func(ctx context.Context, c *service.Client) error {
			return c.Health(ctx)
		}, 0},
		{"AddConnectionsToGroups", "POST", "/api/hubs/chat/:addToGroups" + v, json,
			`{"groups":["a/b","<c>"],"filter":"userId ne 'admin' and length(userId) gt 3"}`, 200, "", func(ctx context.Context, c *service.Client) error {
				return c.AddToGroups(ctx, []string{"a/b", "<c>"}, filter.And(filter.UserID().Ne("admin"), filter.UserID().Length().Gt(3)))
			}, 0},
		{"CloseAllConnections", "POST", "/api/hubs/chat/:closeConnections" + v + "&excluded=c1&excluded=c2&reason=see%20you%20%26%20bye", plain, "", 204, "", func(ctx context.Context, c *service.Client) error {
			return c.All().CloseConnections(ctx, &service.CloseOptions{Excluded: []string{"c1", "c2"}, Reason: "see you & bye"})
		}, 0},
		{"GenerateClientToken", "POST", "/api/hubs/chat/:generateToken" + v + "&userId=ann&role=webpubsub.joinLeaveGroup&role=webpubsub.sendToGroup.lobby&minutesToExpire=60&group=g1&group=g2&clientType=MQTT",
			map[string]string{"Content-Type": "", "Accept": "application/json, text/json"}, "", 200, `{"token":"t"}`, func(ctx context.Context, c *service.Client) error {
				_, err := c.ClientAccess(ctx, &service.ClientAccessOptions{
					UserID: "ann", Roles: []string{"webpubsub.joinLeaveGroup", "webpubsub.sendToGroup.lobby"},
					Groups: []string{"g1", "g2"}, Protocol: service.ProtocolMQTT,
				})
				return err
			}, 0},
		{"RemoveConnectionsFromGroups", "POST", "/api/hubs/chat/:removeFromGroups" + v, json,
			`{"groups":["g1"],"filter":"true"}`, 200, "", func(ctx context.Context, c *service.Client) error {
				return c.RemoveFromGroups(ctx, []string{"g1"}, filter.All())
			}, 0},
		{"SendToAll", "POST", "/api/hubs/chat/:send" + v + "&excluded=c%201&excluded=c%2B2&filter=userId%20ne%20%27o%27%27brien%27&messageTtlSeconds=300", json,
			`{"a":"<b>&"}`, 202, "", func(ctx context.Context, c *service.Client) error {
				return c.All().SendJSON(ctx, map[string]string{"a": "<b>&"}, &service.SendOptions{
					Excluded: []string{"c 1", "c+2"}, Filter: filter.UserID().Ne("o'brien"), TTL: service.MaxTTL,
				})
			}, 0},
		{"CloseConnection", "DELETE", "/api/hubs/chat/connections/c1" + v + "&reason=bye", plain, "", 204, "", func(ctx context.Context, c *service.Client) error {
			return c.Connection("c1").Close(ctx, &service.CloseOptions{Reason: "bye"})
		}, 0},
		{"ConnectionExists", "HEAD", "/api/hubs/chat/connections/c1" + v, head, "", 200, "", func(ctx context.Context, c *service.Client) error {
			_, err := c.Connection("c1").Exists(ctx)
			return err
		}, 404},
		{"SendToConnection", "POST", "/api/hubs/chat/connections/c1/:send" + v + "&messageTtlSeconds=1", text, "hi", 202, "", func(ctx context.Context, c *service.Client) error {
			return c.Connection("c1").SendText(ctx, "hi", &service.SendOptions{TTL: 1e9})
		}, 0},
		{"RemoveConnectionFromAllGroups", "DELETE", "/api/hubs/chat/connections/c1/groups" + v, plain, "", 204, "", func(ctx context.Context, c *service.Client) error {
			return c.Connection("c1").RemoveFromAllGroups(ctx)
		}, 0},
		{"GroupExists", "HEAD", "/api/hubs/chat/groups/a%20b" + v, head, "", 200, "", func(ctx context.Context, c *service.Client) error {
			_, err := c.Group("a b").Exists(ctx)
			return err
		}, 404},
		{"CloseGroupConnections", "POST", "/api/hubs/chat/groups/g1/:closeConnections" + v + "&excluded=c1&reason=r", plain, "", 204, "", func(ctx context.Context, c *service.Client) error {
			return c.Group("g1").CloseConnections(ctx, &service.CloseOptions{Excluded: []string{"c1"}, Reason: "r"})
		}, 0},
		{"SendToGroup", "POST", "/api/hubs/chat/groups/g1/:send" + v + "&excluded=c1&filter=%27a%27%20in%20groups", text, "hi", 202, "", func(ctx context.Context, c *service.Client) error {
			return c.Group("g1").SendText(ctx, "hi", &service.SendOptions{Excluded: []string{"c1"}, Filter: filter.InGroup("a")})
		}, 0},
		{"ListConnectionsInGroup", "GET", "/api/hubs/chat/groups/g1/connections" + v + "&maxpagesize=2&top=3", plain, "", 200, `{"value":[]}`, func(ctx context.Context, c *service.Client) error {
			_, err := members(c.Group("g1").Connections(ctx, &service.ListOptions{PageSize: 2, Top: 3}))
			return err
		}, 0},
		{"RemoveConnectionFromGroup", "DELETE", "/api/hubs/chat/groups/g1/connections/c1" + v, plain, "", 204, "", func(ctx context.Context, c *service.Client) error {
			return c.Group("g1").RemoveConnection(ctx, "c1")
		}, 0},
		{"AddConnectionToGroup", "PUT", "/api/hubs/chat/groups/g1/connections/c1" + v, plain, "", 200, "", func(ctx context.Context, c *service.Client) error {
			return c.Group("g1").AddConnection(ctx, "c1")
		}, 0},
		{"RevokePermission", "DELETE", "/api/hubs/chat/permissions/joinLeaveGroup/connections/c1" + v + "&targetName=a%2Fb", plain, "", 204, "", func(ctx context.Context, c *service.Client) error {
			return c.Connection("c1").Revoke(ctx, service.JoinLeaveGroup, "a/b")
		}, 0},
		{"CheckPermission", "HEAD", "/api/hubs/chat/permissions/sendToGroup/connections/c1" + v + "&targetName=g1", head, "", 200, "", func(ctx context.Context, c *service.Client) error {
			_, err := c.Connection("c1").HasPermission(ctx, service.SendToGroup, "g1")
			return err
		}, 404},
		{"GrantPermission", "PUT", "/api/hubs/chat/permissions/sendToGroup/connections/c1" + v + "&targetName=g1", plain, "", 200, "", func(ctx context.Context, c *service.Client) error {
			return c.Connection("c1").Grant(ctx, service.SendToGroup, "g1")
		}, 0},
		{"UserExists", "HEAD", "/api/hubs/chat/users/tenant%3Aann%40example.com" + v, head, "", 200, "", func(ctx context.Context, c *service.Client) error {
			_, err := c.User("tenant:ann@example.com").Exists(ctx)
			return err
		}, 404},
		{"CloseUserConnections", "POST", "/api/hubs/chat/users/ann/:closeConnections" + v + "&excluded=c1&reason=r", plain, "", 204, "", func(ctx context.Context, c *service.Client) error {
			return c.User("ann").CloseConnections(ctx, &service.CloseOptions{Excluded: []string{"c1"}, Reason: "r"})
		}, 0},
		{"SendToUser", "POST", "/api/hubs/chat/users/ann/:send" + v + "&filter=true&messageTtlSeconds=5",
			map[string]string{"Content-Type": "application/octet-stream"}, "\x00\xff", 202, "", func(ctx context.Context, c *service.Client) error {
				return c.User("ann").SendBinary(ctx, []byte{0, 255}, &service.SendOptions{Filter: filter.All(), TTL: 5e9})
			}, 0},
		{"RemoveUserFromAllGroups", "DELETE", "/api/hubs/chat/users/ann/groups" + v, plain, "", 204, "", func(ctx context.Context, c *service.Client) error {
			return c.User("ann").RemoveFromAllGroups(ctx)
		}, 0},
		{"RemoveUserFromGroup", "DELETE", "/api/hubs/chat/users/ann/groups/g1" + v, plain, "", 204, "", func(ctx context.Context, c *service.Client) error {
			return c.Group("g1").RemoveUser(ctx, "ann")
		}, 0},
		{"AddUserToGroup", "PUT", "/api/hubs/chat/users/ann/groups/g1" + v, plain, "", 200, "", func(ctx context.Context, c *service.Client) error {
			return c.Group("g1").AddUser(ctx, "ann")
		}, 0},
	}
}

// TestOperations checks the request of each operation, with a key and with Entra.
func TestOperations(t *testing.T) {
	t.Parallel()
	require.Len(t, operations(), 25)
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			t.Run("key", func(t *testing.T) {
				t.Parallel()
				if op.name == "GenerateClientToken" { // signed here; TestClientAccessByKey
					f := &fake{status: 500}
					require.NoError(t, op.call(t.Context(), keyClient(t, over(f))))
					assert.Empty(t, f.requests())
					return
				}
				f := &fake{answer: op.reply(op.success)}
				require.NoError(t, op.call(t.Context(), keyClient(t, over(f))))
				got := f.only(t)
				op.check(t, got)
				assert.Equal(t, testEndpoint+op.url, verify(t, got.bearer(t), testKey)["aud"])
			})
			t.Run("entra", func(t *testing.T) {
				t.Parallel()
				f := &fake{answer: op.reply(op.success)}
				require.NoError(t, op.call(t.Context(), entraClient(t, &credential{}, over(f))))
				got := f.only(t)
				op.check(t, got)
				assert.Equal(t, entraToken, got.bearer(t))
			})
			t.Run("statuses", func(t *testing.T) {
				t.Parallel()
				op.checkStatuses(t)
			})
		})
	}
}

func (op operation) reply(status int) func(int, *http.Request) (*http.Response, error) {
	return func(int, *http.Request) (*http.Response, error) { return reply(status, nil, op.answer), nil }
}

func (op operation) check(t *testing.T, got sent) {
	t.Helper()
	assert.Equal(t, op.method, got.Method)
	assert.Equal(t, testEndpoint+op.url, got.URL)
	assert.Equal(t, "name.webpubsub.azure.com", got.Host)
	for name, want := range op.header {
		assert.Equal(t, want, got.Header.Get(name), name)
	}
	assert.Equal(t, op.body, got.Body)
	assert.Equal(t, int64(len(op.body)), got.Length)
	assert.Regexp(t, `^azsdk-go-webpubsub/v`+regexp.QuoteMeta(version.Version)+` \(go.*\)$`, got.Header.Get("User-Agent"))
}

// checkStatuses checks that only the documented statuses are success.
func (op operation) checkStatuses(t *testing.T) {
	for _, status := range []int{200, 201, 202, 204, 301, 400, 401, 403, 404, 409, 415} {
		f := &fake{answer: op.reply(status)}
		err := op.call(t.Context(), entraClient(t, &credential{}, over(f)))
		require.Len(t, f.requests(), 1, "status %d", status)
		if status == op.success || status == op.also {
			require.NoError(t, err, "status %d", status)
			continue
		}
		var e *service.Error
		require.ErrorAs(t, err, &e, "status %d", status)
		assert.Equal(t, op.name, e.Operation)
		assert.Equal(t, status, e.StatusCode)
	}
}

// TestExists: 200 is true, 404 is false, and all else is an error.
func TestExists(t *testing.T) {
	t.Parallel()
	questions := map[string]func(context.Context, *service.Client) (bool, error){
		"connection": func(ctx context.Context, c *service.Client) (bool, error) { return c.Connection("c").Exists(ctx) },
		"group":      func(ctx context.Context, c *service.Client) (bool, error) { return c.Group("g").Exists(ctx) },
		"user":       func(ctx context.Context, c *service.Client) (bool, error) { return c.User("u").Exists(ctx) },
		"permission": func(ctx context.Context, c *service.Client) (bool, error) {
			return c.Connection("c").HasPermission(ctx, service.JoinLeaveGroup, "g")
		},
	}
	for name, ask := range questions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ask(t.Context(), keyClient(t, over(&fake{status: 200})))
			require.NoError(t, err)
			assert.True(t, got)
			got, err = ask(t.Context(), keyClient(t, over(&fake{status: 404})))
			require.NoError(t, err)
			assert.False(t, got)
			got, err = ask(t.Context(), keyClient(t, over(&fake{status: 401})))
			require.ErrorIs(t, err, service.ErrUnauthorized)
			assert.False(t, got)
		})
	}
}
