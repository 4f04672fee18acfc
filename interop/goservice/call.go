package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/service"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// call is an operation with the parameters of all operations.
type call struct {
	Do         string
	Group      string
	User       string
	Connection string
	Groups     []string

	Text   *string // the payload is one of these
	JSON   json.RawMessage
	Binary []byte

	Filter   *condition
	Excluded []string
	TTL      int // seconds
	Reason   string

	Permission service.Permission

	PageSize int
	Top      int

	Roles   []string
	Minutes int
	MQTT    bool

	SocketIO bool
}

func (in call) do(ctx context.Context, c *service.Client) (any, error) {
	group, user, connection := c.Group(in.Group), c.User(in.User), c.Connection(in.Connection)
	closing := &service.CloseOptions{Reason: in.Reason, Excluded: in.Excluded}
	switch in.Do {
	case "filter":
		return in.Filter.build().String(), nil
	case "access":
		return in.access(ctx, c)
	case "list":
		return in.list(ctx, group)

	case "send":
		return nil, in.send(ctx, c)

	case "connectionExists":
		return connection.Exists(ctx)
	case "groupExists":
		return group.Exists(ctx)
	case "userExists":
		return user.Exists(ctx)

	case "addConnection":
		return nil, group.AddConnection(ctx, in.Connection)
	case "removeConnection":
		return nil, group.RemoveConnection(ctx, in.Connection)
	case "addUser":
		return nil, group.AddUser(ctx, in.User)
	case "removeUser":
		return nil, group.RemoveUser(ctx, in.User)
	case "removeConnectionFromAllGroups":
		return nil, connection.RemoveFromAllGroups(ctx)
	case "removeUserFromAllGroups":
		return nil, user.RemoveFromAllGroups(ctx)
	case "addConnectionsToGroups":
		return nil, c.AddToGroups(ctx, in.Groups, in.Filter.build())
	case "removeConnectionsFromGroups":
		return nil, c.RemoveFromGroups(ctx, in.Groups, in.Filter.build())

	case "grantPermission":
		return nil, connection.Grant(ctx, in.Permission, in.Group)
	case "revokePermission":
		return nil, connection.Revoke(ctx, in.Permission, in.Group)
	case "hasPermission":
		return connection.HasPermission(ctx, in.Permission, in.Group)

	case "closeConnection":
		return nil, connection.Close(ctx, closing)
	case "closeUserConnections":
		return nil, user.CloseConnections(ctx, closing)
	case "closeGroupConnections":
		return nil, group.CloseConnections(ctx, closing)
	case "closeAllConnections":
		return nil, c.All().CloseConnections(ctx, closing)
	case "health":
		return nil, c.Health(ctx)
	}
	return nil, fmt.Errorf("no operation %q", in.Do)
}

// target receives messages.
type target interface {
	SendText(ctx context.Context, text string, opts *service.SendOptions) error
	SendJSON(ctx context.Context, v any, opts *service.SendOptions) error
	SendBinary(ctx context.Context, data []byte, opts *service.SendOptions) error
}

// send sends to the target of the call, or to all.
func (in call) send(ctx context.Context, c *service.Client) error {
	var to target = c.All()
	switch {
	case in.Group != "":
		to = c.Group(in.Group)
	case in.User != "":
		to = c.User(in.User)
	case in.Connection != "":
		to = c.Connection(in.Connection)
	}
	opts := &service.SendOptions{Filter: in.Filter.build(), Excluded: in.Excluded, TTL: time.Duration(in.TTL) * time.Second}
	switch {
	case in.Text != nil:
		return to.SendText(ctx, *in.Text, opts)
	case in.JSON != nil:
		return to.SendJSON(ctx, in.JSON, opts)
	}
	return to.SendBinary(ctx, in.Binary, opts)
}

func (in call) list(ctx context.Context, g service.Group) (any, error) {
	members := []service.Member{}
	for m, err := range g.Connections(ctx, &service.ListOptions{PageSize: in.PageSize, Top: in.Top}) {
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

func (in call) access(ctx context.Context, c *service.Client) (any, error) {
	opts := &service.ClientAccessOptions{UserID: in.User, Roles: in.Roles, Groups: in.Groups, Lifetime: time.Duration(in.Minutes) * time.Minute}
	switch {
	case in.MQTT:
		opts.Protocol = service.ProtocolMQTT
	case in.SocketIO:
		opts.Protocol = service.ProtocolSocketIO
	}
	access, err := c.ClientAccess(ctx, opts)
	return map[string]string{"baseUrl": access.BaseURL(), "token": access.Token(), "url": access.URL()}, err
}

// condition is a filter as JSON: an operator, its operands, and nested conditions.
type condition struct {
	Op    string
	Args  []string
	Parts []*condition
}

func (c *condition) build() filter.Filter {
	if c == nil {
		return filter.Filter{}
	}
	parts := make([]filter.Filter, len(c.Parts))
	for i, part := range c.Parts {
		parts[i] = part.build()
	}
	user, arg := filter.UserID(), strings.Join(c.Args, "")
	switch c.Op {
	case "and":
		return filter.And(parts...)
	case "or":
		return filter.Or(parts...)
	case "not":
		return filter.Not(filter.And(parts...))
	case "user eq":
		return user.Eq(arg)
	case "user ne":
		return user.Ne(arg)
	case "user in":
		return user.In(c.Args...)
	case "user null":
		return user.IsNull()
	case "user starts":
		return user.HasPrefix(arg)
	case "user longer":
		return user.Length().Gt(int32(len(arg))) //nolint:gosec // a few characters
	case "in group":
		return filter.InGroup(arg)
	case "raw":
		return filter.Raw(arg)
	}
	panic("no operator " + c.Op)
}
