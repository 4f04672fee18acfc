package deduptest_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/deduptest"
)

// clock is a fake clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func memory(tb testing.TB) (webpubsub.DeduplicationStore, *clock) {
	tb.Helper()
	c := &clock{now: time.Unix(0, 0)}
	s, err := webpubsub.NewMemoryStore(&webpubsub.MemoryStoreOptions{Now: c.Now})
	require.NoError(tb, err)
	return s, c
}

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	s, c := memory(t)
	require.NoError(t, deduptest.TestStore(t.Context(), c.Advance, s))
	require.NoError(t, deduptest.TestStore(t.Context(), c.Advance, s, s, s), "again, and with several handles")
}

// The clock can be the machine's: the tests wait for less than a minute.
func TestMachineClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := webpubsub.NewMemoryStore(nil)
		require.NoError(t, err)
		start := time.Now()
		wait := func(d time.Duration) { <-time.After(d) }
		require.NoError(t, deduptest.TestStore(t.Context(), wait, s))
		assert.Less(t, time.Since(start), time.Minute)
	})
}

func TestArguments(t *testing.T) {
	t.Parallel()
	s, c := memory(t)
	require.EqualError(t, deduptest.TestStore(t.Context(), c.Advance), "deduptest: no store given")
	require.EqualError(t, deduptest.TestStore(t.Context(), nil, s), "deduptest: advance is nil")
}

// broken is a store that changes the calls of another.
type broken struct {
	webpubsub.DeduplicationStore
	begin   func(s webpubsub.DeduplicationStore, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error)
	finish  func(s webpubsub.DeduplicationStore, key, claim string, answer []byte, ttl time.Duration) error
	abandon func(s webpubsub.DeduplicationStore, key, claim string, ttl time.Duration) error
}

func (b broken) Begin(ctx context.Context, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error) {
	if b.begin == nil {
		return b.DeduplicationStore.Begin(ctx, key, claim, lease)
	}
	return b.begin(b.DeduplicationStore, key, claim, lease)
}

func (b broken) Finish(ctx context.Context, key, claim string, answer []byte, ttl time.Duration) error {
	if b.finish == nil {
		return b.DeduplicationStore.Finish(ctx, key, claim, answer, ttl)
	}
	return b.finish(b.DeduplicationStore, key, claim, answer, ttl)
}

func (b broken) Abandon(ctx context.Context, key, claim string, ttl time.Duration) error {
	if b.abandon == nil {
		return b.DeduplicationStore.Abandon(ctx, key, claim, ttl)
	}
	return b.abandon(b.DeduplicationStore, key, claim, ttl)
}

// Rules as TestStore names them.
const (
	keepsOut      = "Begin claims a free key, and the claim keeps all others out"
	oneOfMany     = "of concurrent calls of Begin, one claims the key"
	idempotent    = "Begin by the holder of a claim is granted"
	renews        = "Begin by the holder of a claim renews its lease"
	othersRenew   = "Begin by others does not renew a lease"
	expires       = "a claim expires with its lease"
	anyBytes      = "Finish stores the answer for Begin, any bytes and none"
	lateRenewal   = "Begin by the claim that has finished a key returns the answer"
	answerExpires = "an answer outlives the lease, and expires with its TTL"
	foreign       = "Finish and Abandon do not touch the claim of another"
	replaced      = "a claim that has expired and was replaced is lost"
	answered      = "Finish and Abandon do not touch an answer"
	repeated      = "Finish and Abandon can be repeated"
	expiredFinish = "Finish stores the answer of a claim that has expired and was not replaced"
	abandonFrees  = "Abandon frees the key for the next claim"
	abandonFree   = "Abandon of a free key changes nothing"
	ownLease      = "the claim after Abandon has a lease of its own"
)

// TestBrokenStores: each mistake breaks the rules that it should, and no others.
func TestBrokenStores(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		store broken
		want  []string
	}{
		{"a lease never ends", broken{begin: func(s webpubsub.DeduplicationStore, key, claim string, _ time.Duration) (webpubsub.ClaimState, []byte, error) {
			return s.Begin(context.Background(), key, claim, time.Hour)
		}}, []string{othersRenew, expires, replaced, ownLease}},
		{"claims are not compared", broken{
			finish: func(s webpubsub.DeduplicationStore, key, claim string, answer []byte, ttl time.Duration) error {
				return s.Finish(context.Background(), key, holder(s, key, claim), answer, ttl)
			},
			abandon: func(s webpubsub.DeduplicationStore, key, claim string, ttl time.Duration) error {
				return s.Abandon(context.Background(), key, holder(s, key, claim), ttl)
			},
		}, []string{foreign, replaced, abandonFrees}},
		{"a claim cannot be renewed", broken{begin: func(s webpubsub.DeduplicationStore, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error) {
			if state, _, _ := s.Begin(context.Background(), key, "probe", 0); state == webpubsub.ClaimRunning {
				return state, nil, nil
			}
			return s.Begin(context.Background(), key, claim, lease)
		}}, []string{idempotent, renews}},
		{"nothing is kept out", broken{begin: func(s webpubsub.DeduplicationStore, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error) {
			return s.Begin(context.Background(), key, holder(s, key, claim), lease)
		}}, []string{keepsOut, idempotent, renews, othersRenew, foreign, replaced, abandonFrees}},
		{"claims are cut", broken{begin: func(s webpubsub.DeduplicationStore, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error) {
			return s.Begin(context.Background(), key, claim[:min(len(claim), 63)], lease)
		}}, []string{oneOfMany}},
		{"keys are cut", broken{begin: func(s webpubsub.DeduplicationStore, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error) {
			return s.Begin(context.Background(), key[:min(len(key), 63)], claim, lease)
		}}, []string{oneOfMany}},
		{"an answer expires with the lease", broken{finish: func(s webpubsub.DeduplicationStore, key, claim string, answer []byte, _ time.Duration) error {
			return s.Finish(context.Background(), key, claim, answer, time.Second)
		}}, []string{answerExpires}},
		{"an answer never expires", broken{finish: func(s webpubsub.DeduplicationStore, key, claim string, answer []byte, _ time.Duration) error {
			return s.Finish(context.Background(), key, claim, answer, time.Hour)
		}}, []string{answerExpires}},
		{"an empty answer is none", broken{finish: func(s webpubsub.DeduplicationStore, key, claim string, answer []byte, ttl time.Duration) error {
			if len(answer) == 0 {
				return s.Abandon(context.Background(), key, claim, ttl)
			}
			return s.Finish(context.Background(), key, claim, answer, ttl)
		}}, []string{anyBytes}},
		{"Abandon does nothing", broken{abandon: func(webpubsub.DeduplicationStore, string, string, time.Duration) error { return nil }},
			[]string{foreign, replaced, answered, repeated, abandonFrees, ownLease}},
		{"Abandon claims a free key", broken{abandon: func(s webpubsub.DeduplicationStore, key, claim string, ttl time.Duration) error {
			_, _, _ = s.Begin(context.Background(), key, "abandoned", time.Second)
			return s.Abandon(context.Background(), key, claim, ttl)
		}}, []string{repeated, abandonFree}},
		{"Finish refuses an expired claim", broken{finish: func(s webpubsub.DeduplicationStore, key, claim string, answer []byte, ttl time.Duration) error {
			if state, _, _ := s.Begin(context.Background(), key, "probe", time.Second); state == webpubsub.ClaimGranted {
				_ = s.Abandon(context.Background(), key, "probe", ttl)
				return webpubsub.ErrClaimLost
			}
			return s.Finish(context.Background(), key, claim, answer, ttl)
		}}, []string{expiredFinish}},
		{"Finish refuses to be repeated", broken{finish: func(s webpubsub.DeduplicationStore, key, claim string, answer []byte, ttl time.Duration) error {
			if state, _, _ := s.Begin(context.Background(), key, claim, time.Second); state == webpubsub.ClaimDone {
				return webpubsub.ErrClaimLost
			}
			return s.Finish(context.Background(), key, claim, answer, ttl)
		}}, []string{repeated}},
		{"every call fails", broken{
			begin: func(webpubsub.DeduplicationStore, string, string, time.Duration) (webpubsub.ClaimState, []byte, error) {
				return 0, nil, errors.New("connection refused")
			},
		}, []string{keepsOut, oneOfMany, idempotent, renews, othersRenew, expires, anyBytes, lateRenewal, answerExpires, foreign, replaced, answered, repeated, expiredFinish, abandonFrees, abandonFree, ownLease}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, c := memory(t)
			tt.store.DeduplicationStore = s
			assert.Equal(t, tt.want, rulesOf(t, deduptest.TestStore(t.Context(), c.Advance, tt.store)))
		})
	}
}

// holder returns the claim that holds a key, which is one of those of the tests, or
// claim.
func holder(s webpubsub.DeduplicationStore, key, claim string) string {
	for _, c := range []string{"a", "b", "c"} {
		if state, _, _ := s.Begin(context.Background(), key, "nobody", 0); state != webpubsub.ClaimRunning {
			return claim
		}
		if state, _, _ := s.Begin(context.Background(), key, c, time.Second); state == webpubsub.ClaimGranted {
			return c
		}
	}
	return claim
}

// rulesOf returns the rules of the failures in an error.
func rulesOf(t *testing.T, err error) []string {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok, "%v", err)
	var rules []string
	for _, e := range joined.Unwrap() {
		var f *deduptest.RuleError
		require.ErrorAs(t, e, &f)
		assert.NotEmpty(t, f.Got)
		assert.NotEmpty(t, f.Reason)
		assert.Equal(t, "deduptest: "+f.Rule+": "+f.Got+" ("+f.Reason+")", f.Error())
		rules = append(rules, f.Rule)
	}
	return rules
}
