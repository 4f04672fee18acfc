package webpubsub_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

var errStore = errors.New("connection refused")

// fixturesByKind are the fixtures of each kind of event.
var fixturesByKind = map[webpubsub.EventKind]string{
	webpubsub.EventKindConnect: "connect", webpubsub.EventKindConnected: "connected", webpubsub.EventKindDisconnected: "disconnected",
	webpubsub.EventKindUser: "user_text", webpubsub.EventKindGroupJoined: "joined", webpubsub.EventKindGroupLeft: "left",
}

// TestStoreFails: user events get 503 by default, all others are handled.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	var notUser []webpubsub.EventKind
	for kind := range fixturesByKind {
		if kind != webpubsub.EventKindUser {
			notUser = append(notUser, kind)
		}
	}
	tests := []struct {
		name   string
		option []webpubsub.EventKind
		served []webpubsub.EventKind
	}{
		{"default", nil, notUser},
		{"none", []webpubsub.EventKind{}, nil},
		{"user events", []webpubsub.EventKind{webpubsub.EventKindUser}, []webpubsub.EventKind{webpubsub.EventKindUser}},
	}
	fails := map[string]func(*spyStore){
		"error": func(s *spyStore) { s.before = func(context.Context, storeCall) error { return errStore } },
		"panic": func(s *spyStore) { s.before = func(context.Context, storeCall) error { panic(errStore) } },
		"answer not known": func(s *spyStore) {
			s.begin = func() (webpubsub.ClaimState, []byte, error) { return webpubsub.ClaimDone, []byte{9, 0}, nil }
		},
		"state not known": func(s *spyStore) { s.begin = func() (webpubsub.ClaimState, []byte, error) { return 9, nil, nil } },
		"state left zero": func(s *spyStore) { s.begin = func() (webpubsub.ClaimState, []byte, error) { return 0, nil, nil } },
		"deadline exceeded": func(s *spyStore) {
			s.before = func(context.Context, storeCall) error { return context.DeadlineExceeded }
		},
	}
	for _, tt := range tests {
		for how, fail := range fails {
			t.Run(tt.name+", "+how, func(t *testing.T) {
				t.Parallel()
				for kind, fixture := range fixturesByKind {
					store := newSpyStore(t)
					fail(store)
					handled := 0
					var got []webpubsub.Outcome
					log, logger := debugLog()
					cfg := observed(returning(func(context.Context) error { handled++; return nil }), &got)
					cfg.Deduplication = webpubsub.Deduplication{Store: store, ServeIfStoreFails: tt.option}
					cfg.Logger = logger
					answer := answerOf(wireHandler(t, cfg), wireRequest(t, fixture))
					record := logRecord(t, log)
					require.Error(t, got[0].StoreErr)
					if slices.Contains(tt.served, kind) {
						assert.Less(t, answer.status, 300)
						assert.Equal(t, 1, handled)
						assert.Equal(t, webpubsub.OutcomeHandled, got[0].Kind)
						assert.Equal(t, "WARN", record["level"])
						continue
					}
					want := fullAnswer{status: http.StatusServiceUnavailable, body: "it cannot be determined whether this event has been handled"}
					assert.Equal(t, want, fullAnswer{status: answer.status, body: answer.body})
					assert.Zero(t, handled)
					assert.Equal(t, []any{webpubsub.OutcomeRefused, webpubsub.ReasonStore}, []any{got[0].Kind, got[0].Reason})
					require.ErrorIs(t, got[0].Err, got[0].StoreErr)
					assert.Equal(t, "ERROR", record["level"])
				}
			})
		}
	}
}

// An answer that cannot be stored is sent all the same.
func TestStoreFailsAfterwards(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method string
		err    error // of the function
		status int
	}{
		{"Finish", nil, 200},
		{"Finish", webpubsub.Forbidden("no"), 403},
		{"Abandon", webpubsub.Unavailable("later"), 503},
	} {
		store := newSpyStore(t)
		store.before = func(_ context.Context, call storeCall) error {
			if call.method == tt.method {
				return errStore
			}
			return nil
		}
		var got []webpubsub.Outcome
		log, logger := debugLog()
		cfg := observed(onUserEvent(webpubsub.TextReply("x"), tt.err), &got)
		cfg.Logger = logger
		answer := answerOf(wireHandler(t, deduplicated(cfg, store)), wireRequest(t, "user_text"))
		assert.Equal(t, tt.status, answer.status)
		require.ErrorIs(t, got[0].StoreErr, errStore)
		records := strings.Split(strings.TrimSpace(log.String()), "\n")
		last := make(map[string]any)
		require.NoError(t, json.Unmarshal([]byte(records[len(records)-1]), &last))
		assert.Equal(t, "WARN", last["level"])
		assert.Equal(t, errStore.Error(), last["error"])
	}
}

// A store that does not answer delays an event by two seconds.
func TestStoreHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore(t)
		store.before = func(ctx context.Context, _ storeCall) error { <-ctx.Done(); return ctx.Err() }
		h := wireHandler(t, deduplicated(returning(succeed), store))
		start := time.Now()
		assert.Equal(t, http.StatusServiceUnavailable, answerOf(h, wireRequest(t, "user_text")).status)
		assert.Equal(t, 2*time.Second, time.Since(start))
		store.before = func(ctx context.Context, call storeCall) error {
			if call.method == "Finish" {
				<-ctx.Done()
			}
			return ctx.Err()
		}
		start = time.Now()
		assert.Equal(t, http.StatusOK, answerOf(h, wireRequest(t, "user_text")).status)
		assert.Equal(t, 2*time.Second, time.Since(start))
	})
}

// The service may hang up before the event is claimed: that is no failure of the store.
func TestClaimWithoutItsRequest(t *testing.T) {
	t.Parallel()
	store := newSpyStore(t)
	store.before = func(ctx context.Context, _ storeCall) error { return ctx.Err() }
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	h := wireHandler(t, deduplicated(returning(succeed), store))
	assert.Equal(t, http.StatusOK, answerOf(h, wireRequest(t, "user_text").WithContext(ctx)).status)
	assert.Equal(t, []string{"Begin", "Finish"}, store.methods())
}

// The service may hang up while a function runs: the claim ends as it would otherwise.
func TestClaimEndsWithoutItsRequest(t *testing.T) {
	t.Parallel()
	for method, result := range map[string]error{"Finish": nil, "Abandon": errors.New("failed")} {
		store := newSpyStore(t)
		store.before = func(ctx context.Context, call storeCall) error {
			deadline, limited := ctx.Deadline()
			assert.True(t, limited, call.method)
			assert.WithinDuration(t, time.Now(), deadline, time.Minute)
			return ctx.Err()
		}
		ctx, hangUp := context.WithCancel(t.Context())
		h := wireHandler(t, deduplicated(withFallback(func(ctx context.Context, _ *webpubsub.UserEvent) (webpubsub.Reply, error) {
			hangUp()
			<-ctx.Done()
			return webpubsub.Reply{}, result
		}), store))
		answerOf(h, wireRequest(t, "user_text").WithContext(ctx))
		assert.Equal(t, []string{"Begin", method}, store.methods())
	}
}

// TestDeduplicationTimes: a claim lasts for a lease and an answer for a TTL.
func TestDeduplicationTimes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		given      webpubsub.Deduplication
		lease, ttl time.Duration
	}{
		{webpubsub.Deduplication{}, 6 * time.Second, 10 * time.Minute},
		{webpubsub.Deduplication{Lease: time.Second, TTL: time.Minute}, time.Second, time.Minute},
		{webpubsub.Deduplication{Lease: time.Hour}, time.Hour, time.Hour},
	} {
		store := newSpyStore(t)
		tt.given.Store = store
		cfg := onUserEvent(webpubsub.Reply{}, nil)
		cfg.Deduplication = tt.given
		answerOf(wireHandler(t, cfg), wireRequest(t, "user_text"))
		cfg = onUserEvent(webpubsub.Reply{}, errors.New("failed"))
		cfg.Deduplication = tt.given
		answerOf(wireHandler(t, cfg), wireRequest(t, "user_text", wireHeader("ce-id", "3")))
		assert.Equal(t, []string{"Begin", "Finish", "Begin", "Abandon"}, []string{store.calls[0].method, store.calls[1].method, store.calls[2].method, store.calls[3].method})
		assert.Equal(t, []time.Duration{tt.lease, tt.ttl, tt.lease, tt.ttl}, []time.Duration{store.calls[0].lasts, store.calls[1].lasts, store.calls[2].lasts, store.calls[3].lasts})
	}
}

// A claim is renewed for as long as its function runs, and no longer.
func TestClaimIsRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore(t)
		h := wireHandler(t, deduplicated(returning(func(context.Context) error { <-time.After(59 * time.Second); return nil }), store))
		r := wireRequest(t, "user_text")
		go answerOf(h, r)
		for range 29 { // of each 2 seconds
			<-time.After(2*time.Second + time.Millisecond)
			synctest.Wait()
			assert.Equal(t, http.StatusServiceUnavailable, answerOf(h, wireRequest(t, "user_text")).status)
		}
		<-time.After(time.Minute)
		assert.Equal(t, http.StatusOK, answerOf(h, wireRequest(t, "user_text")).status)
		var renewals int
		for _, c := range store.calls {
			if c.method == "Begin" && c.claim == store.calls[0].claim {
				renewals++
			}
		}
		assert.Equal(t, 30, renewals, "the claim, and one every two seconds")
	})
}

// A renewal that fails is tried again, and a store that panics ends no process.
func TestRenewalFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore(t)
		calls := 0
		store.before = func(context.Context, storeCall) error {
			switch calls++; calls {
			case 2:
				return errStore
			case 3:
				panic(http.ErrAbortHandler)
			}
			return nil
		}
		h := wireHandler(t, deduplicated(returning(func(ctx context.Context) error {
			<-time.After(7 * time.Second)
			return ctx.Err()
		}), store))
		assert.Equal(t, http.StatusOK, answerOf(h, wireRequest(t, "user_text")).status)
		assert.Equal(t, []string{"Begin", "Begin", "Begin", "Begin", "Finish"}, store.methods())
	})
}

// A renewal that is under way ends before its claim: after Abandon, it would claim the event
// again.
func TestRenewalEndsBeforeItsClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		store := newSpyStore(t)
		store.before = func(_ context.Context, call storeCall) error {
			if call.method == "Begin" && time.Since(start) > 0 {
				<-time.After(time.Second)
			}
			return nil
		}
		h := wireHandler(t, deduplicated(returning(func(context.Context) error {
			<-time.After(2500 * time.Millisecond)
			return webpubsub.Unavailable("later")
		}), store))
		assert.Equal(t, http.StatusServiceUnavailable, answerOf(h, wireRequest(t, "user_text")).status)
		assert.Equal(t, 3*time.Second, time.Since(start))
		state, _, err := store.DeduplicationStore.Begin(t.Context(), store.call(0).key, "next", time.Second)
		require.NoError(t, err)
		assert.Equal(t, webpubsub.ClaimAgain, state)
	})
}

// TestClaimIsLost: a function whose claim another process holds is told to stop.
func TestClaimIsLost(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]func(s *spyStore, call storeCall) error{
		"running": func(*spyStore, storeCall) error { return nil },
		"done": func(s *spyStore, call storeCall) error {
			return s.DeduplicationStore.Finish(context.Background(), call.key, "successor", []byte{1, 0}, time.Hour)
		},
	} {
		for _, obeys := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					store := newSpyStore(t)
					var got []webpubsub.Outcome
					log, logger := debugLog()
					cfg := observed(withFallback(func(ctx context.Context, _ *webpubsub.UserEvent) (webpubsub.Reply, error) {
						call := store.call(0)
						require.NoError(t, store.DeduplicationStore.Abandon(ctx, call.key, call.claim, time.Hour))
						_, _, err := store.DeduplicationStore.Begin(ctx, call.key, "successor", time.Hour)
						require.NoError(t, err)
						require.NoError(t, after(store, call))
						<-ctx.Done()
						require.ErrorIs(t, context.Cause(ctx), webpubsub.ErrClaimLost)
						if obeys {
							return webpubsub.Reply{}, ctx.Err()
						}
						return webpubsub.TextReply("mine"), nil
					}), &got)
					cfg.Logger = logger
					answer := answerOf(wireHandler(t, deduplicated(cfg, store)), wireRequest(t, "user_text"))
					assert.Equal(t, map[bool]int{true: 500, false: 200}[obeys], answer.status)
					require.ErrorIs(t, got[0].StoreErr, webpubsub.ErrClaimLost)
					assert.Contains(t, log.String(), webpubsub.ErrClaimLost.Error())
					state, _, _ := store.DeduplicationStore.Begin(t.Context(), store.call(0).key, "late", time.Hour)
					assert.Equal(t, map[string]webpubsub.ClaimState{"running": webpubsub.ClaimRunning, "done": webpubsub.ClaimDone}[name], state, "the successor's")
				})
			})
		}
	}
}

// TestRepeatsInTheLog: each record has its level, and no payload.
func TestRepeatsInTheLog(t *testing.T) {
	t.Parallel()
	for state, level := range map[webpubsub.ClaimState]slog.Level{webpubsub.ClaimDone: slog.LevelDebug, webpubsub.ClaimRunning: slog.LevelInfo} {
		store := newSpyStore(t)
		store.begin = func() (webpubsub.ClaimState, []byte, error) {
			return state, []byte("\x01\x00\xc8\x01\x0atext/plain\x01x\x00\x00\x00"), nil
		}
		log, logger := debugLog()
		cfg := onUserEvent(webpubsub.TextReply("x"), nil)
		cfg.Logger = logger
		answerOf(wireHandler(t, deduplicated(cfg, store)), wireRequest(t, "user_text"))
		record := logRecord(t, log)
		assert.Equal(t, level.String(), record["level"])
		assert.Equal(t, "2", record["event_id"])
	}
}

func TestClaimStateString(t *testing.T) {
	t.Parallel()
	var names []string
	for s := range webpubsub.ClaimState(6) {
		names = append(names, s.String())
	}
	assert.Equal(t, []string{"invalid", "granted", "again", "running", "done", "invalid"}, names)
}
