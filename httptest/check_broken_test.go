package httptest_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/internal/conformance"
	"github.com/go-webpubsub/webpubsub/internal/conformance/broken"
)

// checkBroken returns the broken rules of a handler, in order.
func checkBroken(t *testing.T, h *broken.Handler) []*httptest.CheckError {
	t.Helper()
	err := httptest.CheckHandler(t.Context(), h, &httptest.Options{
		ConnectionString: broken.ConnectionString,
		URL:              "http://localhost:3000" + h.URLPath(),
	})
	require.Error(t, err)
	var joined interface{ Unwrap() []error }
	require.ErrorAs(t, err, &joined)
	var all []*httptest.CheckError
	for _, err := range joined.Unwrap() {
		var failed *httptest.CheckError
		require.ErrorAs(t, err, &failed)
		all = append(all, failed)
	}
	return all
}

// Every check fails for at least one broken handler, and no broken handler fails
// other checks.
func TestCheckHandlerCatches(t *testing.T) {
	t.Parallel()
	handlers, err := broken.Handlers()
	require.NoError(t, err)
	caught := map[string]bool{
		"reach":       true, // see TestCheckHandlerThatPanics
		"other-hub":   true, // over the network
		"answer-time": true,
	}
	for name, h := range handlers {
		if h.NeedsOther {
			continue // see internal/doctor
		}
		for _, id := range h.Fails {
			caught[id] = true
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ids []string
			for _, failed := range checkBroken(t, &h) {
				ids = append(ids, failed.ID)
				assert.NotEmpty(t, failed.Rule)
				assert.NotEmpty(t, failed.Reason)
				assert.NotEmpty(t, failed.Problems)
				assert.NotEmpty(t, failed.Remedy)
				assert.Contains(t, failed.Error(), failed.Reason)
				assert.Contains(t, failed.Error(), failed.Cause)
				assert.Contains(t, failed.Error(), failed.Remedy)
				assert.NotContains(t, failed.Error(), "s3cr3t")
			}
			assert.Equal(t, h.Fails, ids)
		})
	}
	ids := make(map[string]bool)
	for _, c := range conformance.Checks() {
		assert.False(t, ids[c.ID], "check %s is repeated", c.ID)
		ids[c.ID] = true
		assert.True(t, caught[c.ID], "no broken handler for check %s", c.ID)
	}
	assert.Subset(t, slices.Collect(maps.Keys(ids)), slices.Collect(maps.Keys(caught)))
}

func TestCheckHandlerThatPanics(t *testing.T) {
	t.Parallel()
	err := httptest.CheckHandler(t.Context(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oops") }), nil)
	var failed *httptest.CheckError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "reach", failed.ID)
	assert.Equal(t, "the handler panics", failed.Cause)
	assert.False(t, failed.Warning)
}

func TestCheckErrorWarns(t *testing.T) {
	t.Parallel()
	handlers, err := broken.Handlers()
	require.NoError(t, err)
	for name, want := range map[string]bool{
		"no GET": true, "consent to every origin": true, "origins matched by prefix": false,
		"500 for bad requests": true, "a panic for bad requests": false, "OPTIONS not found": true,
	} {
		h := handlers[name]
		assert.Equal(t, want, checkBroken(t, &h)[0].Warning, name)
	}
}

// fullConfig handles every kind of event, so that every check reaches code.
func fullConfig() webpubsub.Config {
	cfg := broken.Config()
	cfg.ConnectionStrings = []string{httptest.ConnectionString}
	return cfg
}
