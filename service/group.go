package service

import (
	"context"
	"io"
	"net/http"
)

// Group is a group of connections. The service has it while a connection is in it.
type Group struct {
	c    *Client
	name string
}

// Group returns the group with a name: 1 to 1024 UTF-16 code units, not blank,
// without slash or line feed. Each call checks the name.
func (c *Client) Group(name string) Group { return Group{c, name} }

// Name returns the group's name.
func (g Group) Name() string { return g.name }

// call begins a call with the group's path.
func (g Group) call(operation string) *call {
	return &call{operation: operation, path: path{"groups", g.name}, err: checkGroup(g.name)}
}

func (g Group) target() target {
	return target{
		c: g.c, operation: "SendToGroup", path: path{"groups", g.name}, err: checkGroup(g.name),
		filters: true, excludes: true,
	}
}

// SendText sends text (text/plain).
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

// Send sends the content of body; see [All.Send].
func (g Group) Send(ctx context.Context, contentType string, body io.ReadSeeker, opts *SendOptions) error {
	return g.target().sendBody(ctx, contentType, body, opts)
}

// Exists reports whether a connection is in the group.
func (g Group) Exists(ctx context.Context) (bool, error) {
	return g.c.exists(ctx, g.call("GroupExists"))
}

// CloseConnections closes every connection in the group.
func (g Group) CloseConnections(ctx context.Context, opts *CloseOptions) error {
	return g.c.closeConnections(ctx, g.call("CloseGroupConnections"), opts)
}

// AddConnection adds a connection to the group. It returns an error that is
// [ErrNotFound] if there is no such connection.
func (g Group) AddConnection(ctx context.Context, connectionID string) error {
	in := g.connection("AddConnectionToGroup", connectionID)
	in.method, in.want = http.MethodPut, http.StatusOK
	return g.c.run(ctx, in)
}

// RemoveConnection removes a connection from the group. It returns nil if the
// connection is not in the group.
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

// AddUser adds all current connections of a user to the group. It returns an error
// that is [ErrNotFound] if the user has none. Later connections are not added: put
// the group into their token or into the reply to their connect event.
func (g Group) AddUser(ctx context.Context, userID string) error {
	in := g.user("AddUserToGroup", userID)
	in.method, in.want = http.MethodPut, http.StatusOK
	return g.c.run(ctx, in)
}

// RemoveUser removes all connections of a user from the group.
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
