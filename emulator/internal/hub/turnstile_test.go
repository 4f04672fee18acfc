package hub_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

func TestTurnstile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var turns hub.Turnstile
		start := func(f func()) bool { go f(); return true }
		free := make(chan struct{})
		var done []int
		for i := range 64 {
			assert.True(t, turns.Enter(t.Context(), start, func() { <-free; done = append(done, i) }))
		}
		ctx, cancel := context.WithCancel(t.Context())
		entered := make(chan bool)
		go func() { entered <- turns.Enter(ctx, start, func() {}) }()
		synctest.Wait()
		select {
		case <-entered:
			t.Fatal("the 65th function does not wait")
		default:
		}
		cancel()
		assert.False(t, <-entered)
		close(free)
		synctest.Wait()
		assert.Len(t, done, 64)
		assert.IsIncreasing(t, done)
		assert.False(t, turns.Enter(t.Context(), func(func()) bool { return false }, func() {}))
		ran := false
		assert.True(t, turns.Enter(t.Context(), start, func() { ran = true }), "after a start that failed")
		synctest.Wait()
		assert.True(t, ran)
	})
}
