package client

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slowOutbox returns an outbox over a network that accepts a byte for each permit, and what
// it has accepted.
func slowOutbox() (o *outbox, permits chan error, written func() string) {
	permits = make(chan error)
	var mu sync.Mutex
	var all []byte
	o = &outbox{fail: func() {}, write: func(b []byte, _ bool) error {
		if err := <-permits; err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, b[0])
		return nil
	}}
	return o, permits, func() string {
		mu.Lock()
		defer mu.Unlock()
		return string(all)
	}
}

func frameOf(letter byte, size int) *buffer {
	b := make([]byte, size)
	b[0] = letter
	return &buffer{b}
}

// TestSenderWrites checks which senders write themselves: those that wait for an answer,
// while the service has read all but 4 KiB and nothing else is being written.
func TestSenderWrites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, read int // bytes
		size         int
		waits        bool
		writes       bool
	}{
		"first frame":         {size: 100, waits: true, writes: true},
		"no answer":           {size: 100},
		"large":               {size: maxUnread + 1, waits: true},
		"largest":             {size: maxUnread, waits: true, writes: true},
		"much is unread":      {before: maxUnread, size: 100, waits: true},
		"all was read":        {before: 10 * maxUnread, read: 10 * maxUnread, size: 100, waits: true, writes: true},
		"almost all was read": {before: 10 * maxUnread, read: 10*maxUnread - 100, size: maxUnread - 100, waits: true, writes: true},
		"less was read":       {before: 10 * maxUnread, read: 10*maxUnread - 101, size: maxUnread - 100, waits: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o, permits, written := slowOutbox()
				if c.before > 0 {
					end, ok, err := o.put(t.Context(), frameOf('a', c.before), false)
					require.NoError(t, err)
					require.True(t, ok)
					require.EqualValues(t, c.before, end)
					permits <- nil
					synctest.Wait()
				}
				o.received(uint64(c.read))
				o.received(0) // an earlier end
				returned := false
				go func() {
					end, ok, err := o.put(t.Context(), frameOf('b', c.size), c.waits)
					returned = ok && err == nil && end == uint64(c.before+c.size)
				}()
				synctest.Wait()
				assert.Equal(t, !c.writes, returned)
				permits <- nil
				synctest.Wait()
				assert.True(t, returned)
				assert.Contains(t, written(), "b")
				o.close()
				o.wait()
			})
		})
	}
}

// TestSendersInOrder checks that frames which are queued while a sender writes follow in
// order, and are not written by the sender.
func TestSendersInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, permits, written := slowOutbox()
		returned := false
		go func() {
			_, _, _ = o.put(t.Context(), frameOf('a', 1), true)
			returned = true
		}()
		synctest.Wait()
		for _, letter := range []byte("bcd") {
			_, ok, err := o.put(t.Context(), frameOf(letter, 1), true)
			require.NoError(t, err)
			require.True(t, ok)
		}
		assert.False(t, returned)
		permits <- nil
		synctest.Wait()
		assert.True(t, returned, "another goroutine writes the rest")
		for range 3 {
			permits <- nil
		}
		o.close()
		o.wait()
		assert.Equal(t, "abcd", written())
	})
}

// TestSenderFails checks that nothing is written after a sender's write has failed.
func TestSenderFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, permits, written := slowOutbox()
		failed := 0
		o.fail = func() { failed++ }
		go func() { _, _, _ = o.put(t.Context(), frameOf('a', 1), true) }()
		synctest.Wait()
		require.True(t, o.push(frameOf('b', 1)))
		permits <- errors.New("lost")
		o.wait()
		_, ok, err := o.put(context.Background(), frameOf('c', 1), true)
		require.NoError(t, err)
		assert.False(t, ok)
		assert.Equal(t, 1, failed)
		assert.Empty(t, written())
	})
}
