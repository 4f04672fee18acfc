package archtest_test

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestImports(t *testing.T) {
	t.Parallel()
	packages := goList(t)
	for i := range packages {
		if packages[i].own() {
			addIgnored(t, &packages[i])
		}
	}
	for _, v := range check(rooms, bans, packages) {
		assert.Fail(t, v.String())
	}
}

// addIgnored adds the imports of files that are not built here, for another system or
// with a build tag.
func addIgnored(t *testing.T, p *listed) {
	t.Helper()
	for _, name := range p.IgnoredGoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			if strings.HasSuffix(name, "_test.go") {
				p.XTestImports = append(p.XTestImports, imported)
			} else {
				p.Imports = append(p.Imports, imported)
			}
		}
	}
}

// TestImportsGoDown checks that the rules allow no cycle: a room may import only from
// rooms before it in the list.
func TestImportsGoDown(t *testing.T) {
	t.Parallel()
	var lower []pattern
	for _, r := range rooms {
		assert.NotEmpty(t, r.why, "room %s has no reason", r.name)
		for _, o := range r.ours {
			assert.Contains(t, lower, o, "room %s", r.name)
		}
		assert.NotContains(t, lower, r.name, "room %s is listed twice", r.name)
		lower = append(lower, r.name)
	}
	for _, b := range bans {
		assert.NotEmpty(t, b.why, "ban of %s has no reason", b.name)
	}
}

func TestCheckFindsBrokenRules(t *testing.T) {
	t.Parallel()
	own := func(path string, imports ...string) listed {
		return listed{ImportPath: path, Module: &struct{ Main bool }{true}, Imports: imports, Deps: imports}
	}
	const root, service, client = modulePath, modulePath + "/service", modulePath + "/client"
	const assertPackage = "github.com/stretchr/testify/assert"
	tests := []struct {
		name  string
		graph []listed
		want  []violation // without their reasons
	}{
		{
			name: "all as it should be",
			graph: []listed{
				own(modulePath+"/internal/wire", "strings"),
				own(modulePath+"/internal/connstr", "net/url"),
				own(root, "net/http", modulePath+"/internal/wire", cloudEventsSDK+"/event", validatorV10),
				own(service, modulePath+"/internal/connstr", service+"/filter", "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime", jwt),
				own(service + "/filter"),
				own(modulePath+"/cmd/webpubsub", "os", modulePath+"/internal/cli"),
				own(modulePath+"/examples/echo", root),
				{ImportPath: cloudEventsSDK + "/event", Imports: []string{"github.com/json-iterator/go"}},
			},
		},
		{
			name:  "package without a room",
			graph: []listed{own(modulePath + "/internal/misc")},
			want:  []violation{{pkg: "internal/misc", rule: ruleNoRoom}},
		},
		{
			name:  "package without a room beside one that has a like name",
			graph: []listed{own(modulePath + "/services")},
			want:  []violation{{pkg: "services", rule: ruleNoRoom}},
		},
		{
			name:  "import goes up",
			graph: []listed{own(modulePath+"/internal/wire", modulePath+"/internal/connstr")},
			want:  []violation{{pkg: "internal/wire", imported: "internal/connstr", rule: ruleOurs}},
		},
		{
			name:  "root imports the part of the SDK that serves",
			graph: []listed{own(root, cloudEventsSDK+"/event", cloudEventsSDK+"/protocol/http")},
			want:  []violation{{pkg: ".", imported: cloudEventsSDK + "/protocol/http", rule: ruleThird}},
		},
		{
			name:  "root imports the kit",
			graph: []listed{own(root, modulePath+"/httptest")},
			want:  []violation{{pkg: ".", imported: "httptest", rule: ruleOurs}},
		},
		{
			name:  "service imports the root",
			graph: []listed{own(service, root)},
			want: []violation{
				{pkg: "service", imported: ".", rule: ruleBan},
				{pkg: "service", imported: ".", rule: ruleOurs},
			},
		},
		{
			name: "client knows the root by way of another package",
			graph: []listed{{
				ImportPath: client,
				Module:     &struct{ Main bool }{true},
				Imports:    []string{modulePath + "/internal/wire"},
				Deps:       []string{modulePath + "/internal/wire", root},
			}},
			want: []violation{{pkg: "client", imported: ".", rule: ruleBan}},
		},
		{
			name:  "testify outside of tests",
			graph: []listed{own(modulePath+"/httptest", assertPackage)},
			want: []violation{
				{pkg: "httptest", imported: assertPackage, rule: ruleBan},
				{pkg: "httptest", imported: assertPackage, rule: ruleThird},
			},
		},
		{
			name: "testify by way of a dependency",
			graph: []listed{{
				ImportPath: root,
				Module:     &struct{ Main bool }{true},
				Imports:    []string{validatorV10},
				Deps:       []string{validatorV10, assertPackage},
			}},
			want: []violation{{pkg: ".", imported: assertPackage, rule: ruleBan}},
		},
		{
			name:  "program links package testing",
			graph: []listed{{ImportPath: modulePath + "/cmd/webpubsub", Module: &struct{ Main bool }{true}, Deps: []string{"testing", "net/http/httptest"}}},
			want: []violation{
				{pkg: "cmd/webpubsub", imported: "testing", rule: ruleBan},
				{pkg: "cmd/webpubsub", imported: "net/http/httptest", rule: ruleBan},
			},
		},
		{
			name:  "emulator's hub logs",
			graph: []listed{own(modulePath+"/emulator/internal/hub", "log/slog")},
			want:  []violation{{pkg: "emulator/internal/hub", imported: "log/slog", rule: ruleBan}},
		},
		{
			name:  "example imports an internal package",
			graph: []listed{own(modulePath+"/examples/echo", root, modulePath+"/internal/wire")},
			want:  []violation{{pkg: "examples/echo", imported: "internal/wire", rule: ruleOurs}},
		},
		{
			name:  "program does the work itself",
			graph: []listed{own(modulePath+"/cmd/webpubsub", modulePath+"/internal/cli", cobra)},
			want:  []violation{{pkg: "cmd/webpubsub", imported: cobra, rule: ruleThird}},
		},
		{
			name: "tests may have testify, what any room has, and any package of ours",
			graph: []listed{{
				ImportPath:   root,
				Module:       &struct{ Main bool }{true},
				TestImports:  []string{assertPackage},
				XTestImports: []string{modulePath + "/httptest", cloudEventsSDK + "/protocol/http", assertPackage},
			}},
		},
		{
			name: "tests import a tool outside the list",
			graph: []listed{{
				ImportPath:   client,
				Module:       &struct{ Main bool }{true},
				XTestImports: []string{"github.com/onsi/gomega"},
			}},
			want: []violation{{pkg: "client", imported: "github.com/onsi/gomega", rule: ruleTestsThird}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := check(rooms, bans, tt.graph)
			for i := range got {
				if got[i].rule != ruleNoRoom {
					assert.NotEmpty(t, got[i].why)
				}
				got[i].why = ""
			}
			assert.ElementsMatch(t, tt.want, got)
		})
	}
}

// TestModules checks the go.mod files: the library supports the older of the two
// supported releases of Go, and has no directive that counts in the main module only,
// which would make it build differently for its users.
func TestModules(t *testing.T) {
	t.Parallel()
	type mod struct {
		Module    struct{ Path string }
		Go        string
		Toolchain string
		Exclude   []struct{ Path string }
		Replace   []struct{ Old, New struct{ Path string } }
		Tool      []struct{ Path string }
	}
	var nested []string
	release := string(readFile(t, "RELEASE.md"))
	for _, file := range files(t) {
		if path.Base(file) != "go.mod" || slices.Contains(strings.Split(file, "/"), "testdata") {
			continue
		}
		var m mod
		require.NoError(t, json.Unmarshal(goCommand(t, "mod", "edit", "-json", file), &m))
		if file == "go.mod" {
			assert.Equal(t, mod{Module: struct{ Path string }{modulePath}, Go: "1.25.0"}, m, "go.mod")
			continue
		}
		nested = append(nested, file)
		dir := path.Dir(file)
		assert.Equal(t, modulePath+"/"+dir, m.Module.Path, file)
		assert.Contains(t, release, "`"+dir+"`", "RELEASE.md does not say whether %s is released", dir)
		require.NotEmpty(t, m.Replace, "%s: this repository's own module is not replaced", file)
		assert.Equal(t, modulePath, m.Replace[0].Old.Path, file)
		for _, r := range m.Replace {
			require.True(t, isOurs(r.Old.Path), "%s: only this repository's own modules are replaced", file)
			assert.Equal(t, ourPath(r.Old.Path), path.Join(dir, r.New.Path), "%s: %s replaced by another directory", file, r.Old.Path)
		}
	}
	t.Logf("nested modules: %v", nested)
}
