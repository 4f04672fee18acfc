package cli_test

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// commandsOf returns the arguments that call each command, also those with commands below.
func commandsOf(cmd *cobra.Command) [][]string {
	all := [][]string{strings.Fields(cmd.CommandPath())[1:]}
	for _, c := range cmd.Commands() {
		all = append(all, commandsOf(c)...)
	}
	return all
}

// TestHelp checks that the help of each command fits a terminal of 80 columns, and that
// its two ways are the same.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range commandsOf(cli.Root(environment(nil))) {
		t.Run(strings.Join(append([]string{"webpubsub"}, args...), " "), func(t *testing.T) {
			t.Parallel()
			var help, same, stderr strings.Builder
			require.Zero(t, cli.Main(append(args, "--help"), environment(nil), nil, &help, &stderr))
			require.Zero(t, cli.Main(append([]string{"help"}, args...), environment(nil), nil, &same, &stderr))
			assert.Equal(t, help.String(), same.String())
			assert.Empty(t, stderr.String())
			assert.Regexp(t, `^[A-Z]`, help.String())
			assert.Contains(t, help.String(), "\nUsage:\n  webpubsub")
			assert.NotContains(t, help.String(), "\n\n\n")
			for line := range strings.Lines(help.String()) {
				assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, line)
			}
		})
	}
}

// TestWithoutReader checks that a command whose reader has left, such as head, ends with
// exit code 1 and without a panic.
func TestWithoutReader(t *testing.T) {
	t.Parallel()
	s := openHall(t)
	for _, args := range [][]string{
		{"version"}, {"version", "-o", "json"}, {"completion", "bash"}, {"token"}, {"token", "--url-only"}, {"sign", "c"},
		{"settings", "--hub", "chat"}, {"health"}, {"group", "exists", "g"}, {"user", "close", "u", "-o", "json"},
	} {
		read, write, err := os.Pipe()
		require.NoError(t, err)
		require.NoError(t, read.Close())
		var stderr strings.Builder
		assert.Equal(t, 1, cli.Main(args, environment(s.env()), strings.NewReader(""), write, &stderr), "%q", args)
		assert.Contains(t, stderr.String(), "webpubsub: write |1: ", "%q", args)
		require.NoError(t, write.Close())
	}
}
