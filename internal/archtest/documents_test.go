package archtest_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	fence   = regexp.MustCompile("(?s)\n```.*?\n```\n")
	goBlock = regexp.MustCompile("(?s)\n```go\n(.*?)\n```\n")
	link    = regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// documents returns the Markdown files of the repository.
func documents(t *testing.T) (names []string) {
	t.Helper()
	for _, file := range files(t) {
		if path.Ext(file) == ".md" {
			names = append(names, file)
		}
	}
	require.NotEmpty(t, names)
	return names
}

// TestDocumentLinks: documents link to files and headings that exist.
func TestDocumentLinks(t *testing.T) {
	t.Parallel()
	for _, document := range documents(t) {
		for _, match := range link.FindAllSubmatch(fence.ReplaceAll(readFile(t, document), []byte("\n")), -1) {
			target, anchor := document, strings.TrimPrefix(string(match[2]), "#")
			if len(match[1]) > 0 {
				target = path.Join(path.Dir(document), string(match[1]))
			}
			_, err := os.Stat(filepath.Join(rootDir, filepath.FromSlash(target)))
			if assert.NoError(t, err, "%s links to %s", document, target) && anchor != "" && path.Ext(target) == ".md" {
				assert.Contains(t, anchors(t, target), anchor, "%s links to a heading of %s", document, target)
			}
		}
	}
}

// anchors returns the anchors of a document's headings, as GitHub makes them.
func anchors(t *testing.T, document string) (all []string) {
	t.Helper()
	for _, match := range heading.FindAllSubmatch(fence.ReplaceAll(readFile(t, document), []byte("\n")), -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, string(match[1])))
	}
	return all
}

// TestDocumentCode: each Go block of a document is code of the repository, which is
// compiled and tested.
func TestDocumentCode(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, file := range files(t) {
		if path.Ext(file) == ".go" {
			code.Write(readFile(t, file))
			code.WriteString("\n")
		}
	}
	text := code.String()
	text += strings.ReplaceAll(text, "\n\t", "\n") + strings.ReplaceAll(text, "\n\t\t", "\n") // bodies of functions
	blocks := 0
	for _, document := range documents(t) {
		for _, block := range goBlock.FindAllSubmatch(readFile(t, document), -1) {
			blocks++
			if !strings.Contains(text, "\n"+string(block[1])+"\n") {
				t.Errorf("%s has a Go block that is no code of a Go file:\n%s", document, block[1])
			}
		}
	}
	assert.Positive(t, blocks)
}

// TestDocumentIndex: the index of the documentation has every page.
func TestDocumentIndex(t *testing.T) {
	t.Parallel()
	index := string(readFile(t, "docs/README.md"))
	for _, document := range documents(t) {
		if path.Dir(document) == "docs" && path.Base(document) != "README.md" {
			if !strings.Contains(index, "("+path.Base(document)+")") {
				t.Errorf("docs/README.md does not link to %s", document)
			}
		}
	}
}
