//go:build !race

// With the race detector, sync.Pool drops items at random, and each miss allocates.

package otelwebpubsub_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestAllocations limits what telemetry allocates for an event in addition to a plain
// Observe and interceptor. It must not run in parallel with other tests.
func TestAllocations(t *testing.T) { //nolint:paralleltest // see above
	limits := []float64{0, 1, 1, 4, 8}
	base := 0.0
	for i, way := range ways {
		serve := serving(t, way.opts())
		serve() // the first event makes the attributes
		got := testing.AllocsPerRun(200, serve)
		if i == 0 {
			base = got
		}
		assert.LessOrEqual(t, got-base, limits[i], way.name)
		t.Logf("%s: %v more than %v", way.name, got-base, base)
	}
}
