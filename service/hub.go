package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"bytes"

	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// Health asks whether the service answers.
func (c *Client) Health(ctx context.Context) error {
	return c.run(ctx, &call{operation: "GetServiceStatus", method: http.MethodHead}, http.StatusOK)
}

// AddToGroups puts all connections that match a filter into groups. The names
// travel in the body, so a group's name may have a slash here.
func (c *Client) AddToGroups(ctx context.Context, groups []string, f filter.Filter) error {
	return c.run(ctx, groupsCall("AddConnectionsToGroups", ":addToGroups", groups, f), http.StatusOK)
}

// RemoveFromGroups takes all connections that match a filter out of groups.
func (c *Client) RemoveFromGroups(ctx context.Context, groups []string, f filter.Filter) error {
	return c.run(ctx, groupsCall("RemoveConnectionsFromGroups", ":removeFromGroups", groups, f), http.StatusOK)
}

func groupsCall(operation, verb string, groups []string, f filter.Filter) *call {
	in := &call{operation: operation, method: http.MethodPost, path: []string{verb}}
	if len(groups) == 0 {
		in.err = errors.New("no groups given")
	}
	for i, g := range groups {
		if err := checkGroup(g); err != nil {
			in.err = firstError(in.err, fmt.Errorf("groups[%d]: %w", i, err))
		}
	}
	if f.String() == "" {
		in.err = firstError(in.err, errors.New("filter is empty; filter.All() names every connection"))
	}
	in.prepare = func(req *policy.Request) error {
		data, err := json.Marshal(struct {
			Groups []string `json:"groups"`
			Filter string   `json:"filter"`
		}{groups, f.String()})
		if err != nil {
			return err
		}
		return req.SetBody(streaming.NopCloser(bytes.NewReader(data)), wire.MediaJSON)
	}
	return in
}
