package cli_test

import (
	"io"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// TestVariables checks that a variable is that of one flag of one command, or of a flag
// that all commands describe in the same way.
func TestVariables(t *testing.T) {
	t.Parallel()
	shared := map[string]string{
		"WEBPUBSUB_CONNECTION_STRING": "connection-string", "WEBPUBSUB_CONNECTION_STRING_FILE": "connection-string-file",
		"WEBPUBSUB_ENDPOINT": "endpoint", "WEBPUBSUB_HUB": "hub", "WEBPUBSUB_URL": "url", "WEBPUBSUB_URL_FILE": "url-file",
		"WEBPUBSUB_ACCESS_KEY_FILE": "access-key-file", "WEBPUBSUB_OUTPUT": "output",
	}
	owner := map[string]string{}
	root := cli.Root(environment(nil))
	each(root, func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			name := cli.Variable(cmd, f.Name)
			if flag, ok := shared[name]; ok {
				assert.Equal(t, flag, f.Name, cmd.CommandPath())
				owner[name] = flag
				return
			}
			assert.Empty(t, owner[name], "%s of %s --%s", name, cmd.CommandPath(), f.Name)
			owner[name] = cmd.CommandPath()
		})
	})
	for name := range shared {
		assert.NotEmpty(t, owner[name], "no command has it: %s", name)
		assert.Contains(t, root.Long, name)
	}
	assert.Equal(t, "webpubsub send all", owner["WEBPUBSUB_SEND_ALL_TTL"], "the help of webpubsub names it")
	assert.Equal(t, "webpubsub emulator", owner["WEBPUBSUB_EMULATOR_LOG_FORMAT"])
}

// The variable of a flag of one command is none of another.
func TestVariableOfAnotherCommand(t *testing.T) {
	t.Parallel()
	url := map[string]string{"WEBPUBSUB_URL": "wss://svc.test/client/hubs/chat?access_token=" + secret, "WEBPUBSUB_CONNECTION_STRING": tokenService, "WEBPUBSUB_HUB": "chat"}
	assert.Contains(t, made(t, url, "", "token"), "url      wss://svc.test/client/hubs/chat?access_token=ey")
	url["WEBPUBSUB_CONNECT_PROTOCOL"], url["WEBPUBSUB_PROTOCOL"] = "json", "json"
	assert.Contains(t, made(t, url, "", "token"), "url      wss://svc.test/client/hubs/chat?access_token=ey")
	checkRuns(t, cli.Main, []programRun{
		{
			name: "its own", args: []string{"token"}, env: map[string]string{"WEBPUBSUB_TOKEN_PROTOCOL": "json", "WEBPUBSUB_HUB": "chat"}, code: 2,
			stderr: "webpubsub: --protocol \"json\": want one of default, mqtt, socketio\nRun 'webpubsub token --help' for usage.\n",
		},
		{
			name: "true or false", args: []string{"listen"}, env: map[string]string{"WEBPUBSUB_LISTEN_JSON": "yes"}, code: 2,
			stderr: "webpubsub: WEBPUBSUB_LISTEN_JSON \"yes\": want true or false\nRun 'webpubsub listen --help' for usage.\n",
		},
		{
			name: "query of a URL", args: []string{"token"}, env: map[string]string{"WEBPUBSUB_TOKEN_LIFETIME": "https://h.test/?code=" + secret}, code: 2,
			stderr: `webpubsub: WEBPUBSUB_TOKEN_LIFETIME "https://h.test/?…": want a duration, such as 90s` + "\nRun 'webpubsub token --help' for usage.\n",
		},
	})
}

func TestAlternativesBeforeEnvironment(t *testing.T) {
	t.Parallel()
	curl := made(t, map[string]string{"WEBPUBSUB_TRIGGER_JSON": `{"a":1}`}, "", "trigger", "event", "say", "http://h.test/", "--print-curl", "--data", "hello")
	assert.Contains(t, curl, "--data-raw 'hello'")
	curl = made(t, map[string]string{"WEBPUBSUB_TRIGGER_JSON": `{"a":1}`}, "", "trigger", "event", "say", "http://h.test/", "--print-curl")
	assert.Contains(t, curl, `--data-raw '{"a":1}'`)
	env := openHall(t).env()
	env["WEBPUBSUB_GROUP_ADD_USER"] = "ann"
	require.NoError(t, cli.Exec(t.Context(), []string{"group", "add", "g", "--filter", "true"}, environment(env), nil, io.Discard, io.Discard))
}
