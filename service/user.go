package service

import "context"

// User is all connections with one user id.
type User struct {
	target
	id string
}

// User returns the user with an id, which is not empty and has no slash. Its methods
// return an error for any other id.
func (c *Client) User(id string) User {
	return User{target{c: c, operation: "SendToUser", path: path{"users", id}, err: checkUser(id), filters: true}, id}
}

// ID returns the user's id.
func (u User) ID() string { return u.id }

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
	in.path[2] = "groups"
	return u.c.delete(ctx, in)
}
