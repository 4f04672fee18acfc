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

// workflow is a file of .github/workflows.
type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		Timeout int `yaml:"timeout-minutes"`
		Steps   []struct {
			Uses string
			Run  string
			With map[string]any
		}
	}
}

func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	all := make(map[string]workflow)
	for _, name := range files(t) {
		if path.Dir(name) == ".github/workflows" {
			var w workflow
			require.NoError(t, yaml.Unmarshal(readFile(t, name), &w), name)
			all[name] = w
		}
	}
	require.NotEmpty(t, all)
	return all
}

// TestWorkflows: a workflow may read the repository and nothing else unless a job asks
// for more, no step keeps the token, a job ends, and the targets of make exist. No
// expression is in a script, where the name of a branch or tag could be code.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	makefile := string(readFile(t, "Makefile"))
	target := regexp.MustCompile(`\bmake ([a-z0-9-]+)`)
	for name, w := range workflows(t) {
		assert.Equal(t, map[string]string{"contents": "read"}, w.Permissions, name)
		for job, j := range w.Jobs {
			assert.Positive(t, j.Timeout, "%s: job %s has no timeout-minutes", name, job)
			for _, step := range j.Steps {
				assert.NotContains(t, step.Run, "${{", "%s: job %s: pass it by env", name, job)
				for _, match := range target.FindAllStringSubmatch(step.Run, -1) {
					assert.Contains(t, makefile, "\n"+match[1]+":", "%s: job %s", name, job)
				}
				if strings.HasPrefix(step.Uses, "actions/checkout@") {
					assert.Equal(t, false, step.With["persist-credentials"], "%s: job %s", name, job)
				}
			}
		}
	}
}

// TestReleaseWorkflow: the version is compared with the tag, and tests pass, before
// anything is published.
func TestReleaseWorkflow(t *testing.T) {
	t.Parallel()
	jobs := workflows(t)[".github/workflows/release.yml"].Jobs
	var runs []string
	for _, step := range jobs["binaries"].Steps {
		if step.Run != "" {
			name, _, _ := strings.Cut(strings.TrimPrefix(step.Run, "make "), " ")
			runs = append(runs, name)
		}
	}
	assert.Equal(t, []string{"release-version", "test", "release", "release-notes", "gh"}, runs)
}

// TestIssueForms: whoever reports a failure is asked for what webpubsub check says.
func TestIssueForms(t *testing.T) {
	t.Parallel()
	forms := slices.DeleteFunc(files(t), func(name string) bool {
		return path.Dir(name) != ".github/ISSUE_TEMPLATE" || path.Base(name) == "config.yml"
	})
	require.NotEmpty(t, forms)
	required := make(map[string][]string)
	for _, name := range forms {
		var form struct {
			Name, Description string
			Body              []struct {
				Type, ID    string
				Attributes  struct{ Label, Value string }
				Validations struct{ Required bool }
			}
		}
		require.NoError(t, yaml.Unmarshal(readFile(t, name), &form), name)
		assert.NotEmpty(t, form.Name, name)
		assert.NotEmpty(t, form.Description, name)
		for _, field := range form.Body {
			if field.Type == "markdown" {
				assert.NotEmpty(t, field.Attributes.Value, name)
				continue
			}
			assert.NotEmpty(t, field.ID, name)
			assert.NotEmpty(t, field.Attributes.Label, "%s: %s", name, field.ID)
			if field.Validations.Required {
				required[path.Base(name)] = append(required[path.Base(name)], field.Attributes.Label)
			}
		}
	}
	assert.Subset(t, required["bug.yml"], []string{"Output of webpubsub check", "Output of webpubsub version"})
}

// TestActionsArePinned requires the commit of each action, since a tag can move.
func TestActionsArePinned(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^\s*- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for name := range workflows(t) {
		for line := range strings.Lines(string(readFile(t, name))) {
			if strings.Contains(line, "uses:") {
				assert.Regexp(t, pinned, strings.TrimRight(line, "\n"), name)
			}
		}
	}
}
