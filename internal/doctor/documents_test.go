package doctor_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCausesAreDocumented compares the ids of all causes with those in
// docs/troubleshooting.md.
func TestCausesAreDocumented(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, dir := range []string{".", filepath.Join("..", "conformance")} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		for _, name := range names {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			require.NoError(t, err)
			ids = append(ids, causesIn(t, f)...)
		}
	}
	require.NotEmpty(t, ids)
	slices.Sort(ids)

	document, err := os.ReadFile(filepath.Join("..", "..", "docs", "troubleshooting.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(document), "\n## What check names\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	code := regexp.MustCompile("`([^`]+)`")
	var documented []string
	for line := range strings.Lines(section) {
		row, isRow := strings.CutPrefix(line, "| `")
		if !isRow {
			continue
		}
		cell, _, _ := strings.Cut("`"+row, " | ")
		for _, span := range code.FindAllStringSubmatch(cell, -1) {
			documented = append(documented, span[1])
		}
	}
	slices.Sort(documented)
	assert.Equal(t, slices.Compact(ids), documented)
}

// causesIn returns the ids of the causes that a file makes.
func causesIn(t *testing.T, f *ast.File) (ids []string) {
	t.Helper()
	ast.Inspect(f, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok || !isCause(literal.Type) {
			return true
		}
		for _, element := range literal.Elts {
			pair, _ := element.(*ast.KeyValueExpr)
			if key, _ := pair.Key.(*ast.Ident); key.Name == "ID" {
				value, isText := pair.Value.(*ast.BasicLit)
				require.True(t, isText)
				id, err := strconv.Unquote(value.Value)
				require.NoError(t, err)
				ids = append(ids, id)
			}
		}
		return true
	})
	return ids
}

func isCause(typ ast.Expr) bool {
	switch typ := typ.(type) {
	case *ast.Ident:
		return typ.Name == "Cause"
	case *ast.SelectorExpr:
		return typ.Sel.Name == "Cause"
	}
	return false
}
