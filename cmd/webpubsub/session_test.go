package main_test

import (
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the session in docs/check.md anew")

// TestCheckSession compares the session in docs/check.md with what its script prints.
func TestCheckSession(t *testing.T) {
	t.Parallel()
	const page, path = "../../docs/check.md", "../../docs/check-session.sh"
	_, err := os.ReadFile(path) // so that go test does not cache the result of another version
	require.NoError(t, err)
	script := exec.CommandContext(t.Context(), "bash", path)
	var stderr strings.Builder
	script.Stderr = &stderr
	session, err := script.Output()
	require.NoError(t, err, "%s", &stderr)
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), "\n```console\n")
	require.True(t, found, "docs/check.md has no console block")
	block, after, found := strings.Cut("\n"+rest, "\n```\n")
	require.True(t, found, "docs/check.md: the console block has no end")
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+"\n```console\n"+string(session)+"```\n"+after), 0o644)) //nolint:gosec // the path is a constant
		return
	}
	assert.Equal(t, string(session), strings.TrimPrefix(block, "\n")+"\n", "docs/check.md; run make golden")
}
