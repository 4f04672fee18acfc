package version_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/version"
)

// TestChangelog compares the version with the topmost heading of CHANGELOG.md. If
// that is a release, the two are the same. If it is Unreleased, the version is a
// later one than the release below, with the suffix -dev.
func TestChangelog(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../CHANGELOG.md")
	require.NoError(t, err)
	headings := regexp.MustCompile(`(?m)^## .*$`).FindAllString(string(text), -1)
	require.NotEmpty(t, headings)
	release := regexp.MustCompile(`^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$`)
	var released []string
	for i, heading := range headings {
		if i == 0 && heading == "## [Unreleased]" {
			continue
		}
		found := release.FindStringSubmatch(heading)
		require.NotNil(t, found, "want ## [Unreleased], on top only, or ## [X.Y.Z] - YYYY-MM-DD: %s", heading)
		released = append(released, found[1])
	}
	if len(released) == len(headings) {
		assert.Equal(t, version.Version, released[0])
		return
	}
	next, ok := strings.CutSuffix(version.Version, "-dev")
	assert.True(t, ok, "%s: want the suffix -dev while changes are unreleased", version.Version)
	released = append(released, "0.0.0")
	assert.Positive(t, compare(t, next, released[0]), "%s is not after %s", next, released[0])
}

// compare compares two versions of three numbers.
func compare(t *testing.T, a, b string) int {
	t.Helper()
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	require.Len(t, x, 3, a)
	for i := range x {
		m, err := strconv.Atoi(x[i])
		require.NoError(t, err, a)
		n, err := strconv.Atoi(y[i])
		require.NoError(t, err, b)
		if m != n {
			return m - n
		}
	}
	return 0
}
