package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"net/url"
	"strings"
)

// maxPageSize is the service's limit.
const maxPageSize = 200

// Member is a connection in a group.
type Member struct {
	// ConnectionID (connectionId) is the id of the connection.
	ConnectionID string `json:"connectionId"`
	// UserID (userId) is the id of its user, or empty.
	UserID string `json:"userId"`
}

// ListOptions configure [Group.Connections]. Nil and the zero value are the defaults.
type ListOptions struct {
	// PageSize (maxpagesize) is the number of members per request, 1 to 200. Zero is
	// the service's default.
	PageSize int
	// Top (top) is the maximum number of members. Zero means no maximum.
	Top int
}

func (o ListOptions) check() error {
	switch {
	case o.PageSize < 0 || o.PageSize > maxPageSize:
		return fmt.Errorf("PageSize is %d, want 1 to %d, or 0 for the service's default", o.PageSize, maxPageSize)
	case o.Top < 0 || o.Top > math.MaxInt32:
		return fmt.Errorf("Top is %d, want 0 to %d", o.Top, math.MaxInt32)
	}
	return nil
}

// page of a listing.
type page struct {
	Value    []Member `json:"value"`
	NextLink string   `json:"nextLink"`
}

// Connections returns a sequence of the connections in the group. Each range over it
// requests the pages anew, one at a time. An error is the last element. The sequence
// of an empty group is empty.
func (g Group) Connections(ctx context.Context, opts *ListOptions) iter.Seq2[Member, error] {
	var o ListOptions
	if opts != nil {
		o = *opts
	}
	return func(yield func(Member, error) bool) {
		if err := g.list(ctx, o, yield); err != nil {
			yield(Member{}, err)
		}
	}
}

// list yields the members until yield returns false.
func (g Group) list(ctx context.Context, o ListOptions, yield func(Member, error) bool) error {
	in := g.call("ListConnectionsInGroup")
	in.path[2], in.method, in.want = "connections", http.MethodGet, http.StatusOK
	in.err = cmp.Or(in.err, o.check())
	in.addPositive("maxpagesize", o.PageSize)
	in.addPositive("top", o.Top)
	left := o.Top // the service may apply top to each page only
	for target := g.c.url(in); target != ""; {
		p, err := g.c.page(ctx, in, target)
		if err != nil {
			return err
		}
		for _, m := range p.Value {
			if !yield(m, nil) {
				return nil
			}
			if left--; left == 0 {
				return nil
			}
		}
		if target, err = g.c.nextPage(in, target, p.NextLink); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) page(ctx context.Context, in *call, target string) (page, error) {
	var p page
	got, err := c.doURL(ctx, in, target)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(got.body, &p); err != nil {
		return page{}, &Error{Operation: in.operation, StatusCode: got.status, Message: "invalid page of members", Err: err}
	}
	return p, nil
}

// nextPage returns the URL of the next page. It uses only the query of the link, so
// that a link cannot send the credential to another host or path. The link of the
// service lacks the API version, and may have another host behind a proxy.
func (c *Client) nextPage(in *call, last, link string) (string, error) {
	if link == "" {
		return "", nil
	}
	fail := func(message string) (string, error) {
		return "", &Error{Operation: in.operation, StatusCode: http.StatusOK, Message: message, Err: errors.New(message)}
	}
	u, err := url.Parse(link)
	if err != nil || strings.ContainsFunc(u.RawQuery, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fail("nextLink is not a URL")
	}
	q := u.RawQuery
	if !u.Query().Has("api-version") {
		q = strings.TrimSuffix(c.version+"&"+q, "&")
	}
	next := string(c.appendPath(nil, in)) + "?" + q
	if next == last {
		return fail("nextLink is the URL of the same page")
	}
	return next, nil
}
