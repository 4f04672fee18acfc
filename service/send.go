package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// MaxTTL is the longest time for which the service keeps a message.
const MaxTTL = 300 * time.Second

// SendOptions of a message. Nil and the zero value are the defaults.
type SendOptions struct {
	// Filter (filter) selects among the target's connections. Not for a single one.
	Filter filter.Filter
	// Excluded (excluded) connections do not get the message. Only for all and groups.
	Excluded []string
	// TTL (messageTtlSeconds) is how long the message waits for a client that
	// recovers its connection: whole seconds up to [MaxTTL]. Zero: the service
	// drops it never.
	TTL time.Duration
	// Metadata (X-WebPubSub-Metadata-*) travels with the message to clients of the
	// JSON subprotocols. Names are HTTP tokens and arrive in lower case, values
	// printable ASCII. The service's REST specification does not mention it yet.
	Metadata map[string]string
}

// target is what a message can be sent to.
type target struct {
	c         *Client
	operation string
	path      []string
	filters   bool
	excludes  bool
	err       error
}

// sendText sends a string as it is (text/plain).
func (t target) sendText(ctx context.Context, s string, opts *SendOptions) error {
	return t.send(ctx, wire.MediaText, strings.NewReader(s), opts)
}

func (t target) sendJSON(ctx context.Context, v any, opts *SendOptions) error {
	data, err := json.Marshal(v)
	if err != nil {
		return &Error{Operation: t.operation, Message: "encode JSON: " + err.Error(), Err: err}
	}
	return t.send(ctx, wire.MediaJSON, bytes.NewReader(data), opts)
}

func (t target) sendBinary(ctx context.Context, data []byte, opts *SendOptions) error {
	return t.send(ctx, wire.MediaBinary, bytes.NewReader(data), opts)
}

func (t target) send(ctx context.Context, contentType string, body io.ReadSeeker, opts *SendOptions) error {
	in := &call{operation: t.operation, method: http.MethodPost, path: t.path, send: true, err: t.err}
	var o SendOptions
	if opts != nil {
		o = *opts
	}
	if in.err == nil {
		in.err = t.check(o)
	}
	in.query.addAll("excluded", o.Excluded)
	in.query.addNonEmpty("filter", o.Filter.String())
	in.query.addPositive("messageTtlSeconds", int(o.TTL/time.Second))
	in.prepare = func(req *policy.Request) error {
		for name, v := range o.Metadata {
			req.Raw().Header.Set(wire.PrefixMetadata+name, v)
		}
		return req.SetBody(streaming.NopCloser(body), contentType)
	}
	return t.c.run(ctx, in, http.StatusAccepted)
}

func (t target) check(o SendOptions) error {
	switch {
	case o.TTL < 0 || o.TTL > MaxTTL || o.TTL%time.Second != 0:
		return fmt.Errorf("TTL is %v, want whole seconds from 0 to %v", o.TTL, MaxTTL)
	case !t.filters && o.Filter.String() != "":
		return errors.New("Filter is set, but a single connection has none")
	case !t.excludes && len(o.Excluded) > 0:
		return errors.New("Excluded is set, but only sends to all or to a group have exclusions")
	}
	return nil
}

// All is every connection of the hub.
type All struct{ c *Client }

// All gives every connection of the hub.
func (c *Client) All() All { return All{c} }

func (a All) target() target {
	return target{c: a.c, operation: "SendToAll", path: []string{":send"}, filters: true, excludes: true}
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

// Send sends what body reads: text/plain, application/json or
// application/octet-stream. It is rewound for each try.
func (a All) Send(ctx context.Context, contentType string, body io.ReadSeeker, opts *SendOptions) error {
	return a.target().send(ctx, contentType, body, opts)
}

// CloseConnections closes every connection of the hub.
func (a All) CloseConnections(ctx context.Context, opts *CloseOptions) error {
	return a.c.closeConnections(ctx, "CloseAllConnections", nil, opts, nil)
}

// CloseOptions of closing connections. Nil and the zero value are the defaults.
type CloseOptions struct {
	// Reason (reason) that the clients are told; free text.
	Reason string
	// Excluded (excluded) connections stay open. Not for a single connection.
	Excluded []string
}

func (c *Client) closeConnections(ctx context.Context, operation string, path []string, opts *CloseOptions, err error) error {
	in := &call{operation: operation, method: http.MethodPost, path: append(path, ":closeConnections"), err: err}
	if opts != nil {
		in.query.addAll("excluded", opts.Excluded)
		in.query.addNonEmpty("reason", opts.Reason)
	}
	return c.run(ctx, in, http.StatusNoContent)
}
