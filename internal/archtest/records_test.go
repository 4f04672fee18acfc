package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const recordsDocument = "docs/observability.md"

// logs are the packages that log, by the heading of their table in the document.
var logs = map[string][]string{
	"Handler":  {"."},
	"Client":   {"client"},
	"Emulator": {"emulator", "emulator/internal/trace"},
}

// silent are packages that must not log.
var silent = []string{"service", "entra", "mqtt", "emulator/internal/hub", "emulator/internal/rest", "emulator/internal/dispatch", "emulator/internal/transport"}

// records are what log calls have, as constants.
type records struct {
	messages, keys map[string]bool
}

// TestRecords compares the tables of log records in the document with the calls in the
// code: every message, and every attribute.
func TestRecords(t *testing.T) {
	t.Parallel()
	document := string(readFile(t, recordsDocument))
	known := make(map[string]bool)
	for heading, dirs := range logs {
		found := recordsOf(t, dirs)
		rows := table(t, document, "### "+heading)
		messages, keys := make(map[string]bool), make(map[string]bool)
		for _, row := range rows {
			require.Len(t, row, 3, "%s: message, level, attributes", heading)
			for _, text := range codes(row[0]) {
				messages[text] = true
			}
			for _, key := range codes(row[2]) {
				keys[key] = true
			}
		}
		assert.Equal(t, sorted(found.messages), sorted(messages), "messages of %s", heading)
		assert.Equal(t, sorted(found.keys), sorted(keys), "attributes of %s", heading)
		maps.Copy(known, keys)
	}
	described := make(map[string]bool)
	for _, row := range table(t, document, "### Attributes") {
		for _, key := range codes(row[0]) {
			described[key] = true
		}
	}
	assert.Equal(t, sorted(known), sorted(described), "the table of attributes")
	for _, dir := range silent {
		found := recordsOf(t, []string{dir})
		assert.Empty(t, found.messages, dir)
	}
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// table returns the rows of the first table after a heading, without their head.
func table(t *testing.T, document, heading string) (rows [][]string) {
	t.Helper()
	_, rest, found := strings.Cut(document, "\n"+heading+"\n")
	require.True(t, found, "%s has no heading %q", recordsDocument, heading)
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if len(rows) > 0 || strings.HasPrefix(line, "#") {
				break
			}
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	require.Greater(t, len(rows), 2, "rows after %q", heading)
	return rows[2:]
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

func codes(cell string) (out []string) {
	for _, match := range codeSpan.FindAllStringSubmatch(cell, -1) {
		out = append(out, match[1])
	}
	return out
}

// recordsOf returns the records of the packages in folders.
func recordsOf(t *testing.T, dirs []string) records {
	t.Helper()
	out := records{make(map[string]bool), make(map[string]bool)}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(rootDir, dir, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, dir)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			ast.Inspect(parsed, out.visit)
		}
	}
	return out
}

func (r records) visit(node ast.Node) bool {
	switch node := node.(type) {
	case *ast.CallExpr:
		r.call(node)
	case *ast.AssignStmt: // messages that are chosen before they are logged
		for i, to := range node.Lhs {
			if name, ok := to.(*ast.Ident); ok && name.Name == "message" && i < len(node.Rhs) {
				r.message(node.Rhs[i])
			}
		}
	case *ast.ValueSpec: // the emulator's lines, by kind
		if len(node.Names) == 1 && node.Names[0].Name == "lines" && len(node.Values) == 1 {
			ast.Inspect(node.Values[0], func(inner ast.Node) bool {
				if lit, ok := inner.(*ast.BasicLit); ok {
					r.message(lit)
				}
				return true
			})
		}
	}
	return true
}

func (r records) call(call *ast.CallExpr) {
	switch name, of := calledName(call); {
	case of == "" && name == "text" && len(call.Args) == 2, of == "slog" && slices.Contains([]string{"String", "Int", "Any", "Duration", "Float64"}, name):
		if key, ok := constant(call.Args[0]); ok {
			r.keys[key] = true
		}
	case isLogger(of) && slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, name):
		r.message(call.Args[0])
		for i := 1; i < len(call.Args); i += 2 {
			if key, ok := constant(call.Args[i]); ok {
				r.keys[key] = true
			}
		}
	case isLogger(of) && name == "LogAttrs", name == "write" && len(call.Args) >= 6:
		r.message(call.Args[2])
	}
}

func isLogger(of string) bool {
	return strings.HasSuffix(strings.ToLower(of), "logger") || of == "to"
}

// calledName returns the name of the called function, and the last name before it: its
// package, or the variable or function whose method it is.
func calledName(call *ast.CallExpr) (name, of string) {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name, ""
	case *ast.SelectorExpr:
		switch x := f.X.(type) {
		case *ast.Ident:
			of = x.Name
		case *ast.SelectorExpr:
			of = x.Sel.Name
		case *ast.CallExpr:
			of, _ = calledName(x)
		}
		return f.Sel.Name, of
	}
	return "", ""
}

// message adds the message of an expression, if it is constant. Of a message made by
// fmt.Sprintf, it is the format up to the first verb.
func (r records) message(expr ast.Expr) {
	if call, ok := expr.(*ast.CallExpr); ok {
		if name, of := calledName(call); of == "fmt" && name == "Sprintf" {
			if text, ok := constant(call.Args[0]); ok {
				text, _, _ = strings.Cut(text, " %")
				r.messages[text] = true
			}
		}
		return
	}
	if text, ok := constant(expr); ok && text != "" {
		r.messages[strings.TrimPrefix(text, "webpubsub: ")] = true
	}
}

// constant returns the value of a constant string.
func constant(expr ast.Expr) (string, bool) {
	switch expr := expr.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(expr.Value)
		return text, err == nil && expr.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := constant(expr.X)
		right, also := constant(expr.Y)
		return left + right, ok && also
	}
	return "", false
}
