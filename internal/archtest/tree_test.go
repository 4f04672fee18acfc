package archtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	modulePath = "github.com/go-webpubsub/webpubsub"
	rootDir    = "../.."
)

// files lists the repository's files by their slash-separated paths below its
// root. It must be called by every test of this package that learns of the
// repository by the go command: go test caches results by the files and
// directories that the test itself has opened, and not by what another process
// has read for it.
func files(t *testing.T) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(rootDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case ".git", "bin", "node_modules":
				return fs.SkipDir
			}
			return nil
		}
		switch filepath.Ext(path) {
		case ".git", ".test", ".prof", ".out": // what .gitignore leaves out, and a worktree's .git
			return nil
		}
		rel, err := filepath.Rel(rootDir, path)
		if err != nil {
			return err
		}
		paths = append(paths, filepath.ToSlash(rel))
		return nil
	})
	require.NoError(t, err)
	require.Contains(t, paths, "go.mod")
	slices.Sort(paths)
	return paths
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(rootDir, filepath.FromSlash(path)))
	require.NoError(t, err)
	return data
}

// listed is what go list tells about a package.
type listed struct {
	ImportPath     string
	Name           string
	Dir            string
	Export         string
	Standard       bool
	Module         *struct{ Main bool }
	Imports        []string
	TestImports    []string
	XTestImports   []string
	Deps           []string
	IgnoredGoFiles []string
}

func (p listed) own() bool { return p.Module != nil && p.Module.Main }

// goList runs go list on all packages of the module and those they need.
func goList(t *testing.T, flags ...string) []listed {
	t.Helper()
	files(t)
	const fields = "ImportPath,Name,Dir,Export,Standard,Module,Imports,TestImports,XTestImports,Deps,IgnoredGoFiles"
	args := append([]string{"list", "-deps", "-json=" + fields}, flags...)
	out := goCommand(t, append(args, "./...")...)
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		packages = append(packages, p)
	}
	require.NotEmpty(t, packages)
	return packages
}

// goCommand runs the go command at the root of the repository.
func goCommand(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = rootDir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), &stderr)
	return out
}
