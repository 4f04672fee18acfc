package service

import (
	"context"
	"io"
	"net/http"
)

// User is all connections with one user id.
type User struct {
	c  *Client
	id string
}

// User returns the user with an id, which is not empty and has no slash. Each call
// checks the id.
func (c *Client) User(id string) User { return User{c, id} }

// ID returns the user's id.
func (u User) ID() string { return u.id }

// call begins a call with the user's path.
func (u User) call(operation string) *call {
	return &call{operation: operation, path: path{"users", u.id}, err: checkUser(u.id)}
}

func (u User) target() target {
	return target{c: u.c, operation: "SendToUser", path: path{"users", u.id}, err: checkUser(u.id), filters: true}
}

// SendText sends text (text/plain).
func (u User) SendText(ctx context.Context, text string, opts *SendOptions) error {
	return u.target().sendText(ctx, text, opts)
}

// SendJSON sends v as JSON (application/json).
func (u User) SendJSON(ctx context.Context, v any, opts *SendOptions) error {
	return u.target().sendJSON(ctx, v, opts)
}

// SendBinary sends bytes (application/octet-stream).
func (u User) SendBinary(ctx context.Context, data []byte, opts *SendOptions) error {
	return u.target().sendBinary(ctx, data, opts)
}

// Send sends the content of body; see [All.Send].
func (u User) Send(ctx context.Context, contentType string, body io.ReadSeeker, opts *SendOptions) error {
	return u.target().sendBody(ctx, contentType, body, opts)
}

// Exists reports whether the user has a connection.
func (u User) Exists(ctx context.Context) (bool, error) {
	return u.c.exists(ctx, u.call("UserExists"))
}

// CloseConnections closes every connection of the user.
func (u User) CloseConnections(ctx context.Context, opts *CloseOptions) error {
	return u.c.closeConnections(ctx, u.call("CloseUserConnections"), opts)
}

// RemoveFromAllGroups removes the user's connections from all groups.
func (u User) RemoveFromAllGroups(ctx context.Context) error {
	in := u.call("RemoveUserFromAllGroups")
	in.method, in.want, in.path[2] = http.MethodDelete, http.StatusNoContent, "groups"
	return u.c.run(ctx, in)
}
