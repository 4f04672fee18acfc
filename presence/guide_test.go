package presence_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGuide: the Go blocks of docs/presence.md are code of example_test.go, which is compiled and
// run.
func TestGuide(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	code := string(data) + strings.ReplaceAll(string(data), "\n\t", "\n") // the bodies of functions
	text, err := os.ReadFile("../docs/presence.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)\n```go\n(.*?)\n```\n").FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		assert.Contains(t, code, "\n"+block[1]+"\n")
	}
}
