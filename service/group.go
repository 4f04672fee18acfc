package service

import (
	"context"
	"io"
	"net/http"
)

// Group is a group of connections. It exists while a connection is in it; making
// a Group asks the service nothing.
type Group struct {
	c    *Client
	name string
}

// Group returns the group with a name: 1 to 1024 UTF-16 code units, not blank,
// without slash or line feed. Each call checks the name.
func (c *Client) Group(name string) Group { return Group{c, name} }

// Name returns the group's name.
func (g Group) Name() string { return g.name }

// call begins a call to the group itself.
func (g Group) call(operation string) *call {
	return &call{operation: operation, path: path{"groups", g.name}, err: checkGroup(g.name)}
}

func (g Group) target() target {
	return target{
		c: g.c, operation: "SendToGroup", path: path{"groups", g.name}, err: checkGroup(g.name),
		filters: true, excludes: true,
	}
}

// SendText sends text as it is (text/plain).
func (g Group) SendText(ctx context.Context, text string, opts *SendOptions) error {
	return g.target().sendText(ctx, text, opts)
}

// SendJSON sends v as JSON (application/json).
func (g Group) SendJSON(ctx context.Context, v any, opts *SendOptions) error {
	return g.target().sendJSON(ctx, v, opts)
}

// SendBinary sends bytes (application/octet-stream).
func (g Group) SendBinary(ctx context.Context, data []byte, opts *SendOptions) error {
	return g.target().sendBinary(ctx, data, opts)
}

// Send sends what body reads; see [All.Send].
func (g Group) Send(ctx context.Context, contentType string, body io.ReadSeeker, opts *SendOptions) error {
	return g.target().sendBody(ctx, contentType, body, opts)
}

// Exists reports whether any connection is in the group.
func (g Group) Exists(ctx context.Context) (bool, error) {
	return g.c.exists(ctx, g.call("GroupExists"))
}

// CloseConnections closes every connection in the group.
func (g Group) CloseConnections(ctx context.Context, opts *CloseOptions) error {
	return g.c.closeConnections(ctx, g.call("CloseGroupConnections"), opts)
}

// AddConnection puts a connection into the group. One that is not there is an
// error that is [ErrNotFound].
func (g Group) AddConnection(ctx context.Context, connectionID string) error {
	in := g.connection("AddConnectionToGroup", connectionID)
	in.method, in.want = http.MethodPut, http.StatusOK
	return g.c.run(ctx, in)
}

// RemoveConnection takes a connection out of the group. One that is not in it
// is no error.
func (g Group) RemoveConnection(ctx context.Context, connectionID string) error {
	in := g.connection("RemoveConnectionFromGroup", connectionID)
	in.method, in.want = http.MethodDelete, http.StatusNoContent
	return g.c.run(ctx, in)
}

func (g Group) connection(operation, connectionID string) *call {
	return &call{
		operation: operation,
		path:      path{"groups", g.name, "connections", connectionID},
		err:       firstError(checkGroup(g.name), checkConnection(connectionID)),
	}
}

// AddUser puts the connections that a user has now into the group. A user
// without connections is an error that is [ErrNotFound]; a client that is about
// to connect is better given its groups by its token or the connect event.
func (g Group) AddUser(ctx context.Context, userID string) error {
	in := g.user("AddUserToGroup", userID)
	in.method, in.want = http.MethodPut, http.StatusOK
	return g.c.run(ctx, in)
}

// RemoveUser takes all connections of a user out of the group.
func (g Group) RemoveUser(ctx context.Context, userID string) error {
	in := g.user("RemoveUserFromGroup", userID)
	in.method, in.want = http.MethodDelete, http.StatusNoContent
	return g.c.run(ctx, in)
}

func (g Group) user(operation, userID string) *call {
	return &call{
		operation: operation,
		path:      path{"users", userID, "groups", g.name},
		err:       firstError(checkGroup(g.name), checkUser(userID)),
	}
}
