package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// opHealth is the only operation whose path has no hub.
const opHealth = "GetServiceStatus"

// Health returns nil if the service is up.
func (c *Client) Health(ctx context.Context) error {
	return c.run(ctx, &call{operation: opHealth, method: http.MethodHead, want: http.StatusOK})
}

// AddToGroups adds all connections that match a filter to groups. A group may have a
// slash here.
func (c *Client) AddToGroups(ctx context.Context, groups []string, f filter.Filter) error {
	return c.changeGroups(ctx, "AddConnectionsToGroups", ":addToGroups", groups, f)
}

// RemoveFromGroups removes all connections that match a filter from groups.
func (c *Client) RemoveFromGroups(ctx context.Context, groups []string, f filter.Filter) error {
	return c.changeGroups(ctx, "RemoveConnectionsFromGroups", ":removeFromGroups", groups, f)
}

func (c *Client) changeGroups(ctx context.Context, operation, verb string, groups []string, f filter.Filter) error {
	in := &call{operation: operation, method: http.MethodPost, want: http.StatusOK, verb: verb}
	if in.err = checkGroupChange(groups, f); in.err != nil {
		return c.run(ctx, in)
	}
	data, err := encodeJSON(struct {
		Groups []string `json:"groups"`
		Filter string   `json:"filter"`
	}{groups, f.String()})
	in.err, in.body, in.contentType = err, newDataBody(data), wire.MediaJSON
	return c.run(ctx, in)
}

func checkGroupChange(groups []string, f filter.Filter) error {
	if len(groups) == 0 {
		return errors.New("groups are empty, want at least one")
	}
	for i, g := range groups {
		if err := rule.CheckGroup(g); err != nil {
			return fmt.Errorf("groups[%d]: %w", i, err)
		}
	}
	if f.String() == "" {
		return errors.New("filter is empty; filter.All() names every connection")
	}
	return nil
}

// All is all connections of the hub.
type All struct{ target }

// All returns all connections of the hub.
func (c *Client) All() All {
	return All{target{c: c, operation: "SendToAll", filters: true, excludes: true}}
}

// CloseConnections closes all connections of the hub.
func (a All) CloseConnections(ctx context.Context, opts *CloseOptions) error {
	return a.c.closeConnections(ctx, a.call("CloseAllConnections"), opts)
}
