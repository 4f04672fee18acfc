package cli_test

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// misspelt returns a name without its second letter.
func misspelt(name string) string { return name[:1] + name[2:] }

// TestMisspelt leaves a letter out of each command and flag. The error suggests a name, and
// the exit code is 2. That of examples is 0; see TestExamples of cmd/webpubsub.
func TestMisspelt(t *testing.T) {
	t.Parallel()
	run := func(args ...string) string {
		var stdout, stderr strings.Builder
		assert.Equal(t, 2, cli.Main(args, environment(nil), strings.NewReader(""), &stdout, &stderr), "%q", args)
		assert.Empty(t, stdout.String(), "%q", args)
		return stderr.String()
	}
	root := cli.Root(environment(nil))
	for _, args := range commandsOf(root) {
		if len(args) == 0 {
			continue
		}
		name := args[len(args)-1]
		wrong := append(append([]string{}, args[:len(args)-1]...), misspelt(name))
		said := run(append(wrong, "--hub", "chat")...)
		if len(name) > 4 {
			assert.Contains(t, said, ", did you mean ", "%q", wrong)
		}
		parent := strings.Join(append([]string{"webpubsub"}, args[:len(args)-1]...), " ")
		assert.Contains(t, said, `webpubsub: unknown command "`+misspelt(name)+`" for "`+parent+`"`)
		assert.Contains(t, said, "\nRun '"+parent+" --help' for usage.\n")
	}
	each(root, func(cmd *cobra.Command) {
		args := strings.Fields(cmd.CommandPath())[1:]
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			said := run(append(args, "--"+misspelt(f.Name))...)
			if len(f.Name) > 4 {
				assert.Contains(t, said, "unknown flag: --"+misspelt(f.Name)+", did you mean --", "%q", args)
			}
			assert.Contains(t, said, "\nRun '"+cmd.CommandPath()+" --help' for usage.\n")
		})
	})
}

// TestRefused calls the service with each command and a key that is wrong. The exit code is
// 1, and nothing is on standard output.
func TestRefused(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	env := h.env()
	env["WEBPUBSUB_CONNECTION_STRING"] = "Endpoint=" + endpointOf(h.connectionString) + ";AccessKey=" + secret
	each(cli.Root(environment(nil)), func(cmd *cobra.Command) {
		name := strings.TrimPrefix(cmd.CommandPath(), "webpubsub ")
		if cmd.Annotations[cli.Operations] == "" || name == "connect" || name == "health" { // health needs no key
			return
		}
		args := append(strings.Fields(name), map[string][]string{
			"connection close": {"--all"}, "connection exists": {"c"}, "connection leave-groups": {"c"},
			"group add": {"g", "--user", "u"}, "group remove": {"g", "--user", "u"}, "group close": {"g"}, "group list": {"g"}, "group exists": {"g"},
			"permission check": {"sendToGroup", "--connection", "c", "--group", "g"}, "permission grant": {"sendToGroup", "--connection", "c", "--group", "g"},
			"permission revoke": {"sendToGroup", "--connection", "c", "--group", "g"},
			"send all":          {"m"}, "send group": {"g", "m"}, "send user": {"u", "m"}, "send connection": {"c", "m"},
			"user close": {"u"}, "user exists": {"u"}, "user leave-groups": {"u"},
		}[name]...)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr strings.Builder
			assert.Equal(t, 1, cli.Main(append(args, "-o", "json"), environment(env), nil, &stdout, &stderr), stderr.String())
			assert.Empty(t, stdout.String())
			assert.Contains(t, stderr.String(), "401 Unauthorized")
			assert.NotContains(t, stderr.String(), secret)
		})
	})
}
