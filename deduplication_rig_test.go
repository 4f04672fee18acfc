package webpubsub_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// storeCall is a call of a deduplication store.
type storeCall struct {
	method, key, claim string
	lasts              time.Duration
	answer             []byte
}

// spyStore records the calls of a MemoryStore, and can fail or replace them.
type spyStore struct {
	webpubsub.DeduplicationStore
	before func(ctx context.Context, call storeCall) error // nil: none
	begin  func() (webpubsub.ClaimState, []byte, error)    // nil: that of the MemoryStore

	mu    sync.Mutex
	calls []storeCall
}

func newSpyStore(tb testing.TB) *spyStore {
	tb.Helper()
	memory, err := webpubsub.NewMemoryStore(nil)
	require.NoError(tb, err)
	return &spyStore{DeduplicationStore: memory}
}

func (s *spyStore) called(ctx context.Context, call storeCall) error {
	s.mu.Lock()
	s.calls = append(s.calls, call)
	before := s.before
	s.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(ctx, call)
}

// methods returns the names of the calls since the last call.
func (s *spyStore) methods() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, c := range s.calls {
		names = append(names, c.method)
	}
	s.calls = nil
	return names
}

// call returns a call that was recorded.
func (s *spyStore) call(i int) storeCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[i]
}

func (s *spyStore) Begin(ctx context.Context, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error) {
	if err := s.called(ctx, storeCall{"Begin", key, claim, lease, nil}); err != nil {
		return 0, nil, err
	}
	if s.begin != nil {
		return s.begin()
	}
	return s.DeduplicationStore.Begin(ctx, key, claim, lease)
}

func (s *spyStore) Finish(ctx context.Context, key, claim string, answer []byte, ttl time.Duration) error {
	if err := s.called(ctx, storeCall{"Finish", key, claim, ttl, answer}); err != nil {
		return err
	}
	return s.DeduplicationStore.Finish(ctx, key, claim, answer, ttl)
}

func (s *spyStore) Abandon(ctx context.Context, key, claim string, ttl time.Duration) error {
	if err := s.called(ctx, storeCall{"Abandon", key, claim, ttl, nil}); err != nil {
		return err
	}
	return s.DeduplicationStore.Abandon(ctx, key, claim, ttl)
}

// deduplicated returns cfg with a store.
func deduplicated(cfg webpubsub.Config, store webpubsub.DeduplicationStore) webpubsub.Config {
	cfg.Deduplication.Store = store
	return cfg
}

// fullAnswer is all of an answer.
type fullAnswer struct {
	status int
	header http.Header
	body   string
}

// answerOf returns the answer to a request. It may be called in any goroutine.
func answerOf(h http.Handler, r *http.Request) fullAnswer {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return fullAnswer{w.Code, w.Result().Header, w.Body.String()}
}
