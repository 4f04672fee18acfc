package service

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// MaxTTL is the longest time for which the service keeps a message.
const MaxTTL = rule.MaxTTL

// SendOptions configure a send. Nil and the zero value are the defaults.
type SendOptions struct {
	// Filter (filter) selects connections of the target. A single connection cannot
	// have one.
	Filter filter.Filter
	// Excluded (excluded) are the ids of connections that do not receive the message.
	// Only sends to all and to groups can have them.
	Excluded []string
	// TTL (messageTtlSeconds) is how long the message may wait for a client, in whole
	// seconds up to [MaxTTL]. If it is zero, the message does not expire.
	TTL time.Duration
	// Metadata (X-WebPubSub-Metadata-*) arrives with the message at clients of the
	// JSON subprotocols. Names are HTTP tokens of at most 256 bytes and arrive in
	// lower case, values are printable ASCII of at most 1024 bytes without comma or
	// space around them, 8192 bytes in all. The REST specification does not mention
	// metadata yet.
	Metadata map[string]string
}

// target is what receives messages: some connections of a hub.
type target struct {
	c         *Client
	operation string // that sends
	path      path
	err       error // of an invalid name
	filters   bool
	excludes  bool
}

// SendText sends text (text/plain).
func (t target) SendText(ctx context.Context, text string, opts *SendOptions) error {
	if t.err == nil && !utf8.ValidString(text) {
		t.err = errors.New("text is not UTF-8; SendBinary takes any bytes")
	}
	return t.send(ctx, wire.MediaText, newTextBody(text), opts)
}

// SendJSON sends v as JSON (application/json).
func (t target) SendJSON(ctx context.Context, v any, opts *SendOptions) error {
	data, err := encodeJSON(v)
	t.err = cmp.Or(t.err, err)
	return t.send(ctx, wire.MediaJSON, newDataBody(data), opts)
}

// SendBinary sends bytes (application/octet-stream).
func (t target) SendBinary(ctx context.Context, data []byte, opts *SendOptions) error {
	return t.send(ctx, wire.MediaBinary, newDataBody(data), opts)
}

// Send sends the content of body from its start. The content type is text/plain,
// application/json or application/octet-stream. Each try rewinds the body.
func (t target) Send(ctx context.Context, contentType string, body io.ReadSeeker, opts *SendOptions) error {
	if body == nil {
		t.err = cmp.Or(t.err, errors.New("body is nil"))
	}
	t.err = cmp.Or(t.err, checkContentType(contentType))
	return t.send(ctx, contentType, streaming.NopCloser(body), opts)
}

func (t target) send(ctx context.Context, contentType string, body io.ReadSeekCloser, opts *SendOptions) error {
	in := &call{
		operation: t.operation, method: http.MethodPost, want: http.StatusAccepted, route: routeSend,
		path: t.path, verb: ":send", err: t.err,
		contentType: contentType, body: body,
	}
	if opts != nil {
		in.err = cmp.Or(in.err, t.check(opts))
		in.addAll("excluded", opts.Excluded)
		in.addNonEmpty("filter", opts.Filter.String())
		in.addPositive("messageTtlSeconds", int(opts.TTL/time.Second))
		in.metadata = opts.Metadata
	}
	return t.c.run(ctx, in)
}

func (t target) check(o *SendOptions) error {
	switch {
	case !t.filters && o.Filter.String() != "":
		return errors.New("Filter is set, want none for a single connection")
	case !t.excludes && len(o.Excluded) > 0:
		return errors.New("Excluded is set, want it for sends to all and to groups only")
	}
	return cmp.Or(rule.CheckTTL(o.TTL), checkExcluded(o.Excluded), rule.CheckMetadataHeaders(o.Metadata))
}

// call begins a call with the target's path.
func (t target) call(operation string) *call {
	return &call{operation: operation, path: t.path, err: t.err}
}

// encodeJSON is json.Marshal without the escapes of <, > and &, since clients
// without a subprotocol receive the bytes.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// CloseOptions configure the closing of connections. Nil and the zero value are the
// defaults.
type CloseOptions struct {
	// Reason (reason) is free text for the clients.
	Reason string
	// Excluded (excluded) are the ids of connections that stay open. A single
	// connection cannot have them.
	Excluded []string
}

// closeConnections closes the connections of the call's path.
func (c *Client) closeConnections(ctx context.Context, in *call, opts *CloseOptions) error {
	in.method, in.want, in.verb = http.MethodPost, http.StatusNoContent, ":closeConnections"
	if opts != nil {
		in.err = cmp.Or(in.err, checkExcluded(opts.Excluded))
		in.addAll("excluded", opts.Excluded)
		in.addNonEmpty("reason", opts.Reason)
	}
	return c.run(ctx, in)
}
