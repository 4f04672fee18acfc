package bench_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/entra"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/internal/bench"
)

// withTokens returns the application that also requires a token, and its identity.
func withTokens(tb testing.TB) (*webpubsub.Handler, *httptest.Identity) {
	tb.Helper()
	id := httptest.NewIdentity("api://bench", 1)
	tokens, err := entra.NewVerifier(entra.Config{
		TenantID: id.TenantID, Audiences: []string{id.Audience}, CallerObjectIDs: []string{id.ObjectID}, Authority: id.Authority, Transport: id,
	})
	require.NoError(tb, err)
	cfg := bench.Config(hub, accessKey)
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.Verifier = tokens
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(tb, err)
	return h, id
}

// entraKinds are the kinds of requests that have a token.
var entraKinds = []kind{userText, connect, connected}

func TestEntraContestantAnswers(t *testing.T) {
	t.Parallel()
	h, id := withTokens(t)
	for _, k := range entraKinds {
		call := newCall(t, k)
		call.serve(h)
		require.Equal(t, 401, call.status, "without a token")
		call.request.Header.Set("Authorization", "Bearer "+id.Token())
		call.serve(h)
		call.check(t, k)
	}
}

// BenchmarkEntra compares a handler that verifies signatures with a handler that also
// verifies tokens.
func BenchmarkEntra(b *testing.B) {
	h, id := withTokens(b)
	plain := contestants(b)[0].handler
	for _, k := range entraKinds {
		b.Run(k.name+"/signature", func(b *testing.B) {
			call := newCall(b, k)
			b.ReportAllocs()
			for b.Loop() {
				call.serve(plain)
			}
			call.check(b, k)
		})
		b.Run(k.name+"/signature-and-token", func(b *testing.B) {
			call := newCall(b, k)
			call.request.Header.Set("Authorization", "Bearer "+id.Token())
			call.serve(h)
			b.ReportAllocs()
			for b.Loop() {
				call.serve(h)
			}
			call.check(b, k)
		})
	}
}
