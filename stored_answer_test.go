package webpubsub_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// TestMaxAnswerBytes: an answer that is too long is sent, but not stored. A repeat is not
// handled again, and is told nothing wrong: the reply to a connect event without its
// groups and roles would give the client those of its token.
func TestMaxAnswerBytes(t *testing.T) {
	t.Parallel()
	const fixed = len("text/plain; charset=utf-8") + len("state") + len("name") + len("value")
	reply := func(n int) webpubsub.Reply {
		r := webpubsub.TextReply(strings.Repeat("x", n))
		r.State, r.Metadata = webpubsub.RawState("state"), map[string]string{"name": "value"}
		return r
	}
	for _, tt := range []struct {
		most, text int
		stored     bool
	}{
		{100, 100 - fixed, true},
		{100, 101 - fixed, false},
		{0, 1<<20 - fixed, true},
		{0, 1<<20 + 1 - fixed, false},
	} {
		var got []webpubsub.Outcome
		cfg := observed(onUserEvent(reply(tt.text), nil), &got)
		log, logger := debugLog()
		cfg.Deduplication = webpubsub.Deduplication{Store: newSpyStore(t), MaxAnswerBytes: tt.most}
		cfg.Logger = logger
		h := wireHandler(t, cfg)
		first := answerOf(h, wireRequest(t, "user_text"))
		assert.Equal(t, !tt.stored, strings.Contains(log.String(), "may be refused or handled again"), log)
		assert.Equal(t, http.StatusOK, first.status)
		assert.Equal(t, tt.stored, got[0].StoreErr == nil, "%v", got[0].StoreErr)
		repeat := answerOf(h, wireRequest(t, "user_text"))
		assert.Equal(t, webpubsub.OutcomeRepeated, got[1].Kind)
		assert.Equal(t, tt.stored, got[1].Err == nil, "%v", got[1].Err)
		if tt.stored {
			assert.Equal(t, first, repeat)
			continue
		}
		assert.Equal(t, http.StatusInternalServerError, repeat.status)
		assert.Equal(t, "Internal Server Error", repeat.body)
		assert.Empty(t, repeat.header.Values("ce-connectionState"))
	}
}

// FuzzStoredAnswer: whatever a store returns, the handler answers with it, or with 503, and
// writes no header that is none.
func FuzzStoredAnswer(f *testing.F) {
	for _, stored := range []string{
		"", "\x01", "\x01\x00", "\x01\x08", "\x02\x00", "\x01\x00\xc8\x01\x0atext/plain\x01x\x00\x00\x00",
		"\x01\x02\xcc\x01\x00\x00\x05state\x00\x00", "\x01\x00\xc8\x01\x0atext/plain\x01x\x00\x01\x01n\x01v\x01\x01p\x01q",
		"\x01\x00\xc8\x01\x0atext/plain\x01x\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01\x02\xcc\x01\x00\x00\x03a\nb\x00\x00",
		"\x01\x00\xc8\x01\x00\x01x\x00\x00\x00", "\x01\x00\x63\x00\x00\x00\x00\x00", "\x01\x00\xd8\x04\x00\x00\x00\x00\x00", "\x01\x00\xc8\x01\x00\x00\x00\x00\x00more",
	} {
		f.Add([]byte(stored))
	}
	store := newSpyStore(f)
	h := wireHandler(f, deduplicated(onUserEvent(webpubsub.TextReply("must not run"), nil), store))
	f.Fuzz(func(t *testing.T, stored []byte) {
		store.calls = nil
		store.begin = func() (webpubsub.ClaimState, []byte, error) { return webpubsub.ClaimDone, stored, nil }
		w := httptest.NewRecorder()
		h.ServeHTTP(w, wireRequest(t, "user_text"))
		require.NotContains(t, w.Body.String(), "must not run")
		require.GreaterOrEqual(t, w.Code, 200)
		require.Less(t, w.Code, 600)
		for name, values := range w.Header() {
			require.True(t, rule.IsToken(name), name)
			for _, v := range values {
				require.True(t, rule.IsHeaderValue(v), v)
			}
		}
	})
}
