package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// opHealth is the only operation that is not below a hub.
const opHealth = "GetServiceStatus"

// Health asks whether the service answers.
func (c *Client) Health(ctx context.Context) error {
	return c.run(ctx, &call{operation: opHealth, method: http.MethodHead, want: http.StatusOK})
}

// AddToGroups puts all connections that match a filter into groups. The names
// travel in the body, so a group's name may have a slash here.
func (c *Client) AddToGroups(ctx context.Context, groups []string, f filter.Filter) error {
	return c.changeGroups(ctx, "AddConnectionsToGroups", ":addToGroups", groups, f)
}

// RemoveFromGroups takes all connections that match a filter out of groups.
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
		return errors.New("no groups are given")
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

// encodeJSON is json.Marshal that leaves <, > and & as they are: raw clients
// see the bytes.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// All is every connection of the hub.
type All struct{ c *Client }

// All gives every connection of the hub.
func (c *Client) All() All { return All{c} }

func (a All) target() target {
	return target{c: a.c, operation: "SendToAll", filters: true, excludes: true}
}

// SendText sends text as it is (text/plain).
func (a All) SendText(ctx context.Context, text string, opts *SendOptions) error {
	return a.target().sendText(ctx, text, opts)
}

// SendJSON sends v as JSON (application/json).
func (a All) SendJSON(ctx context.Context, v any, opts *SendOptions) error {
	return a.target().sendJSON(ctx, v, opts)
}

// SendBinary sends bytes (application/octet-stream).
func (a All) SendBinary(ctx context.Context, data []byte, opts *SendOptions) error {
	return a.target().sendBinary(ctx, data, opts)
}

// Send sends all that body has, from its start: text/plain, application/json
// or application/octet-stream. It is rewound for each try.
func (a All) Send(ctx context.Context, contentType string, body io.ReadSeeker, opts *SendOptions) error {
	return a.target().sendBody(ctx, contentType, body, opts)
}

// CloseConnections closes every connection of the hub.
func (a All) CloseConnections(ctx context.Context, opts *CloseOptions) error {
	return a.c.closeConnections(ctx, &call{operation: "CloseAllConnections"}, opts)
}
