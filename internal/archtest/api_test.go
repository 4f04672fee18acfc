package archtest_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

const apiDir = "testdata/api"

// TestAPI compares the exported API of each public package with its golden file, which
// has one feature per line. After an intended change, run make golden and commit the
// result.
func TestAPI(t *testing.T) {
	t.Parallel()
	packages := goList(t, "-export")
	exports := make(map[string]string, len(packages))
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	imp := importer.ForCompiler(token.NewFileSet(), "gc", lookup)

	var public []string
	for _, p := range packages {
		if !p.own() || !isPublic(p) {
			continue
		}
		pkg, err := imp.Import(p.ImportPath)
		require.NoError(t, err)
		golden := filepath.Join(apiDir, goldenName(p.ImportPath))
		public = append(public, golden)
		got := apiOf(pkg)
		if *update {
			require.NoError(t, os.WriteFile(golden, []byte(strings.Join(got, "\n")+"\n"), 0o644))
			continue
		}
		want, err := os.ReadFile(golden)
		if errors.Is(err, fs.ErrNotExist) {
			assert.Fail(t, golden+" is not there: run make golden and read what the new package is about to promise")
			continue
		}
		require.NoError(t, err)
		if changes := diffLines(strings.FieldsFunc(string(want), isNewline), got); len(changes) > 0 {
			assert.Fail(t, "exported API differs from "+golden+"; if that is intended, run make golden",
				"%s", strings.Join(changes, "\n"))
		}
	}
	require.NotEmpty(t, public)
	kept, err := filepath.Glob(filepath.Join(apiDir, "*"))
	require.NoError(t, err)
	assert.ElementsMatch(t, public, kept, "golden files and public packages")
}

func isNewline(r rune) bool { return r == '\n' }

// isPublic reports whether a package is for other modules.
func isPublic(p listed) bool {
	elements := strings.Split(ourPath(p.ImportPath), "/")
	return p.Name != "main" && elements[0] != "examples" && !slices.Contains(elements, "internal")
}

func goldenName(importPath string) string {
	if path := ourPath(importPath); path != "." {
		return strings.ReplaceAll(path, "/", "_") + ".txt"
	}
	return "webpubsub.txt"
}

// diffLines returns the lines that only one of two lists has, in order.
func diffLines(want, got []string) []string {
	sign := make(map[string]string)
	for _, line := range want {
		if !slices.Contains(got, line) {
			sign[line] = "- "
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			sign[line] = "+ "
		}
	}
	var changes []string
	for _, line := range slices.Sorted(maps.Keys(sign)) {
		changes = append(changes, sign[line]+line)
	}
	return changes
}

// apiOf returns the exported features of a package, sorted.
func apiOf(pkg *types.Package) []string {
	a := apiWriter{qualifier: types.RelativeTo(pkg)}
	scope := pkg.Scope()
	for _, name := range scope.Names() {
		obj := scope.Lookup(name)
		if !obj.Exported() {
			continue
		}
		switch obj := obj.(type) {
		case *types.Const:
			a.add("%s = %s", types.ObjectString(obj, a.qualifier), obj.Val().ExactString())
		case *types.TypeName:
			a.typeName(obj)
		default:
			a.add("%s", types.ObjectString(obj, a.qualifier))
		}
	}
	slices.Sort(a.lines)
	return a.lines
}

type apiWriter struct {
	qualifier types.Qualifier
	lines     []string
}

func (a *apiWriter) add(format string, args ...any) {
	a.lines = append(a.lines, fmt.Sprintf(format, args...))
}

func (a *apiWriter) typeName(obj *types.TypeName) {
	named, ok := obj.Type().(*types.Named)
	if !ok || obj.IsAlias() {
		a.add("%s", types.ObjectString(obj, a.qualifier))
		return
	}
	head := "type " + types.TypeString(named, a.qualifier)
	if n := named.TypeParams().Len(); n > 0 {
		head = "type " + obj.Name() + a.typeParams(named.TypeParams())
	}
	switch under := named.Underlying().(type) {
	case *types.Struct:
		a.structType(head, under)
	case *types.Interface:
		a.interfaceType(head, under)
	default:
		a.add("%s %s", head, types.TypeString(under, a.qualifier))
	}
	for method := range named.Methods() {
		if method.Exported() {
			a.add("%s", types.ObjectString(method, a.qualifier))
		}
	}
}

func (a *apiWriter) typeParams(list *types.TypeParamList) string {
	var b bytes.Buffer
	for i := range list.Len() {
		if i > 0 {
			b.WriteString(", ")
		}
		p := list.At(i)
		b.WriteString(p.Obj().Name() + " " + types.TypeString(p.Constraint(), a.qualifier))
	}
	return "[" + b.String() + "]"
}

func (a *apiWriter) structType(head string, s *types.Struct) {
	hidden := ""
	for i := range s.NumFields() {
		field := s.Field(i)
		if !field.Exported() {
			hidden = ", with unexported fields"
			a.promoted(strings.TrimPrefix(head, "type "), field)
			continue
		}
		line := head + " struct, " + field.Name() + " "
		if field.Embedded() {
			line = head + " struct, embedded "
		}
		line += types.TypeString(field.Type(), a.qualifier)
		if tag := s.Tag(i); tag != "" {
			line += " `" + tag + "`"
		}
		a.add("%s", line)
	}
	a.add("%s struct%s", head, hidden)
}

// promoted adds the methods of an embedded type that is not exported itself.
func (a *apiWriter) promoted(outer string, field *types.Var) {
	named, ok := field.Type().(*types.Named)
	if !ok || !field.Embedded() {
		return
	}
	for method := range named.Methods() {
		if method.Exported() {
			a.add("func (%s).%s%s", outer, method.Name(), strings.TrimPrefix(types.TypeString(method.Type(), a.qualifier), "func"))
		}
	}
}

func (a *apiWriter) interfaceType(head string, i *types.Interface) {
	hidden := ""
	for method := range i.Methods() {
		if !method.Exported() {
			hidden = ", with unexported methods"
			continue
		}
		signature := strings.TrimPrefix(types.TypeString(method.Type(), a.qualifier), "func")
		a.add("%s interface, %s%s", head, method.Name(), signature)
	}
	a.add("%s interface%s", head, hidden)
}

func TestDiffLines(t *testing.T) {
	t.Parallel()
	want := []string{"func A()", "func B()", "func C()"}
	got := []string{"func A()", "func B(n int)", "func C()", "func D()"}
	assert.Equal(t, []string{"- func B()", "+ func B(n int)", "+ func D()"}, diffLines(want, got))
	assert.Empty(t, diffLines(want, want))
}
