package client

import (
	"context"
	"fmt"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// OnGroupJSON registers a callback for messages to a group, and decodes their JSON,
// or text that contains JSON, into a T. An empty group means all groups. A message
// that does not decode is reported to [Options.OnError] as a [*DecodeError].
func OnGroupJSON[T any](c *Client, group string, f func(ctx context.Context, m *GroupMessage, v T)) (unregister func()) {
	return c.OnGroupMessage(func(ctx context.Context, m *GroupMessage) {
		if group != "" && m.Group != group {
			return
		}
		var v T
		if decode(ctx, m.Group, m.Data, &v) {
			f(ctx, m, v)
		}
	})
}

// OnServerJSON is like [OnGroupJSON] for messages to the client itself.
func OnServerJSON[T any](c *Client, f func(ctx context.Context, m *ServerMessage, v T)) (unregister func()) {
	return c.OnServerMessage(func(ctx context.Context, m *ServerMessage) {
		var v T
		if decode(ctx, "", m.Data, &v) {
			f(ctx, m, v)
		}
	})
}

// InvokeJSON invokes an event like [Client.InvokeEvent] and decodes the answer, which is
// JSON or text that contains JSON, into an Out. It sends in as JSON, unless in is a
// [Data], which is sent as it is; the zero Data sends no payload. An empty answer is an
// error.
func InvokeJSON[Out any](ctx context.Context, c *Client, event string, in any, opts *InvokeOptions) (out Out, err error) {
	data, ok := in.(Data)
	if !ok {
		data = JSON(in)
	}
	answer, err := c.InvokeEvent(ctx, event, data, opts)
	if err != nil {
		return out, err
	}
	if err := answer.Decode(&out); err != nil {
		var none Out
		return none, fail(opInvokeEvent, fmt.Errorf("decode answer: %w", err))
	}
	return out, nil
}

// decode decodes a message and reports whether it succeeded. It reports a
// [*DecodeError] to the client that calls the callback.
func decode(ctx context.Context, group string, data Data, v any) bool {
	err := data.Decode(v)
	if s := sessionOf(ctx); err != nil && s != nil {
		group = s.secrets.hide(excerpt.Cut(group, 3*rule.MaxGroup))
		s.dispatch.report(ctx, &DecodeError{Group: group, Err: err})
	}
	return err == nil
}
