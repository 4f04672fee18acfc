//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGettingStarted checks that the page has the files of examples/auction, byte for
// byte.
func TestGettingStarted(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/getting-started.md")
	require.NoError(t, err)
	steps, err := parse(string(page))
	require.NoError(t, err)
	names, err := filepath.Glob("../../examples/auction/*.go")
	require.NoError(t, err)
	got := files(steps)
	assert.Len(t, got, len(names))
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.Equal(t, string(text), got[filepath.Base(name)], name)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	steps, err := parse("`a.go`, a file:\n```go\npackage a\n```\nmore:\n```go\nvar x int\n```\n```sh terminal 2\ngo run .\n```\n```text\nok\n```\n")
	require.NoError(t, err)
	assert.Equal(t, []step{
		{code, 2, "a.go", "", "package a\n"},
		{code, 6, "a.go", "", "var x int\n"},
		{command, 9, "", "2", "go run .\n"},
		{output, 12, "", "", "ok\n"},
	}, steps)
	assert.Equal(t, map[string]string{"a.go": "package a\n\nvar x int\n"}, files(steps))
	for _, page := range []string{"```go\npackage a\n```\n", "```yaml\na: b\n```\n", "```text\nok\n```\n"} {
		_, err := parse(page)
		require.Error(t, err, page)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	require.NoError(t, compare("ok  example …s\n", "ok  example 0.1s\n"))
	require.Error(t, compare("ok\n", "ok\nand more\n"))
	require.Error(t, compare("ok.\n", "okx\n"))
}
