package hub_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

func TestLateEndsDoNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock, seen := &late{now: time.Now()}, &ends{}
		h := newHub(clock, seen)
		var first, second, third []string
		l1, l2, l3 := newLink(&first), newLink(&second), newLink(&third)
		c := connect(t, h, l1)
		require.True(t, c.Recover(c.ReconnectionToken).Resume(l2))
		c.Lost(l1, hub.Loss{Final: true, Reason: "the old socket's goodbye"})
		synctest.Wait()
		assert.True(t, c.Serves(l2))
		c.Lost(l2, hub.Loss{Reason: "cut"})
		require.Len(t, clock.fires, 1)
		late := c.Recover(c.ReconnectionToken)
		require.True(t, c.Recover(c.ReconnectionToken).Resume(l3))
		assert.False(t, late.Resume(newLink(&third)), "an earlier attempt than the one that succeeded")
		clock.fires[0]() // the window ends after the client has resumed
		assert.True(t, c.Serves(l3))
		c.Lost(l3, hub.Loss{Reason: "cut again"})
		clock.fires[0]() // the first window does not end the second
		require.NotNil(t, h.Connection("c"))
		assert.Empty(t, seen.all())
		clock.fires[1]()
		assert.Nil(t, h.Connection("c"))
		assert.Nil(t, c.Recover(c.ReconnectionToken))
		clock.fires[1]()
		c.End(hub.CloseNormal, "again")
		assert.Equal(t, []string{"The connection recovery timeout expired."}, seen.all())
		synctest.Wait()
	})
}
