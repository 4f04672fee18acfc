package conformance_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/conformance"
)

// Each check says all that its output needs, and the steps are in order.
func TestChecks(t *testing.T) {
	t.Parallel()
	steps := []conformance.Step{
		conformance.StepReach, conformance.StepValidation, conformance.StepEvents, conformance.StepSecurity, conformance.StepAnswers,
	}
	seen := make(map[string]bool)
	last := 0
	for _, c := range conformance.Checks() {
		assert.Regexp(t, regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`), c.ID)
		assert.False(t, seen[c.ID], "check %s is repeated", c.ID)
		seen[c.ID] = true
		for _, text := range []string{c.Rule, c.Reason, c.Remedy} {
			assert.NotEmpty(t, text, c.ID)
			assert.NotRegexp(t, `\.$`, text, c.ID)
		}
		at := slices.Index(steps, c.Step)
		assert.GreaterOrEqual(t, at, last, "check %s is in step %q", c.ID, c.Step)
		last = at
	}
	assert.Equal(t, len(steps)-1, last)
}
