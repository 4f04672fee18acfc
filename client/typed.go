package client

import (
	"context"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// OnGroupJSON registers a callback for messages to a group that are JSON of the
// type T, or text that holds such; an empty group stands for all of them. What does not
// decode is a [*DecodeError] for [Options.OnError].
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

// OnServerJSON is [OnGroupJSON] for messages to the client itself.
func OnServerJSON[T any](c *Client, f func(ctx context.Context, m *ServerMessage, v T)) (unregister func()) {
	return c.OnServerMessage(func(ctx context.Context, m *ServerMessage) {
		var v T
		if decode(ctx, "", m.Data, &v) {
			f(ctx, m, v)
		}
	})
}

// decode reports whether a message was decoded. If not, it reports a [*DecodeError]
// to the client that the callback's context belongs to.
func decode(ctx context.Context, group string, data Data, v any) bool {
	err := data.Decode(v)
	if s := sessionOf(ctx); err != nil && s != nil {
		group = s.secrets.hide(excerpt.Cut(group, 4*wire.MaxGroupName))
		s.dispatch.report(ctx, &DecodeError{Group: group, Err: err})
	}
	return err == nil
}
