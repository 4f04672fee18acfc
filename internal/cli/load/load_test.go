package load_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli/load"
)

func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen [10]atomic.Int32
		var now, most atomic.Int32
		done := 0
		r := load.Run(t.Context(), 10, 3, func(_ context.Context, i int) load.Shot {
			seen[i].Add(1)
			most.Store(max(most.Load(), now.Add(1)))
			<-time.After(time.Second)
			now.Add(-1)
			switch {
			case i < 2:
				return load.Shot{Failure: "503 Service Unavailable", Status: 503, Took: time.Minute}
			case i == 2:
				return load.Shot{Failure: "connection refused"}
			}
			return load.Shot{Status: 200, Took: time.Duration(i) * time.Millisecond}
		}, func() { done++ })
		for i := range seen {
			assert.EqualValues(t, 1, seen[i].Load(), i)
		}
		assert.EqualValues(t, 3, most.Load())
		assert.Equal(t, 10, done)
		assert.Equal(t, []int{10, 10, 7, 9}, []int{r.Planned, r.Sent, r.OK, r.Answered()})
		assert.Equal(t, 4*time.Second, r.Took)
		assert.InDelta(t, 2.5, r.Rate(), 0)
		assert.Equal(t, []load.Count[string]{{What: "503 Service Unavailable", Times: 2}, {What: "connection refused", Times: 1}}, r.Failures())
		assert.Equal(t, []load.Count[int]{{What: 200, Times: 7}, {What: 503, Times: 2}}, r.Statuses())
		assert.Equal(t, 7*time.Millisecond, r.Percentile(50))
		assert.Equal(t, time.Minute, r.Percentile(99))
	})
}

func TestRunIsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var calls atomic.Int32
		r := load.Run(ctx, 1000, 2, func(ctx context.Context, i int) load.Shot {
			if calls.Add(1) == 6 {
				cancel()
			}
			select {
			case <-ctx.Done():
				return load.Shot{Failure: "cancelled"}
			case <-time.After(time.Duration(i) * time.Second):
				return load.Shot{Status: 204}
			}
		}, func() {})
		assert.Equal(t, 1000, r.Planned)
		assert.Equal(t, r.Sent, r.OK, "what was cancelled is not counted")
		assert.Less(t, r.Sent, 6)
		assert.LessOrEqual(t, calls.Load(), int32(7))
	})
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	run := func(n int) *load.Report {
		return load.Run(t.Context(), n, 1, func(_ context.Context, i int) load.Shot {
			return load.Shot{Status: 200, Took: time.Duration(n - i)}
		}, func() {})
	}
	for _, tt := range []struct {
		n       int
		percent int
		want    time.Duration
	}{
		{1, 0, 1}, {1, 50, 1}, {1, 100, 1},
		{2, 50, 1}, {2, 51, 2}, {2, 99, 2},
		{100, 0, 1}, {100, 50, 50}, {100, 99, 99}, {100, 100, 100},
		{5, 90, 5},
	} {
		assert.Equal(t, tt.want, run(tt.n).Percentile(tt.percent), "%+v", tt)
	}
	none := load.Run(t.Context(), 1, 1, func(context.Context, int) load.Shot { return load.Shot{Failure: "x"} }, func() {})
	assert.Zero(t, none.Percentile(50))
}

func TestCheck(t *testing.T) {
	t.Parallel()
	require.NoError(t, load.Check(1, 1))
	require.NoError(t, load.Check(load.MaxRepeat, load.MaxConcurrency))
	require.EqualError(t, load.Check(0, 1), "--repeat 0: want 1 to 1000000")
	require.EqualError(t, load.Check(load.MaxRepeat+1, 1), "--repeat 1000001: want 1 to 1000000")
	require.EqualError(t, load.Check(1, 0), "--concurrency 0: want 1 to 256")
	require.EqualError(t, load.Check(1, 257), "--concurrency 257: want 1 to 256")
}
