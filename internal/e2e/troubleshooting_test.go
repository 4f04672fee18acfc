package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTroubleshooting: the texts of ours that docs/troubleshooting.md quotes are those of
// TestMistakes, which compares them with what is really logged and returned.
func TestTroubleshooting(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile(filepath.Join("..", "..", "docs", "troubleshooting.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(document), "\n## What our logs and errors say\n")
	require.True(t, found)
	texts := make([]string, 0, len(mistakes))
	for _, m := range mistakes {
		for _, text := range []string{m.value, m.rule, m.remedy} {
			texts = append(texts, strings.ReplaceAll(text, `\`, ""))
		}
	}
	code := regexp.MustCompile("`([^`]+)`")
	quoted := 0
	for line := range strings.Lines(section) {
		row, isRow := strings.CutPrefix(line, "| ")
		if !isRow || strings.HasPrefix(row, "text ") {
			continue
		}
		text, _, _ := strings.Cut(row, " | ")
		for _, span := range code.FindAllStringSubmatch(text, -1) {
			quoted++
			assert.True(t, strings.Contains(strings.Join(texts, "\n"), span[1]), "no mistake has the text %q", span[1])
		}
	}
	assert.Greater(t, quoted, 10)
}
