package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// Connection is one connection of the hub.
type Connection struct {
	c  *Client
	id string
}

// Connection returns the connection with an id. Each call checks the id.
func (c *Client) Connection(id string) Connection { return Connection{c, id} }

// ID returns the connection's id.
func (n Connection) ID() string { return n.id }

// call begins a call with the connection's path.
func (n Connection) call(operation string) *call {
	return &call{operation: operation, path: path{"connections", n.id}, err: checkConnection(n.id)}
}

func (n Connection) target() target {
	return target{c: n.c, operation: "SendToConnection", path: path{"connections", n.id}, err: checkConnection(n.id)}
}

// SendText sends text (text/plain). The service does not report whether the
// connection is open.
func (n Connection) SendText(ctx context.Context, text string, opts *SendOptions) error {
	return n.target().sendText(ctx, text, opts)
}

// SendJSON sends v as JSON (application/json).
func (n Connection) SendJSON(ctx context.Context, v any, opts *SendOptions) error {
	return n.target().sendJSON(ctx, v, opts)
}

// SendBinary sends bytes (application/octet-stream).
func (n Connection) SendBinary(ctx context.Context, data []byte, opts *SendOptions) error {
	return n.target().sendBinary(ctx, data, opts)
}

// Send sends the content of body; see [All.Send].
func (n Connection) Send(ctx context.Context, contentType string, body io.ReadSeeker, opts *SendOptions) error {
	return n.target().sendBody(ctx, contentType, body, opts)
}

// Exists reports whether the connection is open.
func (n Connection) Exists(ctx context.Context) (bool, error) {
	return n.c.exists(ctx, n.call("ConnectionExists"))
}

// Close closes the connection. It returns nil if there is no such connection.
func (n Connection) Close(ctx context.Context, opts *CloseOptions) error {
	in := n.call("CloseConnection")
	in.method, in.want = http.MethodDelete, http.StatusNoContent
	if opts != nil {
		in.addNonEmpty("reason", opts.Reason)
		if len(opts.Excluded) > 0 {
			in.err = firstError(in.err, errors.New("Excluded is set, want none for a single connection"))
		}
	}
	return n.c.run(ctx, in)
}

// RemoveFromAllGroups removes the connection from all groups. It returns nil if there
// is no such connection.
func (n Connection) RemoveFromAllGroups(ctx context.Context) error {
	in := n.call("RemoveConnectionFromAllGroups")
	in.method, in.want, in.path[2] = http.MethodDelete, http.StatusNoContent, "groups"
	return n.c.run(ctx, in)
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
	in := n.permission("GrantPermission", p, group)
	in.method, in.want = http.MethodPut, http.StatusOK
	return n.c.run(ctx, in)
}

// Revoke revokes a permission in a group. It returns nil if there is no such
// connection.
func (n Connection) Revoke(ctx context.Context, p Permission, group string) error {
	in := n.permission("RevokePermission", p, group)
	in.method, in.want = http.MethodDelete, http.StatusNoContent
	return n.c.run(ctx, in)
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
		err:       firstError(checkConnection(n.id), rule.CheckGroup(group)),
	}
	if p != JoinLeaveGroup && p != SendToGroup {
		in.err = firstError(in.err, fmt.Errorf("permission %s: want %s or %s", excerpt.Name(string(p)), JoinLeaveGroup, SendToGroup))
	}
	in.add("targetName", group)
	return in
}
