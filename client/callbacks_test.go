package client_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/client"
)

func TestCallbacksInOrder(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		seen := new(recorder)
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { seen.note("first " + m.Data.String()) })
		var unregister func()
		unregister = c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
			seen.note("second " + m.Data.String())
			unregister() // also while it runs, and twice
			unregister()
		})
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
			seen.note("third " + m.Data.String())
			c.OnServerMessage(func(_ context.Context, m *client.ServerMessage) { seen.note("late " + m.Data.String()) })
		})
		p := f.start(c)
		p.send(group(1, "a"), `{"type":"message","from":"server","dataType":"json","data":{"n":1},"sequenceId":2}`, group(3, "b"))
		assert.Equal(t, []string{"first a", "second a", "third a", `late {"n":1}`, "first b", "third b"}, seen.settled())
	})
}
