package webpubsub_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func memoryStore(tb testing.TB, opts *webpubsub.MemoryStoreOptions) *webpubsub.MemoryStore {
	tb.Helper()
	s, err := webpubsub.NewMemoryStore(opts)
	require.NoError(tb, err)
	return s
}

// The rules of all stores are tested in package deduptest.

func TestNewMemoryStore(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string]webpubsub.MemoryStoreOptions{
		"webpubsub: memory store: MaxEntries is -1, want 0 or more": {MaxEntries: -1},
		"webpubsub: memory store: MaxBytes is -1, want 0 or more":   {MaxBytes: -1},
	} {
		_, err := webpubsub.NewMemoryStore(&opts)
		require.EqualError(t, err, want)
	}
}

// handled puts an answer into a store.
func handled(t *testing.T, s *webpubsub.MemoryStore, key, answer string, ttl time.Duration) {
	t.Helper()
	state, _, err := s.Begin(t.Context(), key, "c", time.Minute)
	require.NoError(t, err)
	require.Equal(t, webpubsub.ClaimGranted, state)
	require.NoError(t, s.Finish(t.Context(), key, "c", []byte(answer), ttl))
}

// has reports whether a store has an answer.
func has(t *testing.T, s *webpubsub.MemoryStore, key string) bool {
	t.Helper()
	state, _, err := s.Begin(t.Context(), key, "probe", 0)
	require.NoError(t, err)
	return state == webpubsub.ClaimDone
}

// A full store forgets the oldest answer.
func TestMemoryStoreForgets(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]webpubsub.MemoryStoreOptions{
		"entries": {MaxEntries: 4},
		"bytes":   {MaxBytes: 4 * len("key-0canswer")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := memoryStore(t, &opts)
				for i := range 6 {
					handled(t, s, fmt.Sprintf("key-%d", i), "answer", time.Hour)
					<-time.After(time.Second)
				}
				var kept []int
				for i := 5; i >= 0; i-- { // a probe needs room, too
					if has(t, s, fmt.Sprintf("key-%d", i)) {
						kept = append(kept, i)
					}
				}
				assert.Equal(t, []int{5, 4, 3, 2}, kept)
			})
		})
	}
}

// A full store does not forget events that are being handled.
func TestMemoryStoreIsFull(t *testing.T) {
	t.Parallel()
	s := memoryStore(t, &webpubsub.MemoryStoreOptions{MaxEntries: 2, MaxBytes: 100})
	handled(t, s, "done", "answer", time.Hour)
	for _, key := range []string{"a", "b"} {
		state, _, err := s.Begin(t.Context(), key, "c", time.Minute)
		require.NoError(t, err)
		assert.Equal(t, webpubsub.ClaimGranted, state)
	}
	_, _, err := s.Begin(t.Context(), "done", "c", time.Minute)
	require.ErrorIs(t, err, webpubsub.ErrStoreFull, "the answer made room, and there is no other")
	state, _, err := s.Begin(t.Context(), "a", "c", time.Minute)
	require.NoError(t, err)
	assert.Equal(t, webpubsub.ClaimGranted, state, "a renewal needs no room")

	require.ErrorIs(t, s.Finish(t.Context(), "a", "c", make([]byte, 97), time.Minute), webpubsub.ErrStoreFull)
	state, _, err = s.Begin(t.Context(), "a", "other", time.Minute)
	require.NoError(t, err)
	assert.Equal(t, webpubsub.ClaimRunning, state, "the claim stays")
	require.NoError(t, s.Finish(t.Context(), "a", "c", make([]byte, 96), time.Minute), "in place of the claim")
	require.NoError(t, s.Abandon(t.Context(), "b", "c", time.Minute))
	handled(t, s, "new", "answer", time.Minute)
}

// What has expired takes no room, whatever the order of the times.
func TestMemoryStoreExpires(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	s := memoryStore(t, &webpubsub.MemoryStoreOptions{MaxEntries: 100, Now: func() time.Time { return now }})
	for i := range 100 {
		handled(t, s, fmt.Sprint(i), "answer", time.Duration(1+i*37%100)*time.Second)
	}
	now = now.Add(50 * time.Second)
	for i := range 100 {
		assert.Equal(t, i*37%100 >= 50, has(t, s, fmt.Sprint(i)), i)
	}
	now = now.Add(time.Hour)
	for i := range 100 {
		_, _, err := s.Begin(t.Context(), "claim"+fmt.Sprint(i), "c", time.Minute)
		require.NoError(t, err)
	}
	_, _, err := s.Begin(t.Context(), "one more", "c", time.Minute)
	require.ErrorIs(t, err, webpubsub.ErrStoreFull)
}

// TestMemoryStoreAgainstModel compares a store with a simple one, after random calls.
func TestMemoryStoreAgainstModel(t *testing.T) {
	t.Parallel()
	type entry struct {
		claim, answer string // of a claim, or of an answer and who stored it
		again, done   bool
		expires       time.Time
	}
	now := time.Unix(0, 0)
	s := memoryStore(t, &webpubsub.MemoryStoreOptions{Now: func() time.Time { return now }})
	model := make(map[string]*entry)
	live := func(key string) *entry {
		if e := model[key]; e != nil && now.Before(e.expires) {
			return e
		}
		return &entry{}
	}
	random := uint32(1)
	next := func(n uint32) uint32 { random = random*1664525 + 1013904223; return random >> 8 % n }
	for range 20_000 {
		key, claim, lasts := fmt.Sprint(next(5)), string(rune('a'+next(3))), time.Duration(1+next(5))*time.Second
		e := live(key)
		others := e.claim != "" && e.claim != claim
		switch next(4) {
		case 0:
			now = now.Add(time.Duration(next(1500)) * time.Millisecond)
		case 1:
			state, answer, err := s.Begin(t.Context(), key, claim, lasts)
			require.NoError(t, err)
			switch {
			case e.done:
				require.Equal(t, webpubsub.ClaimDone, state)
				require.Equal(t, e.answer, string(answer))
			case others:
				require.Equal(t, webpubsub.ClaimRunning, state)
			default:
				require.Equal(t, map[bool]webpubsub.ClaimState{true: webpubsub.ClaimAgain, false: webpubsub.ClaimGranted}[e.again], state)
				model[key] = &entry{claim: claim, expires: now.Add(lasts)}
			}
		case 2:
			answer := strings.Repeat(claim, int(next(9)))
			err := s.Finish(t.Context(), key, claim, []byte(answer), lasts)
			require.Equal(t, others, err != nil)
			if !others && !e.done {
				model[key] = &entry{claim: claim, done: true, answer: answer, expires: now.Add(lasts)}
			}
		case 3:
			err := s.Abandon(t.Context(), key, claim, lasts)
			require.Equal(t, others || e.done, err != nil)
			if e.claim == claim && !e.done {
				model[key] = &entry{again: true, expires: now.Add(lasts)}
			}
		}
	}
}

func TestMemoryStoreConcurrently(t *testing.T) {
	t.Parallel()
	s := memoryStore(t, &webpubsub.MemoryStoreOptions{MaxEntries: 50})
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			claim := string(rune('a' + i))
			for n := range 500 {
				key := fmt.Sprint(n % 100)
				if state, _, _ := s.Begin(context.Background(), key, claim, time.Minute); state != webpubsub.ClaimGranted && state != webpubsub.ClaimAgain {
					continue
				}
				if n%3 == 0 {
					assert.NoError(t, s.Abandon(context.Background(), key, claim, time.Minute))
				} else {
					assert.NoError(t, s.Finish(context.Background(), key, claim, []byte(claim), time.Minute))
				}
			}
		})
	}
	group.Wait()
}
