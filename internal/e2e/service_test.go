package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/service"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// TestSends: SendToAll, SendToUser, SendToConnection, SendToGroup.
func TestSends(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, emulator.Config{}), t.Context()
	ann, bob, anonymous := w.user("o'brien", "a b/ü"), w.user("bob", "lobby"), w.connect(nil)

	require.NoError(t, w.client.All().SendText(ctx, `"quoted"`, nil))
	for _, p := range []*peer{ann, bob, anonymous} {
		p.hears("server", "text", `"quoted"`)
	}
	require.NoError(t, w.client.All().SendJSON(ctx, map[string]any{"a": []any{"<b>", nil}}, &service.SendOptions{Excluded: []string{bob.id}}))
	ann.hears("server", "json", map[string]any{"a": []any{"<b>", nil}})
	anonymous.hears("server", "json", map[string]any{"a": []any{"<b>", nil}})

	require.NoError(t, w.client.User("o'brien").SendBinary(ctx, []byte{0, 255}, &service.SendOptions{TTL: service.MaxTTL}))
	ann.hears("server", "binary", "AP8=")
	require.NoError(t, w.client.Connection(anonymous.id).Send(ctx, "text/plain", bytes.NewReader([]byte("to you")), nil))
	anonymous.hears("server", "text", "to you")
	require.NoError(t, w.client.Group("lobby").SendText(ctx, "to the lobby", nil))
	bob.hears("group", "text", "to the lobby")
	require.NoError(t, w.client.Group("lobby").SendText(ctx, "nobody", &service.SendOptions{Excluded: []string{bob.id}}))
	require.NoError(t, w.client.Connection("nobody").SendText(ctx, "nobody", nil))

	require.NoError(t, w.client.Connection(bob.id).SendText(ctx, "noted", &service.SendOptions{Metadata: map[string]string{"X-Trace": "1 2"}}))
	assert.JSONEq(t, `{"type":"message","from":"server","dataType":"text","data":"noted","metadata":{"x-trace":"1 2"}}`, bob.read())
	for _, p := range []*peer{ann, bob, anonymous} {
		p.quiet()
	}
}

// TestFilters: the emulator selects the connections that the filters describe.
func TestFilters(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, emulator.Config{}), t.Context()
	obrien, bob, anonymous := w.user("O'Brien", "lobby", "it's"), w.user("bob", "lobby"), w.connect(nil)
	all := []*peer{obrien, bob, anonymous}
	for i, tt := range []struct {
		filter filter.Filter
		want   []*peer
	}{
		{filter.All(), all},
		{filter.None(), nil},
		{filter.UserID().Ne("bob"), []*peer{obrien, anonymous}},
		{filter.UserID().Eq("O'Brien"), []*peer{obrien}},
		{filter.UserID().ToLower().Eq("o'brien"), []*peer{obrien}},
		{filter.UserID().IsNull(), []*peer{anonymous}},
		{filter.UserID().NotNull(), []*peer{obrien, bob}},
		{filter.UserID().In("bob", "O'Brien"), []*peer{obrien, bob}},
		{filter.UserID().HasPrefix("O'"), []*peer{obrien}},
		{filter.UserID().HasSuffix("ob"), []*peer{bob}},
		{filter.UserID().Contains("'B"), []*peer{obrien}},
		{filter.UserID().Length().Gt(3), []*peer{obrien}},
		{filter.UserID().IndexOf("ob").Eq(1), []*peer{bob}},
		{filter.UserID().From(1).Eq("ob"), []*peer{bob}},
		{filter.UserID().Substring(0, 2).Concat("x").Trim().Eq("box"), []*peer{bob}},
		{filter.UserID().ToUpper().Eq("BOB"), []*peer{bob}},
		{filter.ConnectionID().Eq(bob.id), []*peer{bob}},
		{filter.InGroup("it's"), []*peer{obrien}},
		{filter.GroupCount().Ge(1), []*peer{obrien, bob}},
		{filter.GroupCount().Lt(1), []*peer{anonymous}},
		{filter.And(filter.InGroup("lobby"), filter.Not(filter.Or(filter.UserID().Eq("bob"), filter.GroupCount().Eq(0)))), []*peer{obrien}},
		{filter.Raw("userId eq 'bob' or userId eq null"), []*peer{bob, anonymous}},
	} {
		text := fmt.Sprint(i)
		require.NoError(t, w.client.All().SendText(ctx, text, &service.SendOptions{Filter: tt.filter}), "%s", tt.filter)
		for _, p := range tt.want {
			p.hears("server", "text", text)
		}
	}
	for _, p := range all {
		p.quiet()
	}

	err := w.client.All().SendText(ctx, "x", &service.SendOptions{Filter: filter.Raw("userId eq")})
	var failed *service.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, http.StatusBadRequest, failed.StatusCode)
	assert.Equal(t, "SendToAll", failed.Operation)
}

// TestMembership: AddConnectionToGroup, RemoveConnectionFromGroup, AddUserToGroup,
// RemoveUserFromGroup, RemoveConnectionFromAllGroups, RemoveUserFromAllGroups,
// AddConnectionsToGroups, RemoveConnectionsFromGroups, GroupExists.
func TestMembership(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, emulator.Config{}), t.Context()
	phone, laptop, bob := w.user("ann"), w.user("ann"), w.user("bob")
	g := w.client.Group("lobby")

	is(t, false, g.Exists)
	assert.Empty(t, w.listed("lobby", nil))
	require.NoError(t, g.AddConnection(ctx, bob.id))
	is(t, true, g.Exists)
	require.NoError(t, g.AddUser(ctx, "ann"))
	assert.Equal(t, ids(phone, laptop, bob), w.listed("lobby", nil))
	require.NoError(t, g.RemoveConnection(ctx, phone.id))
	require.NoError(t, g.RemoveConnection(ctx, phone.id), "not in it")
	assert.Equal(t, ids(laptop, bob), w.listed("lobby", nil))
	require.NoError(t, g.RemoveUser(ctx, "ann"))
	assert.Equal(t, ids(bob), w.listed("lobby", nil))

	require.NoError(t, w.client.AddToGroups(ctx, []string{"red", "a/b"}, filter.UserID().Eq("ann")))
	assert.Equal(t, ids(phone, laptop), w.listed("red", nil))
	require.NoError(t, w.client.All().SendText(ctx, "slash", &service.SendOptions{Filter: filter.InGroup("a/b")}))
	phone.hears("server", "text", "slash")
	laptop.hears("server", "text", "slash")
	require.NoError(t, w.client.Connection(phone.id).RemoveFromAllGroups(ctx))
	assert.Equal(t, ids(laptop), w.listed("red", nil))
	require.NoError(t, w.client.User("ann").RemoveFromAllGroups(ctx))
	assert.Empty(t, w.listed("red", nil))
	require.NoError(t, w.client.AddToGroups(ctx, []string{"red", "lobby"}, filter.All()))
	require.NoError(t, w.client.RemoveFromGroups(ctx, []string{"red", "lobby"}, filter.UserID().Ne("bob")))
	assert.Equal(t, ids(bob), w.listed("red", nil))
	assert.Equal(t, ids(bob), w.listed("lobby", nil))

	for _, tt := range []struct {
		err  error
		code string
	}{
		{g.AddConnection(ctx, "nobody"), "Error.Connection.NotExisted"},
		{g.AddUser(ctx, "nobody"), "Error.User.NotExisted"},
	} {
		require.ErrorIs(t, tt.err, service.ErrNotFound)
		var failed *service.Error
		require.ErrorAs(t, tt.err, &failed)
		assert.Equal(t, tt.code, failed.Code)
	}
	require.NoError(t, g.RemoveConnection(ctx, "nobody"))
	require.NoError(t, g.RemoveUser(ctx, "nobody"))
	require.NoError(t, w.client.Connection("nobody").RemoveFromAllGroups(ctx))
	require.NoError(t, w.client.User("nobody").RemoveFromAllGroups(ctx))
}

// TestPaging: ListConnectionsInGroup in small pages returns each member once.
func TestPaging(t *testing.T) {
	t.Parallel()
	w := newWorld(t, emulator.Config{})
	const group = "a +%ü"
	var peers []*peer
	for i := range 7 {
		opts := &service.ClientAccessOptions{Groups: []string{group}}
		if i > 0 {
			opts.UserID = fmt.Sprintf("user %d", i)
		}
		peers = append(peers, w.connect(opts))
	}
	users := map[string]string{}
	for m, err := range w.client.Group(group).Connections(t.Context(), nil) {
		require.NoError(t, err)
		users[m.ConnectionID] = m.UserID
	}
	assert.Len(t, users, 7)
	assert.Empty(t, users[peers[0].id])
	assert.Equal(t, "user 6", users[peers[6].id])

	w.wire.counted()
	for _, tt := range []struct{ size, top, members, pages int }{
		{1, 0, 7, 7}, {2, 0, 7, 4}, {3, 0, 7, 3}, {7, 0, 7, 1}, {200, 0, 7, 1},
		{2, 1, 1, 1}, {2, 2, 2, 1}, {2, 3, 3, 2}, {2, 7, 7, 4}, {2, 8, 7, 4}, {0, 5, 5, 1},
	} {
		got := w.listed(group, &service.ListOptions{PageSize: tt.size, Top: tt.top})
		assert.Len(t, got, tt.members, "%+v", tt)
		assert.Subset(t, ids(peers...), got, "%+v", tt)
		pages, members := w.wire.counted()
		assert.Equal(t, tt.pages, pages, "%+v", tt)
		assert.Equal(t, tt.members, members, "members that were sent for %+v", tt)
	}
}

// TestPermissions: GrantPermission, RevokePermission, CheckPermission, and their effect
// on the client.
func TestPermissions(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, emulator.Config{}), t.Context()
	p := w.connect(nil)
	c := w.client.Connection(p.id)
	can := func(permission service.Permission, group string) func(context.Context) (bool, error) {
		return func(ctx context.Context) (bool, error) { return c.HasPermission(ctx, permission, group) }
	}
	const join, publish = `{"type":"joinGroup","group":"a/b","ackId":%d}`, `{"type":"sendToGroup","group":"a/b","dataType":"text","data":"x","ackId":%d}`
	step := 0
	tries := func(frame string, success bool) {
		t.Helper()
		step++
		p.send(fmt.Sprintf(frame, step))
		f := p.next()
		assert.Equal(t, []any{"ack", success}, []any{f["type"], f["success"]}, "%v", f)
	}

	is(t, false, can(service.JoinLeaveGroup, "a/b"))
	tries(join, false)
	require.NoError(t, c.Grant(ctx, service.JoinLeaveGroup, "a/b"))
	is(t, true, can(service.JoinLeaveGroup, "a/b"))
	is(t, false, can(service.JoinLeaveGroup, "other"))
	is(t, false, can(service.SendToGroup, "a/b"))
	tries(join, true)
	tries(publish, false)
	require.NoError(t, c.Grant(ctx, service.SendToGroup, "a/b"))
	is(t, true, can(service.SendToGroup, "a/b"))
	p.send(`{"type":"sendToGroup","group":"a/b","dataType":"text","data":"x","noEcho":true,"ackId":99}`)
	assert.Equal(t, true, p.next()["success"])
	require.NoError(t, c.Revoke(ctx, service.JoinLeaveGroup, "a/b"))
	is(t, true, can(service.SendToGroup, "a/b"))
	require.NoError(t, c.Revoke(ctx, service.SendToGroup, "a/b"))
	is(t, false, can(service.SendToGroup, "a/b"))
	is(t, false, can(service.JoinLeaveGroup, "a/b"))
	tries(join, false)
	tries(publish, false)

	nobody := w.client.Connection("nobody")
	require.ErrorIs(t, nobody.Grant(ctx, service.SendToGroup, "g"), service.ErrNotFound)
	require.NoError(t, nobody.Revoke(ctx, service.SendToGroup, "g"))
	is(t, false, func(ctx context.Context) (bool, error) { return nobody.HasPermission(ctx, service.SendToGroup, "g") })
}

// TestCloses: CloseConnection, CloseUserConnections, CloseGroupConnections,
// CloseAllConnections, ConnectionExists, UserExists.
func TestCloses(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, emulator.Config{}), t.Context()
	one, phone, laptop := w.connect(nil), w.user("ann"), w.user("ann")
	inside, kept, last := w.user("bob", "lobby"), w.user("carl", "lobby"), w.user("dora")
	told := func(reason string) string { return noReason + " Reason: " + reason }

	is(t, true, w.client.Connection(one.id).Exists)
	require.NoError(t, w.client.Connection(one.id).Close(ctx, &service.CloseOptions{Reason: "bye & ü+"}))
	one.closed(told("bye & ü+"))
	is(t, false, w.client.Connection(one.id).Exists)
	require.NoError(t, w.client.Connection(one.id).Close(ctx, nil), "not there any more")

	require.NoError(t, w.client.User("ann").CloseConnections(ctx, &service.CloseOptions{Reason: "phones only", Excluded: []string{phone.id}}))
	laptop.closed(told("phones only"))
	is(t, true, w.client.User("ann").Exists)
	phone.quiet()
	require.NoError(t, w.client.User("ann").CloseConnections(ctx, nil))
	phone.closed(noReason)
	is(t, false, w.client.User("ann").Exists)

	require.NoError(t, w.client.Group("lobby").CloseConnections(ctx, &service.CloseOptions{Reason: "closing time", Excluded: []string{kept.id}}))
	inside.closed(told("closing time"))
	assert.Equal(t, ids(kept), w.listed("lobby", nil))

	require.NoError(t, w.client.All().CloseConnections(ctx, &service.CloseOptions{Reason: "good night", Excluded: []string{last.id}}))
	kept.closed(told("good night"))
	is(t, false, w.client.Group("lobby").Exists)
	last.quiet()
	require.NoError(t, w.client.All().CloseConnections(ctx, nil))
	last.closed(noReason)
}

// TestKeys: GetServiceStatus, and calls without authorisation.
func TestKeys(t *testing.T) {
	t.Parallel()
	const first, second = "the first key, of the emulator in tests", "the second key, of the emulator in tests"
	emu, ctx := emulator.Start(t, emulator.Config{AccessKeys: []string{first, second}}), t.Context()
	key, err := service.NewAccessKey(first)
	require.NoError(t, err)
	c, err := service.NewClientWithKey(emu.Endpoint, hub, key, nil)
	require.NoError(t, err)
	require.NoError(t, c.Health(ctx))
	require.NoError(t, c.All().SendText(ctx, "x", nil))
	require.NoError(t, key.Replace(second))
	require.NoError(t, c.All().SendText(ctx, "x", nil))
	access, err := c.ClientAccess(ctx, nil)
	require.NoError(t, err)
	dial(t, access.URL())
	require.NoError(t, key.Replace("third"))
	require.ErrorIs(t, c.All().SendText(ctx, "x", nil), service.ErrUnauthorized)
	_, err = c.User("ann").Exists(ctx)
	require.ErrorIs(t, err, service.ErrUnauthorized)
}

// anyToken is a credential for an emulator that accepts every token.
type anyToken struct{}

func (anyToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "any", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// TestGeneratedTokens: GenerateClientToken, by a client without a key.
func TestGeneratedTokens(t *testing.T) {
	t.Parallel()
	emu := emulator.Start(t, emulator.Config{TrustTokens: true})
	c, err := service.NewClient(emu.Endpoint, hub, anyToken{}, nil)
	require.NoError(t, err)
	access, err := c.ClientAccess(t.Context(), &service.ClientAccessOptions{
		UserID: "ann", Groups: []string{"lobby", "a b"}, Roles: []string{"webpubsub.sendToGroup.lobby"}, Lifetime: 90 * time.Second,
	})
	require.NoError(t, err)
	p := dial(t, access.URL())
	is(t, true, c.User("ann").Exists)
	is(t, true, c.Group("a b").Exists)
	p.send(`{"type":"sendToGroup","group":"lobby","dataType":"text","data":"hi","noEcho":true,"ackId":1}`)
	assert.Equal(t, true, p.next()["success"])

	strict := emulator.Start(t, emulator.Config{})
	c, err = service.NewClient(strict.Endpoint, hub, anyToken{}, nil)
	require.NoError(t, err)
	_, err = c.ClientAccess(t.Context(), nil)
	require.ErrorIs(t, err, service.ErrUnauthorized)
}
