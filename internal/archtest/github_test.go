package archtest_test

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDependabot compares the folders that Dependabot watches with those that
// have dependencies.
func TestDependabot(t *testing.T) {
	t.Parallel()
	var config struct {
		Updates []struct {
			Ecosystem   string   `yaml:"package-ecosystem"`
			Directory   string   `yaml:"directory"`
			Directories []string `yaml:"directories"`
		} `yaml:"updates"`
	}
	require.NoError(t, yaml.Unmarshal(readFile(t, ".github/dependabot.yml"), &config))
	watched := make(map[string][]string)
	for _, u := range config.Updates {
		folders := u.Directories
		if u.Directory != "" {
			folders = append(folders, u.Directory)
		}
		watched[u.Ecosystem] = append(watched[u.Ecosystem], folders...)
	}
	for ecosystem, file := range map[string]string{"gomod": "go.mod", "npm": "package.json"} {
		var want []string
		for _, name := range files(t) {
			if path.Base(name) == file {
				want = append(want, path.Join("/", path.Dir(name)))
			}
		}
		assert.ElementsMatch(t, want, watched[ecosystem], "folders with a %s", file)
	}
	assert.Equal(t, []string{"/"}, watched["github-actions"])
}

// TestActionsArePinned requires the commit of each action, since a tag can move.
func TestActionsArePinned(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^\s*- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	workflows := slices.DeleteFunc(files(t), func(name string) bool { return path.Dir(name) != ".github/workflows" })
	require.NotEmpty(t, workflows)
	for _, name := range workflows {
		for line := range strings.Lines(string(readFile(t, name))) {
			if strings.Contains(line, "uses:") {
				assert.Regexp(t, pinned, strings.TrimRight(line, "\n"), name)
			}
		}
	}
}
