package cli_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// A variable can be meant for a flag of the same name of another command, and be a secret.
func TestVariableOfAnotherCommand(t *testing.T) {
	t.Parallel()
	const wrongBool = "webpubsub: WEBPUBSUB_JSON: want true or false, for --json\nRun 'webpubsub listen --help' for usage.\n"
	url := map[string]string{"WEBPUBSUB_URL": "wss://svc.test/client/hubs/chat?access_token=" + secret, "WEBPUBSUB_CONNECTION_STRING": tokenService, "WEBPUBSUB_HUB": "chat"}
	assert.Contains(t, made(t, url, "", "token"), "url      wss://svc.test/client/hubs/chat?access_token=ey")
	checkRuns(t, cli.Main, []programRun{
		{name: "true or false", args: []string{"listen"}, env: map[string]string{"WEBPUBSUB_JSON": `{"password":"` + secret + `"}`}, code: 2, stderr: wrongBool},
		{
			name: "query of a URL", args: []string{"token"}, env: map[string]string{"WEBPUBSUB_LIFETIME": "https://h.test/?code=" + secret}, code: 2,
			stderr: `webpubsub: WEBPUBSUB_LIFETIME "https://h.test/?…": want a duration, such as 90s` + "\nRun 'webpubsub token --help' for usage.\n",
		},
	})
}

func TestAlternativesBeforeEnvironment(t *testing.T) {
	t.Parallel()
	curl := made(t, map[string]string{"WEBPUBSUB_JSON": `{"a":1}`}, "", "trigger", "event", "say", "http://h.test/", "--print-curl", "--data", "hello")
	assert.Contains(t, curl, "--data-raw 'hello'")
	env := openHall(t).env()
	env["WEBPUBSUB_USER"] = "ann"
	require.NoError(t, cli.Exec(t.Context(), []string{"group", "add", "g", "--filter", "true"}, environment(env), nil, io.Discard, io.Discard))
}
