package client

import (
	"context"

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
