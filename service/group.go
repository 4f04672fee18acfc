package service

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// Group is a group of connections. It exists while a connection is in it; making
// a Group asks the service nothing.
type Group struct {
	c    *Client
	name string
}

// Group gives the group of a name: 1 to 1024 characters, not blank, without
// slash. The name is checked by each call.
func (c *Client) Group(name string) Group { return Group{c, name} }

// Name gives the group's name.
func (g Group) Name() string { return g.name }

func (g Group) target() target {
	return target{c: g.c, operation: "SendToGroup", path: []string{"groups", g.name, ":send"}, filters: true, excludes: true, err: checkGroupSegment(g.name)}
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
	return g.target().send(ctx, contentType, body, opts)
}

// Exists tells whether any connection is in the group.
func (g Group) Exists(ctx context.Context) (bool, error) {
	return g.c.exists(ctx, &call{operation: "GroupExists", path: []string{"groups", g.name}, err: checkGroupSegment(g.name)})
}

// CloseConnections closes every connection in the group.
func (g Group) CloseConnections(ctx context.Context, opts *CloseOptions) error {
	return g.c.closeConnections(ctx, "CloseGroupConnections", []string{"groups", g.name}, opts, checkGroupSegment(g.name))
}

// AddConnection puts a connection into the group. One that is not there is an
// error that is [ErrNotFound].
func (g Group) AddConnection(ctx context.Context, connectionID string) error {
	return g.c.run(ctx, g.member("AddConnectionToGroup", http.MethodPut, connectionID), http.StatusOK)
}

// RemoveConnection takes a connection out of the group.
func (g Group) RemoveConnection(ctx context.Context, connectionID string) error {
	return g.c.run(ctx, g.member("RemoveConnectionFromGroup", http.MethodDelete, connectionID), http.StatusNoContent)
}

func (g Group) member(operation, method, connectionID string) *call {
	return &call{
		operation: operation, method: method,
		path: []string{"groups", g.name, "connections", connectionID},
		err:  firstError(checkGroupSegment(g.name), checkSegment("connection id", connectionID)),
	}
}

// AddUser puts the connections that a user has now into the group. A user
// without connections is an error that is [ErrNotFound].
func (g Group) AddUser(ctx context.Context, userID string) error {
	return g.c.run(ctx, g.user("AddUserToGroup", http.MethodPut, userID), http.StatusOK)
}

// RemoveUser takes all connections of a user out of the group.
func (g Group) RemoveUser(ctx context.Context, userID string) error {
	return g.c.run(ctx, g.user("RemoveUserFromGroup", http.MethodDelete, userID), http.StatusNoContent)
}

func (g Group) user(operation, method, userID string) *call {
	return &call{
		operation: operation, method: method,
		path: []string{"users", userID, "groups", g.name},
		err:  firstError(checkGroupSegment(g.name), checkSegment("user id", userID)),
	}
}

// Member is a connection in a group.
type Member struct {
	// ConnectionID (connectionId).
	ConnectionID string `json:"connectionId"`
	// UserID (userId), empty for a connection without one.
	UserID string `json:"userId"`
}

// ListOptions of [Group.Connections]. Nil and the zero value are the defaults.
type ListOptions struct {
	// PageSize (maxpagesize) is how many members one request asks for, 1 to 200.
	// Zero leaves it to the service.
	PageSize int
	// Top (top) is how many members are listed at the most. Zero: all of them.
	Top int
}

const maxPage = 8 << 20 // bytes of one page that are read

// Connections lists the connections in the group, page by page as they are
// asked for. An error ends the sequence and is its last element.
func (g Group) Connections(ctx context.Context, opts *ListOptions) iter.Seq2[Member, error] {
	var o ListOptions
	if opts != nil {
		o = *opts
	}
	return func(yield func(Member, error) bool) {
		left := o.Top
		in := &call{operation: "ListConnectionsInGroup", method: http.MethodGet, path: []string{"groups", g.name, "connections"}}
		in.err = firstError(checkGroupSegment(g.name), checkList(o))
		in.query.addPositive("maxpagesize", o.PageSize)
		in.query.addPositive("top", o.Top)
		resp, err := g.c.do(ctx, in, http.StatusOK)
		for {
			var p page
			if err == nil {
				p, err = readPage(in.operation, resp)
			}
			if err != nil {
				yield(Member{}, err)
				return
			}
			for _, m := range p.Value {
				if !yield(m, nil) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
			if p.NextLink == "" {
				return
			}
			var next string
			if next, err = g.c.nextPage(p.NextLink); err == nil {
				resp, err = g.c.get(ctx, in, next, http.StatusOK)
			}
		}
	}
}

func checkList(o ListOptions) error {
	switch {
	case o.PageSize < 0 || o.PageSize > 200:
		return fmt.Errorf("PageSize is %d, want 1 to 200, or 0 for the service's own", o.PageSize)
	case o.Top < 0:
		return fmt.Errorf("Top is %d, want 0 or more", o.Top)
	}
	return nil
}

type page struct {
	Value    []Member `json:"value"`
	NextLink string   `json:"nextLink"`
}

func readPage(operation string, resp *http.Response) (page, error) {
	defer runtime.Drain(resp)
	var p page
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxPage)).Decode(&p); err != nil {
		return p, &Error{Operation: operation, StatusCode: resp.StatusCode, Message: "decode page: " + err.Error(), Err: err}
	}
	return p, nil
}

// nextPage repairs a nextLink: the service leaves out the API version, and
// behind a proxy names whichever host it knows itself by. Of the link only path
// and query count, so that no credential goes to a host of somebody's choice.
func (c *Client) nextPage(link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil {
		return "", &Error{Operation: "ListConnectionsInGroup", Message: "nextLink is not a URL", Err: err}
	}
	i := strings.Index(u.EscapedPath(), "/api/hubs/")
	if i < 0 {
		return "", &Error{Operation: "ListConnectionsInGroup", Message: "nextLink does not lead to the service's API"}
	}
	q := u.RawQuery
	if u.Query().Get("api-version") == "" {
		q = strings.TrimPrefix(q+"&api-version="+url.QueryEscape(c.apiVersion), "&")
	}
	return c.endpoint.String() + u.EscapedPath()[i:] + "?" + q, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
