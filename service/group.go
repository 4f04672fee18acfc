package service

import (
	"cmp"
	"context"
)

// Group is a group of connections. It exists while a connection is in it.
type Group struct {
	target
	name string
}

// Group returns the group with a name: 1 to 1024 UTF-16 code units, not blank,
// without slash or line feed. Its methods return an error for any other name.
func (c *Client) Group(name string) Group {
	return Group{target{
		c: c, operation: "SendToGroup", path: path{"groups", name}, err: checkGroup(name),
		filters: true, excludes: true,
	}, name}
}

// Name returns the group's name.
func (g Group) Name() string { return g.name }

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
	return g.c.put(ctx, g.connection("AddConnectionToGroup", connectionID))
}

// RemoveConnection removes a connection from the group. It returns nil if the
// connection is not in the group.
func (g Group) RemoveConnection(ctx context.Context, connectionID string) error {
	return g.c.delete(ctx, g.connection("RemoveConnectionFromGroup", connectionID))
}

func (g Group) connection(operation, connectionID string) *call {
	return &call{
		operation: operation,
		path:      path{"groups", g.name, "connections", connectionID},
		err:       cmp.Or(g.err, checkConnection(connectionID)),
	}
}

// AddUser adds all current connections of a user to the group. It returns an error
// that is [ErrNotFound] if the user has none. Later connections are not added: put
// the group into their token or into the reply to their connect event.
func (g Group) AddUser(ctx context.Context, userID string) error {
	return g.c.put(ctx, g.user("AddUserToGroup", userID))
}

// RemoveUser removes all connections of a user from the group.
func (g Group) RemoveUser(ctx context.Context, userID string) error {
	return g.c.delete(ctx, g.user("RemoveUserFromGroup", userID))
}

func (g Group) user(operation, userID string) *call {
	return &call{
		operation: operation,
		path:      path{"users", userID, "groups", g.name},
		err:       cmp.Or(g.err, checkUser(userID)),
	}
}
