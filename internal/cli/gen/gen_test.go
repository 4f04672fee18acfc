package main_test

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	gen "github.com/go-webpubsub/webpubsub/internal/cli/gen"
)

var update = flag.Bool("update", false, "write docs/cli.md anew")

// TestMarkdown compares docs/cli.md with the commands.
func TestMarkdown(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "..", "docs", "cli.md")
	var page strings.Builder
	require.NoError(t, gen.Run([]string{"markdown"}, &page))
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(page.String()), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), page.String(), "docs/cli.md; run make golden")
}

func TestProse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"One\ntwo.":                         "One\ntwo.",
		"A <b> of *c* and d_e|f.":           `A \<b\> of \*c\* and d\_e\|f.`,
		"A:\n\n  b *\n    c\n\nD.":          "A:\n\n```\nb *\n  c\n```\n\nD.",
		"A:\n\n  b\n\n  c":                  "A:\n\n```\nb\n\nc\n```",
		"A:\n\n  b\nC.":                     "A:\n\n```\nb\n```\nC.",
		"JSON: {\"a\", \"b\"}. [c] `d` \\.": "JSON: {\"a\", \"b\"}. \\[c\\] \\`d\\` \\\\.",
	} {
		assert.Equal(t, want, gen.Prose(text), text)
	}
}

// TestMan checks that each command has a page, with all words of its help.
func TestMan(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "man")
	require.NoError(t, gen.Run([]string{"man", dir}, io.Discard))
	var visit func(c *cobra.Command)
	pages := 0
	visit = func(c *cobra.Command) {
		page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"))
		require.NoError(t, err)
		pages++
		text := words(strings.NewReplacer(`\-`, "-", `\&`, "", `\(rs`, `\`, `\fB`, "", `\fI`, "", `\fP`, "", `\fR`, "", `\.`, ".", `\\`, `\`).Replace(string(page)))
		help := c.Short + " " + c.Long + " " + c.Example
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			_, usage := pflag.UnquoteUsage(f)
			help += " " + usage
		})
		for word := range strings.FieldsSeq(help) {
			assert.Contains(t, text, word, c.CommandPath())
		}
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				visit(sub)
			}
		}
	}
	visit(gen.Root())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, pages)
}

// words returns the words of a text between single spaces.
func words(text string) string { return regexp.MustCompile(`\s+`).ReplaceAllString(text, " ") }

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"html"}, {"man"}, {"markdown", "man"}} {
		require.EqualError(t, gen.Run(args, io.Discard), "want markdown, or man DIRECTORY")
	}
}
