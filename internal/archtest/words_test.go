package archtest_test

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestREADMEServer compares the first Go block of the README with a program that is
// compiled and tested. After a change of the program, run make golden.
func TestREADMEServer(t *testing.T) {
	t.Parallel()
	const program = "examples/echo/main.go"
	before, rest, found := strings.Cut(string(readFile(t, "README.md")), "\n```go\n")
	require.True(t, found, "README.md has no Go block")
	block, after, found := strings.Cut(rest, "\n```\n")
	require.True(t, found, "README.md: the first Go block has no end")
	want := string(readFile(t, program))
	if *update {
		readme := before + "\n```go\n" + want + "```\n" + after
		require.NoError(t, os.WriteFile(filepath.Join(rootDir, "README.md"), []byte(readme), 0o644))
		return
	}
	assert.Equal(t, want, block+"\n", "first Go block of README.md and %s; run make golden", program)
}

// foreign are words of the machine on which a file was written. They are split here so
// that this file does not match.
var foreign = []struct {
	name string
	text *regexp.Regexp
	why  string
}{
	{"home directory", regexp.MustCompile(`(?:^|[\s"'=(:` + "`" + `])/(?:root|home/[\w.-]+|Users/[\w.-]+|work)/`), "a path of one machine"},
	{"Windows home directory", regexp.MustCompile(`[A-Z]:\\+Users\\`), "a path of one machine"},
	{"Go proxy", regexp.MustCompile(`\bproxy\.go` + `lang\.org\b`), "modules come from wherever GOPROXY says"},
	{"npm registry", regexp.MustCompile(`\bregistry\.npm` + `js\.org\b`), "a lock file with hosts in it cannot be installed behind a mirror"},
	{"Debian mirror", regexp.MustCompile(`\bdeb\.deb` + `ian\.org\b`), "packages come from wherever the system says"},
}

func TestForeignWords(t *testing.T) {
	t.Parallel()
	for _, file := range files(t) {
		data := readFile(t, file)
		if bytes.IndexByte(data, 0) >= 0 {
			continue
		}
		for i, line := range bytes.Split(data, []byte("\n")) {
			for _, f := range foreign {
				assert.Falsef(t, f.text.Match(line), "%s:%d: %s: %s", file, i+1, f.name, f.why)
			}
		}
	}
}

func TestForeignWordsAreFound(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line string
		want string
	}{
		{"see /" + "root/go/pkg", "home directory"},
		{`"/` + `home/ann/src"`, "home directory"},
		{"path=/" + "Users/Ann/src", "home directory"},
		{`C:\` + `Users\Ann`, "Windows home directory"},
		{"GOPROXY=https://proxy.go" + "lang.org", "Go proxy"},
		{`"resolved": "https://registry.npm` + `js.org/a/-/a.tgz"`, "npm registry"},
		{"deb http://deb.deb" + "ian.org/debian bookworm main", "Debian mirror"},
		{"mux.Handle(\"/eventhandler/{tenant}\", h)", ""},
		{"https://example.com/home/page, https://example.com/root/", ""},
		{"the golang.org/x/text module", ""},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			t.Parallel()
			got := ""
			for _, f := range foreign {
				if f.text.MatchString(tt.line) {
					got = f.name
				}
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

// Limits of files. A longer file has more than one idea, or is not source.
const (
	maxSourceLines = 400
	maxTestLines   = 600
	maxFileBytes   = 512 << 10
)

// longFiles maps files that may have more lines to the reason.
var longFiles = map[string]string{}

func TestFileSizes(t *testing.T) {
	t.Parallel()
	all := files(t)
	for _, file := range all {
		data := readFile(t, file)
		assert.LessOrEqual(t, len(data), maxFileBytes, "bytes of %s", file)
		if path.Ext(file) != ".go" || longFiles[file] != "" {
			continue
		}
		limit := maxSourceLines
		if strings.HasSuffix(file, "_test.go") {
			limit = maxTestLines
		}
		assert.LessOrEqual(t, bytes.Count(data, []byte("\n")), limit, "lines of %s", file)
	}
	for file := range longFiles {
		assert.True(t, slices.Contains(all, file), "%s is in longFiles and does not exist", file)
	}
}
