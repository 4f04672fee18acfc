package main_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSession runs docs/check.sh and compares its output with the session in
// docs/troubleshooting.md.
func TestSession(t *testing.T) {
	t.Parallel()
	docs := filepath.Join("..", "..", "docs")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(free.Addr().String())
	require.NoError(t, err)
	require.NoError(t, free.Close())
	session := exec.CommandContext(t.Context(), "sh", filepath.Join(docs, "check.sh"))
	session.Env = append(os.Environ(), "PORT="+port)
	var stderr strings.Builder
	session.Stderr = &stderr
	output, err := session.Output()
	require.NoError(t, err, "%s", &stderr)

	document, err := os.ReadFile(filepath.Join(docs, "troubleshooting.md"))
	require.NoError(t, err)
	_, block, found := strings.Cut(string(document), "\n## A session\n")
	require.True(t, found)
	_, block, found = strings.Cut(block, "\n```\n")
	require.True(t, found)
	block, _, found = strings.Cut(block, "```\n")
	require.True(t, found)
	assert.Equal(t, block, strings.ReplaceAll(string(output), ":"+port, ":3000"), "sh docs/check.sh prints the new session")
}
