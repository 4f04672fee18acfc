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

// files returns the slash-separated paths of the files of the repository. Every test
// that uses the go command must call it: go test caches results by the files and
// directories that the test itself opens, not by what another process reads.
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
		case ".git", ".test", ".prof", ".out": // ignored by .gitignore, and the .git of a worktree
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

// listed is the output of go list for a package.
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

// goList runs go list for all packages of the module and their dependencies.
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

// goCommand runs the go command in the root of the repository.
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
