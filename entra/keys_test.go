package entra_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/entra"
)

// inBubble runs a test for both versions, with simulated time. A token is made at the
// time of the call.
func inBubble(t *testing.T, test func(t *testing.T, ver version, c *cloud, v *entra.Verifier)) {
	t.Helper()
	firstKey()
	secondKey()
	each(t, func(t *testing.T, ver version) {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud()
			test(t, ver, c, newVerifier(t, config(c)))
		})
	})
}

// pass advances the time of a bubble.
func pass(d time.Duration) { <-time.After(d) }

// unavailable requires that an event is refused so that the service sends it again.
func unavailable(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, entra.ErrKeysUnavailable)
	assert.Equal(t, http.StatusServiceUnavailable, webpubsub.StatusOf(err))
	assert.Equal(t, "the sender cannot be verified at the moment", webpubsub.MessageOf(err))
}

func (ver version) first() *http.Request {
	return request("Bearer " + sign("k1", firstKey(), ver.claims(time.Now())))
}

func (ver version) second() *http.Request {
	return request("Bearer " + sign("k2", secondKey(), ver.claims(time.Now())))
}

func TestStartWithoutNetwork(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, ver version, c *cloud, v *entra.Verifier) {
		c.fail(errOutage)
		for attempt, seconds := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
			pause := time.Duration(seconds) * time.Second
			for range 3 {
				err := v.Verify(ver.first())
				unavailable(t, err)
				require.ErrorIs(t, err, errOutage)
			}
			assert.Equal(t, attempt+1, c.fetches(ver.discovery))
			pass(pause - 1)
			unavailable(t, v.Verify(ver.first()))
			assert.Equal(t, attempt+1, c.fetches(ver.discovery), "after %v, less a nanosecond", pause)
			pass(1)
		}
		c.fail(nil)
		require.NoError(t, v.Verify(ver.first()))
		assert.Equal(t, 1, c.fetches(ver.keys))
	})
}

func TestKeysAreFetchedHourly(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, ver version, c *cloud, v *entra.Verifier) {
		assert.Equal(t, 0, c.fetches(ver.discovery), "none at the start")
		for hour := 1; hour <= 3; hour++ {
			require.NoError(t, v.Verify(ver.first()))
			pass(time.Hour - 1)
			require.NoError(t, v.Verify(ver.first()))
			assert.Equal(t, hour, c.fetches(ver.keys))
			pass(1)
		}
		// A key that is withdrawn is refused within the hour.
		c.set("k2", secondKey())
		assert.Equal(t, entra.RuleKey, ruleOf(t, v.Verify(ver.first())))
		assert.Equal(t, 4, c.fetches(ver.keys))
	})
}

// A new key is fetched at once, by one of 1,000 parallel requests.
func TestRollOverIsFetchedOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, ver version, c *cloud, v *entra.Verifier) {
		require.NoError(t, v.Verify(ver.first()))
		c.takes = time.Second // for each of two documents
		c.set("k2", secondKey())
		token, old := ver.second(), ver.first()
		start := time.Now()
		var wg sync.WaitGroup
		var refused atomic.Int64
		for range 1000 {
			wg.Go(func() {
				if v.Verify(token) != nil {
					refused.Add(1)
				}
			})
		}
		synctest.Wait()
		require.NoError(t, v.Verify(old), "requests with a known key do not wait")
		assert.Equal(t, start, time.Now())
		wg.Wait()
		assert.Equal(t, int64(0), refused.Load())
		assert.Equal(t, 2*time.Second, time.Since(start))
		assert.Equal(t, 2, c.fetches(ver.keys), "one at the start, one for the new key")
		assert.Equal(t, entra.RuleKey, ruleOf(t, v.Verify(old)), "the old key is withdrawn")
	})
}

// 1,000 parallel requests fetch the first keys once, too.
func TestFirstKeysAreFetchedOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, ver version, c *cloud, v *entra.Verifier) {
		c.takes = time.Second
		token := ver.first()
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { assert.NoError(t, v.Verify(token)) })
		}
		wg.Wait()
		assert.Equal(t, 1, c.fetches(ver.discovery))
		assert.Equal(t, 1, c.fetches(ver.keys))
	})
}

// 100,000 key ids of a stranger cause one fetch in five minutes, whether or not there
// are keys before.
func TestHostileKeyIDs(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, ver version, c *cloud, v *entra.Verifier) {
		// As short as possible: what a stranger pays is not the point.
		parts := "." + base64.RawURLEncoding.EncodeToString([]byte(`{"ver":"`+ver.number+`"}`)) + ".AA"
		hostile := func(from, to int) {
			for i := from; i < to; i++ {
				r := request("Bearer " + withKeyID(parts, fmt.Sprintf("hostile-%d", i)))
				if rule := ruleOf(t, v.Verify(r)); rule != entra.RuleKey {
					require.Equal(t, entra.RuleKey, rule)
				}
			}
		}
		hostile(0, 50_000)
		assert.Equal(t, 1, c.fetches(ver.keys))
		pass(5*time.Minute - 1)
		require.NoError(t, v.Verify(ver.first()))
		hostile(50_000, 100_000)
		assert.Equal(t, 1, c.fetches(ver.keys), "in five minutes")
		pass(1)
		hostile(0, 1000)
		assert.Equal(t, 2, c.fetches(ver.keys))

		// A roll-over during the attack is found within five minutes.
		c.set("k2", secondKey())
		assert.Equal(t, entra.RuleKey, ruleOf(t, v.Verify(ver.second())))
		pass(5 * time.Minute)
		require.NoError(t, v.Verify(ver.second()))
		assert.Equal(t, 3, c.fetches(ver.keys))
	})
}

// A token that was accepted before is not accepted for longer, or after its key is gone.
func TestAcceptedTokens(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, ver version, c *cloud, v *entra.Verifier) {
		token := ver.first()
		require.NoError(t, v.Verify(token))
		pass(59 * time.Minute)
		require.NoError(t, v.Verify(token))
		pass(6*time.Minute - time.Second) // the leeway included
		require.NoError(t, v.Verify(token))
		assert.Equal(t, 2, c.fetches(ver.keys), "an accepted token does not delay the hourly fetch")
		pass(time.Second)
		assert.Equal(t, entra.RuleTime, ruleOf(t, v.Verify(token)))

		token = ver.first()
		require.NoError(t, v.Verify(token))
		c.set("k2", secondKey())
		require.NoError(t, v.Verify(token), "the withdrawal is not known yet")
		require.NoError(t, v.Verify(ver.second()))
		assert.Equal(t, entra.RuleKey, ruleOf(t, v.Verify(token)))

		other := newVerifier(t, config(c))
		for i := range 70 { // more than are remembered
			next := sign("k2", secondKey(), with(ver.claims(time.Now()), object{"uti": i}))
			require.NoError(t, other.Verify(request("Bearer "+next)))
			require.NoError(t, other.Verify(request("bearer "+next)))
			require.LessOrEqual(t, other.Accepted(), 64)
		}
	})
}

// The hourly fetch does not count: a roll-over right after it is found at once.
func TestRollOverAfterTheHourlyFetch(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, ver version, c *cloud, v *entra.Verifier) {
		require.NoError(t, v.Verify(ver.first()))
		pass(time.Hour)
		require.NoError(t, v.Verify(ver.first()))
		c.set("k2", secondKey())
		require.NoError(t, v.Verify(ver.second()))
		assert.Equal(t, 3, c.fetches(ver.keys))
	})
}

// While the endpoint fails, the last keys are used for up to a day.
func TestOutageKeepsKeys(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, ver version, c *cloud, v *entra.Verifier) {
		require.NoError(t, v.Verify(ver.first()))
		c.fail(errOutage)
		pass(time.Hour)
		before := c.fetches(ver.discovery)
		for range 24 { // two hours
			require.NoError(t, v.Verify(ver.first()))
			unavailable(t, v.Verify(ver.second()))
			pass(5 * time.Minute)
		}
		assert.Equal(t, 24, c.fetches(ver.discovery)-before, "one attempt in five minutes")
		pass(21*time.Hour - 1)
		require.NoError(t, v.Verify(ver.first()))
		pass(1)
		unavailable(t, v.Verify(ver.first())) // Entra may have withdrawn the key
		pass(5 * time.Minute)
		c.fail(nil)
		require.NoError(t, v.Verify(ver.first()))
		assert.Equal(t, entra.RuleKey, ruleOf(t, v.Verify(ver.second())), "the keys are known again")
	})
}

// One version's outage is not the other's.
func TestVersionsHaveTheirOwnKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud()
		v := newVerifier(t, config(c))
		c.answers[keysV2] = func() *http.Response {
			return answer(object{"keys": []object{jwkOf("k2", &secondKey().PublicKey)}})
		}
		now := time.Now()
		assert.Equal(t, entra.Rule(""), verify(t, v, sign("k1", firstKey(), claimsV1(now))))
		assert.Equal(t, 0, c.fetches(discoveryV2))
		assert.Equal(t, entra.Rule(""), verify(t, v, sign("k2", secondKey(), claimsV2(now))))
		assert.Equal(t, entra.RuleKey, verify(t, v, sign("k1", firstKey(), claimsV2(now))), "a key of version 1.0")
	})
}

// The end of a request does not end the fetch that it began. A request that waits for the
// fetch of another one returns when its context ends.
func TestCancelledRequests(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, ver version, c *cloud, v *entra.Verifier) {
		c.takes = time.Second
		token := ver.first()
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("the client has gone")
		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, v.Verify(token.Clone(ctx))) })
		synctest.Wait()
		wg.Go(func() { assert.ErrorIs(t, v.Verify(token.Clone(ctx)), gone) })
		synctest.Wait()
		cancel(gone)
		wg.Wait()
		require.NoError(t, v.Verify(token))
		assert.Equal(t, 1, c.fetches(ver.keys))
	})
}

func TestFetchTimesOut(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, ver version, c *cloud, v *entra.Verifier) {
		c.takes = time.Hour
		start := time.Now()
		err := v.Verify(ver.first())
		unavailable(t, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}

func TestTransportPanics(t *testing.T) {
	t.Parallel()
	c := newCloud()
	broken := true
	cfg := config(c)
	cfg.Transport = transport(func(r *http.Request) (*http.Response, error) {
		if broken {
			panic("of a transport")
		}
		return c.RoundTrip(r)
	})
	synctest.Test(t, func(t *testing.T) {
		v := newVerifier(t, cfg)
		token := request("Bearer " + sign("k1", firstKey(), claimsV1(time.Now())))
		assert.PanicsWithValue(t, "of a transport", func() { _ = v.Verify(token) })
		unavailable(t, v.Verify(token))
		broken = false
		pass(time.Second)
		require.NoError(t, v.Verify(token), "the next fetch is not blocked")
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
