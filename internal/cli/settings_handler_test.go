package cli_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/cli"
	"github.com/go-webpubsub/webpubsub/internal/conformance/broken"
)

// without returns a handler that has no route for some events.
func without(t *testing.T, status int, events ...string) http.Handler {
	t.Helper()
	right := handlerWith(t, func(*webpubsub.Config) {})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range events {
			if r.Header.Get("ce-eventName") == name {
				w.WriteHeader(status)
				return
			}
		}
		right.ServeHTTP(w, r)
	})
}

func TestSettingsFromHandler(t *testing.T) {
	t.Parallel()
	right := handlerAt(t, handlerWith(t, func(*webpubsub.Config) {}))
	some := handlerAt(t, without(t, http.StatusNotFound, "disconnected", "joined", "left"))
	busy := handlerAt(t, without(t, http.StatusServiceUnavailable, "connect", "disconnected"))
	refusing := handlerAt(t, without(t, http.StatusForbidden, "connect", "webpubsub-check"))
	tokens := brokenAt(t, "tokens of Entra ID only")
	env := map[string]string{"WEBPUBSUB_CONNECTION_STRING": broken.ConnectionString}
	args := func(url, line string) []string {
		return append([]string{"settings", "--hub", "chat", "--from-handler", url}, strings.Fields(line)...)
	}
	const note = "note: hub chat, URL: Azure cannot reach this host\n"
	checkRuns(t, cli.Main, []programRun{
		{name: "az", env: env, args: args(right, ""), stdout: "golden:settings/handler.sh", stderr: note, replace: []string{right, "URL"}},
		{name: "bicep", env: env, args: args(right+"/{hub}/{event}?code=s3cr3t", "-f bicep --upstream https://example.com/"), stdout: "golden:settings/handler.bicep", replace: []string{right, "URL"}},
		{name: "terraform", env: env, args: args(right, "-f terraform --upstream https://example.com/ --group-events joined,left"), stdout: "golden:settings/handler.tf", replace: []string{right, "URL"}},
		{name: "events that it does not handle", env: env, args: args(some, "-f emulator"), stdout: "golden:settings/handler_some.yaml", replace: []string{some, "URL"}},
		{name: "events of a flag", env: env, args: args(some, "-f emulator --system-events disconnected"), stdout: "golden:settings/handler_flag.yaml", replace: []string{some, "URL"}},
		{name: "errors", env: env, args: args(busy, "-f emulator"), stdout: "golden:settings/handler_busy.yaml", replace: []string{busy, "URL"}},
		{name: "refusals", env: env, args: args(refusing, "-f emulator"), stdout: "golden:settings/handler_refusing.yaml", replace: []string{refusing, "URL"}},
		{name: "tokens", env: env, args: args(tokens, "-f emulator --auth-resource api://chat"), stdout: "golden:settings/handler_tokens.yaml", replace: []string{tokens, "URL"}},
		{name: "JSON has notes", env: env, args: args(right, "-f json"), stdout: "golden:settings/handler.json", stderr: "golden:settings/handler.json.txt", replace: []string{right, "URL"}},
		{name: "another service", env: map[string]string{"WEBPUBSUB_CONNECTION_STRING": broken.OtherConnectionString}, args: args(right+"?code=s3cr3t", ""), code: 1, stderr: "golden:settings/handler_refused.txt", replace: []string{right, "URL"}},
	})
}

// The command names the cause of each handler that cannot work, as check does.
func TestSettingsFromHandlerNamesTheCause(t *testing.T) {
	t.Parallel()
	handlers, err := broken.Handlers()
	require.NoError(t, err)
	for name, h := range handlers {
		if f := h.Fails[0]; f != "url-braces" && f != "reach" && f != "redirect" && f != "options-consent" && f != "signed" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := strings.TrimSuffix(handlerAt(t, h), "/eventhandler") + h.URLPath()
			run := func(args ...string) (stdout, stderr string, code int) {
				var out, notes bytes.Buffer
				args = append(args, "--hub", "chat")
				code = cli.Main(args, environment(map[string]string{"WEBPUBSUB_CONNECTION_STRING": broken.ConnectionString}), nil, &out, &notes)
				assert.NotContains(t, out.String()+notes.String(), "s3cr3t")
				return out.String(), notes.String(), code
			}
			checked, _, _ := run("check", url)
			_, cause, _ := strings.Cut(checked, "cause:  ")
			cause, _, _ = strings.Cut(cause, "\n")
			if strings.Contains(checked, "warned  "+h.Fails[0]) { // the service can use it: 404 to OPTIONS, and consent to GET
				return
			}
			stdout, stderr, code := run("settings", "--from-handler", url)
			assert.Equal(t, 1, code)
			assert.Empty(t, stdout, "no settings")
			assert.Contains(t, stderr, "failed at "+h.Fails[0])
			assert.Contains(t, stderr, cause)
			if h.Fails[0] == "signed" {
				return
			}
			stdout, stderr, code = run("settings", "--upstream", url, "--validate", "contoso.webpubsub.azure.com")
			assert.Equal(t, 1, code)
			assert.Empty(t, stdout, "no settings")
			assert.Contains(t, stderr, cause)
		})
	}
}

func TestSettingsFromHandlerUsage(t *testing.T) {
	t.Parallel()
	const help = "Run 'webpubsub settings --help' for usage.\n"
	env := map[string]string{"WEBPUBSUB_CONNECTION_STRING": broken.ConnectionString}
	args := func(line string) []string { return append([]string{"settings"}, strings.Fields(line)...) }
	checkRuns(t, cli.Main, []programRun{
		{name: "no hub", env: env, args: args("--from-handler http://localhost:1/"), code: 2, stderr: "webpubsub: no hub, want FILE or --hub\n" + help},
		{name: "file", env: env, args: args("--from-handler http://localhost:1/ -"), code: 2, stderr: "webpubsub: --from-handler: FILE has the settings, want one of them\n" + help},
		{name: "no service", args: args("--hub a --from-handler http://localhost:1/"), code: 2, stderr: "webpubsub: no service, set WEBPUBSUB_CONNECTION_STRING (\"webpubsub emulator\" prints one)\n" + help},
		{name: "URL", env: env, args: args("--hub a --from-handler localhost --upstream http://localhost:1/"), code: 2, stderr: "webpubsub: --from-handler \"localhost\": want an absolute http or https URL\n" + help},
		{name: "hub", env: env, args: args("--hub a-b --from-handler http://localhost:1/"), code: 2, stderr: "webpubsub: --hub \"a-b\": want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)\n" + help},
	})
}
