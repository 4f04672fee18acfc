package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/examples/chat/app"
	replicas "github.com/go-webpubsub/webpubsub/examples/chat/replicas"
	"github.com/go-webpubsub/webpubsub/redis"
)

func newHistory(t *testing.T) app.History {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{miniredis.RunT(t).Addr()}, DisableCache: true})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	h, err := redis.NewHistory(redis.Config{Client: client}, redis.HistoryLimits{})
	require.NoError(t, err)
	return replicas.NewHistory(h)
}

func TestHistory(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	first, second := app.Notice{Type: "said", Room: "a", ID: "1", Text: "hello"}, app.Notice{Type: "said", Room: "a", ID: "2"}
	for _, n := range []app.Notice{first, {Room: "b", ID: "1"}, first, second} {
		require.NoError(t, h.Add(t.Context(), n))
	}
	all, err := h.Last(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, []app.Notice{first, second}, all, "an event that comes twice counts once")
	none, err := h.Last(t.Context(), "c")
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestHistoryHasLimits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		text string
		want int
	}{
		{"number", "short", app.MaxNotices},
		{"bytes", strings.Repeat("x", app.MaxBytes/10), 9},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHistory(t)
			for i := range app.MaxNotices + 10 {
				require.NoError(t, h.Add(t.Context(), app.Notice{Room: "a", ID: fmt.Sprint(i), Text: tc.text}))
			}
			all, err := h.Last(t.Context(), "a")
			require.NoError(t, err)
			require.Len(t, all, tc.want)
			assert.Equal(t, fmt.Sprint(app.MaxNotices+9), all[tc.want-1].ID, "the last ones")
		})
	}
}
