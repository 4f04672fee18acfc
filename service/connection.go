package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// Connection is one connection of the hub. Sends do not report whether it is open.
type Connection struct {
	target
	id string
}

// Connection returns the connection with an id, which is not empty and has no slash.
// Its methods return an error for any other id.
func (c *Client) Connection(id string) Connection {
	return Connection{target{c: c, operation: "SendToConnection", path: path{"connections", id}, err: checkConnection(id)}, id}
}

// ID returns the connection's id.
func (n Connection) ID() string { return n.id }

// Exists reports whether the connection is open.
func (n Connection) Exists(ctx context.Context) (bool, error) {
	return n.c.exists(ctx, n.call("ConnectionExists"))
}

// Close closes the connection. It returns nil if there is no such connection.
func (n Connection) Close(ctx context.Context, opts *CloseOptions) error {
	in := n.call("CloseConnection")
	if opts != nil {
		in.addNonEmpty("reason", opts.Reason)
		if len(opts.Excluded) > 0 {
			in.err = cmp.Or(in.err, errors.New("Excluded is set, want none for a single connection"))
		}
	}
	return n.c.delete(ctx, in)
}

// RemoveFromAllGroups removes the connection from all groups. It returns nil if there
// is no such connection.
func (n Connection) RemoveFromAllGroups(ctx context.Context) error {
	in := n.call("RemoveConnectionFromAllGroups")
	in.path[2] = "groups"
	return n.c.delete(ctx, in)
}

// Permission is a permission in a group of a client with a Web PubSub subprotocol.
type Permission string

// The permissions.
const (
	// JoinLeaveGroup lets the client join and leave the group.
	JoinLeaveGroup Permission = "joinLeaveGroup"
	// SendToGroup lets the client send to the group.
	SendToGroup Permission = "sendToGroup"
)

// Grant grants the connection a permission in a group. It returns an error that is
// [ErrNotFound] if there is no such connection.
func (n Connection) Grant(ctx context.Context, p Permission, group string) error {
	return n.c.put(ctx, n.permission("GrantPermission", p, group))
}

// Revoke revokes a permission in a group. It returns nil if there is no such
// connection.
func (n Connection) Revoke(ctx context.Context, p Permission, group string) error {
	return n.c.delete(ctx, n.permission("RevokePermission", p, group))
}

// HasPermission reports whether the connection has a permission in a group.
func (n Connection) HasPermission(ctx context.Context, p Permission, group string) (bool, error) {
	return n.c.exists(ctx, n.permission("CheckPermission", p, group))
}

// permission begins a call. The group is in the query, so it may have a slash.
func (n Connection) permission(operation string, p Permission, group string) *call {
	in := &call{
		operation: operation,
		path:      path{"permissions", string(p), "connections", n.id},
		err:       cmp.Or(n.err, rule.CheckGroup(group)),
	}
	if p != JoinLeaveGroup && p != SendToGroup {
		in.err = cmp.Or(in.err, fmt.Errorf("permission %s: want %s or %s", excerpt.Name(string(p)), JoinLeaveGroup, SendToGroup))
	}
	in.add("targetName", group)
	return in
}
