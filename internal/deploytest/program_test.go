package deploytest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

const (
	rootDir   = "../.."
	deployDir = rootDir + "/deploy"
)

// command is the program of this repository with commands of its own. The others are
// examples, whose flags are those of package flag.
const command = "./cmd/webpubsub"

// flagName matches the definition of a flag, and the name in it.
var flagName = regexp.MustCompile(`flags\.\w+\((?:&[\w.]+, )?"([a-z-]+)"`)

// source returns the Go code of an example, and of packages below it, that is not a test.
func source(t *testing.T, program string) string {
	t.Helper()
	var code strings.Builder
	top := filepath.Join(rootDir, program)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); d.IsDir() && err == nil {
			return fs.SkipDir // another module
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path) //nolint:gosec // a file of the repository
		code.Write(data)
		return err
	})
	require.NoError(t, err)
	require.Contains(t, code.String(), "\nfunc main() {", "%s is no program", program)
	return code.String()
}

// assertReads checks that the program reads the variables of an environment. The command
// reads one for each flag.
func assertReads(t *testing.T, program string, variables []string) {
	t.Helper()
	if program != command {
		code := source(t, program)
		unread := slices.DeleteFunc(slices.Clone(variables), func(name string) bool { return strings.Contains(code, `"`+name+`"`) })
		assert.Empty(t, unread, "variables that %s does not read", program)
		return
	}
	for _, variable := range variables {
		name, found := strings.CutPrefix(variable, "WEBPUBSUB_")
		flag := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		has := slices.ContainsFunc(root().Commands(), func(c *cobra.Command) bool { return c.Flags().Lookup(flag) != nil })
		assert.True(t, found && has, "no command of %s reads the variable %s", program, variable)
	}
}

func root() *cobra.Command { return cli.Root(func(string) (string, bool) { return "", false }) }

// assertAccepts checks that the program accepts the arguments.
func assertAccepts(t *testing.T, program string, args []string) {
	t.Helper()
	if program == command {
		cmd, rest, err := root().Find(args)
		require.NoError(t, err, "%q", args)
		require.NoError(t, cmd.ParseFlags(rest), "%q", args)
		assert.NoError(t, cmd.ValidateArgs(cmd.Flags().Args()), "%q", args)
		assert.True(t, cmd.Runnable(), "%q", args)
		return
	}
	var known []string
	for _, match := range flagName.FindAllStringSubmatch(source(t, program), -1) {
		known = append(known, "-"+match[1])
	}
	for flag := range slices.Chunk(args, 2) {
		assert.Len(t, flag, 2, "%s has flags with values only", program)
		assert.Contains(t, known, flag[0], "flags of %s", program)
	}
}

// value returns the argument after a flag.
func value(args []string, flag string) string {
	if i := slices.Index(args, flag); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}
