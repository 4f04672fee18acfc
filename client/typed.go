package client

import (
	"context"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
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
		if err := m.Data.Decode(&v); err != nil {
			undecoded(ctx, &DecodeError{Group: m.Group, Err: err})
			return
		}
		f(ctx, m, v)
	})
}

// OnServerJSON is [OnGroupJSON] for messages to the client itself.
func OnServerJSON[T any](c *Client, f func(ctx context.Context, m *ServerMessage, v T)) (unregister func()) {
	return c.OnServerMessage(func(ctx context.Context, m *ServerMessage) {
		var v T
		if err := m.Data.Decode(&v); err != nil {
			undecoded(ctx, &DecodeError{Err: err})
			return
		}
		f(ctx, m, v)
	})
}

// undecoded tells of a message in a callback's context.
func undecoded(ctx context.Context, err *DecodeError) {
	if s, ok := ctx.Value(sessionKey{}).(*session); ok {
		err.Group = s.secrets.hide(excerpt.Cut(err.Group, 3*rule.MaxGroup))
		s.report(ctx, err)
	}
}
