package client_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// TestSlowNetwork checks that requests wait for room in the outbox until their
// context ends, and that the client drops a WebSocket that accepts nothing.
func TestSlowNetwork(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, _ := f.started(&client.Options{KeepAliveTimeout: -1, KeepAliveInterval: -1})
		synctest.Wait()
		seen := record(c)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var err error
		n := 0
		for ; err == nil; n++ {
			_, err = c.SendToGroup(ctx, "g", client.Binary(make([]byte, 64<<10)), &client.SendOptions{FireAndForget: true})
		}
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Less(t, n, 100, "about 4 MiB wait to be written")
		assert.Empty(t, seen.settled())
		for len(seen.settled()) == 0 { // 64 KiB have 40 seconds
			pass(time.Second)
			require.Less(t, time.Since(start), time.Minute)
		}
		assert.Equal(t, "recovering", c.State().String(), "a write that makes no progress ends the WebSocket")
		f.recovered("id-1")
		assert.Equal(t, []string{"recovered"}, seen.settled())
	})
}
