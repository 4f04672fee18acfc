package service_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readText(tb testing.TB, path string) string {
	tb.Helper()
	data, err := os.ReadFile(path)
	require.NoError(tb, err)
	return string(data)
}

// TestOperationsTable compares the table of docs/service-parity.md with the code:
// it has each operation once, with methods that exist, a test here and a call in
// the end-to-end tests.
func TestOperationsTable(t *testing.T) {
	t.Parallel()
	rows := regexp.MustCompile("(?m)^\\| (\\w+) \\| (.+?) \\| .+ \\| .+ \\| `(\\w+)/(\\w+)` \\|$").FindAllStringSubmatch(readText(t, "../docs/service-parity.md"), -1)
	listed := map[string][]string{}
	for _, row := range rows {
		if row[3] == "TestOperations" {
			listed[row[1]] = row
		}
	}
	api := readText(t, "../internal/archtest/testdata/api/service.txt")
	endToEnd := readText(t, "../internal/e2e/service_test.go")
	for _, op := range operations() {
		row, ok := listed[op.name]
		if !assert.True(t, ok, "no row for %s", op.name) {
			continue
		}
		assert.Equal(t, op.name, row[4], "test of %s", op.name)
		assert.Contains(t, endToEnd, op.name, "end-to-end test")
		receiver := ""
		for _, code := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[2], -1) {
			method := code[1]
			if i := strings.LastIndex(method, "."); i >= 0 {
				receiver, method = strings.TrimSuffix(strings.TrimPrefix(method[:i], "c."), "()"), method[i+1:]
			}
			if receiver == "c" {
				receiver = "*Client"
			}
			assert.Contains(t, api, "func ("+receiver+")."+method+"(", op.name)
		}
	}
	assert.Len(t, listed, len(operations()))
}

// TestDocumentedTests: every test that docs/service-parity.md names exists.
func TestDocumentedTests(t *testing.T) {
	t.Parallel()
	var tests strings.Builder
	for _, dir := range []string{".", "filter"} {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, entry := range entries {
			if strings.HasSuffix(entry.Name(), "_test.go") {
				tests.WriteString(readText(t, dir+"/"+entry.Name()))
			}
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)(?:/([^`]+))?`").FindAllStringSubmatch(readText(t, "../docs/service-parity.md"), -1)
	require.NotEmpty(t, named)
	for _, name := range named {
		assert.Contains(t, tests.String(), "\nfunc "+name[1]+"(")
		if name[2] != "" {
			assert.Contains(t, tests.String(), `"`+name[2]+`"`, "part of %s", name[1])
		}
	}
}

// TestGuide: the Go blocks of docs/service.md are code of the examples here, which
// are compiled and run.
func TestGuide(t *testing.T) {
	t.Parallel()
	code := readText(t, "example_test.go")
	code += strings.ReplaceAll(code, "\n\t", "\n") // the bodies of functions
	blocks := regexp.MustCompile("(?s)\n```go\n(.*?)\n```\n").FindAllStringSubmatch(readText(t, "../docs/service.md"), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		assert.Contains(t, code, "\n"+block[1]+"\n")
	}
}
