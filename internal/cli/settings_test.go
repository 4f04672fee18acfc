package cli_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

const manyHubs = `hubs:
  chat:
    anonymousConnectPolicy: allow
    eventHandlers:
      - urlTemplate: https://example.com/{hub}/{event}?code={@Microsoft.KeyVault(SecretUri=https://vault.azure.net/secrets/code)}
        userEventPattern: "say, it's"
        systemEvents: [connect]
        auth: {type: ManagedIdentity, managedIdentity: {resource: "api://chat"}}
      - urlTemplate: https://example.com/rest
        userEventPattern: "*"
  present:
    eventHandlers:
      - urlTemplate: http://example.com/?a=1
        systemEvents: [connected, disconnected]
        groupPresenceEvents: {eventNames: [joined, left], groupFilters: ["room.*", 'a"b']}
  quiet: {}
`

func TestSettings(t *testing.T) {
	t.Parallel()
	file := write(t, manyHubs)
	const (
		one   = "--hub chat --upstream https://example.com/eventhandler "
		notes = "note: hub present, http://example.com/?…: events are not encrypted, want https\n" +
			"note: hub present, http://example.com/?…: if the query has a secret, put {@Microsoft.KeyVault(SecretUri=…)} in its place\n"
	)
	args := func(line string, more ...string) []string {
		return append(append([]string{"settings"}, strings.Fields(line)...), more...)
	}
	checkRuns(t, cli.Main, []programRun{
		{name: "az", args: args("--format az", file), stdout: "golden:settings/many.sh", stderr: notes},
		{name: "bicep", args: args("--format bicep", file), stdout: "golden:settings/many.bicep", stderr: notes},
		{name: "terraform", args: args("-f terraform", file), stdout: "golden:settings/many.tf", stderr: notes},
		{name: "one hub for az", args: args(one), stdout: "golden:settings/one.sh"},
		{name: "one hub for bicep", args: args(one + "-f bicep --service my-chat"), stdout: "golden:settings/one.bicep"},
		{name: "one hub for terraform", args: args(one + "-f terraform --service my-chat --resource-group (my).group"), stdout: "golden:settings/one.tf"},
		{name: "one hub for the emulator", args: args(one + "-f emulator"), stdout: "golden:settings/one.yaml"},
		{name: "one hub as JSON", args: args(one), env: map[string]string{"WEBPUBSUB_SETTINGS_FORMAT": "json"}, stdout: "golden:settings/one.json"},
		{
			name: "every flag", stdout: "golden:settings/flags.yaml",
			args: args(one+"-f emulator --user-events a,b --system-events connect --group-events joined,left --group-filter room.* --anonymous", "--group-filter", "a,b"),
		},
		{name: "audience", args: args(one + "--auth-resource api://chat --user-events= --service my-chat --resource-group other"), stdout: "golden:settings/audience.sh"},
		{name: "audience in the emulator", args: args("--hub a --upstream https://h.test --user-events= --system-events= --auth-resource x -f emulator"), stdout: "hubs:\n  a:\n    anonymousConnectPolicy: deny\n    eventHandlers:\n      - urlTemplate: https://h.test\n        systemEvents: []\n        auth:\n          type: ManagedIdentity\n          managedIdentity:\n            resource: x\n"},
		{name: "stdin", args: args("- -f emulator"), stdin: "hubs: {a: {}}", stdout: "hubs:\n  a: {}\n"},
		{name: "no event handler", args: args("--hub a -f emulator"), stdout: "hubs:\n  a:\n    anonymousConnectPolicy: deny\n"},
		{
			name: "this machine", args: args("--hub a --upstream http://127.0.0.1:3000/ --user-events= --system-events= -f az"), stderr: "note: hub a, http://127.0.0.1:3000/: Azure cannot reach this host\n",
			stdout: "az webpubsub hub create --name my-service --resource-group my-group --hub-name a \\\n  --allow-anonymous false \\\n  --event-handler url-template=http://127.0.0.1:3000/\n",
		},
	})
}

func TestSettingsErrors(t *testing.T) {
	t.Parallel()
	const help = "Run 'webpubsub settings --help' for usage.\n"
	file := write(t, manyHubs)
	handler := func(yaml string) string {
		return "hubs: {a: {eventHandlers: [{urlTemplate: 'https://h.test/', " + yaml + "}]}}"
	}
	for _, tt := range []struct{ name, args, stdin, stderr string }{
		{"nothing", "", "", "no hub, want FILE or --hub"},
		{"two files", file + " " + file, "", `unexpected argument "FILE", want: webpubsub settings [FILE] [flags]`},
		{"file and hub", "--hub a " + file, "", "--hub: FILE has the settings, want one of them"},
		{"file and filter", "--group-filter a " + file, "", "--group-filter: FILE has the settings, want one of them"},
		{"no file", "none.yaml", "", `FILE: file "none.yaml": no such file or directory`},
		{"bad file", "-", "hubs: {a: {b: c}}", `FILE "-": line 1, column 12: unknown field "b"`},
		{"format", "--hub a --format arm", "", `--format "arm": want az, bicep, terraform, emulator or json`},
		{"hub", "--hub my-hub", "", `--hub "my-hub": want a letter, then at most 127 letters, digits or characters of ` + "_`,.[] (no hyphen, no space)"},
		{"URL", "--hub a --upstream ftp://h?secret", "", `--upstream "ftp://h?…": want an absolute http or https URL`},
		{"system event", "--hub a --upstream http://h --system-events begun", "", `--system-events "begun": want some of connect, connected, disconnected`},
		{"system event of a file", "-", handler("systemEvents: [begun]"), `line 1, column 29: hub "a", event handler 0: system event "begun" is none of connect, connected, disconnected`},
		{"event handler without a URL", "--hub a --auth-resource api://chat", "", "--auth-resource is about an event handler, want --upstream or --from-handler with it"},
		{"validation without a URL", "--hub a --validate h.test", "", "--validate is about an event handler, want --upstream or --from-handler with it"},
		{"filter without events", "--hub a --upstream https://h.test --group-filter x.*", "", `--group-filter "x.*": want --group-events with it`},
		{"service", "--hub a --service my_service", "", `--service "my_service": want 3 to 63 letters, digits and hyphens, first a letter`},
		{"resource group", "--hub a --resource-group a.", "", `--resource-group "a.": want 1 to 90 letters, digits and characters of _()-. that do not end with a dot`},
		{"unknown auth", "-", handler("auth: {type: Basic}"), `FILE "-": line 1, column 29: hub "a", event handler 0: auth.type "Basic": want None or ManagedIdentity`},
		{"no audience", "-", handler("auth: {type: ManagedIdentity}"), `FILE "-": line 1, column 29: hub "a", event handler 0: auth.managedIdentity.resource is missing, want the audience of the tokens`},
		{"audience without a type", "-", handler("auth: {managedIdentity: {resource: a}}"), `FILE "-": line 1, column 29: hub "a", event handler 0: auth.managedIdentity: want auth.type ManagedIdentity with it`},
		{"unprintable audience", "-", handler(`auth: {type: ManagedIdentity, managedIdentity: {resource: "a\nb"}}`), `line 1, column 29: hub "a", event handler 0: ManagedIdentity.Resource "a\nb" has a space or another character that is not printable ASCII; want the client id or the application id URI of your own app registration`},
		{"text that is written backwards", "-", handler(`userEventPattern: "a\u202eb"`), `hub "a", event handler 0: "a\u202eb" has an unprintable character`},
		{"key vault in the emulator", "-f json --hub a --upstream https://h.test/{@Microsoft.KeyVault(SecretUri=https://v/s)}", "", `hub "a", event handler 0: an emulator has no key vault, want a URL without a reference for this --format`},
		{"key vault with quotes", "--hub a --upstream https://h.test/{@Microsoft.KeyVault(SecretUri=https://v/'s')}", "", `--upstream "https://…@Microsoft.KeyVault(SecretUri=https://v/'s')}": the only parameters are {hub} and {event}; other braces must be percent-encoded`},
		{"host of validation", "--hub a --upstream https://h.test --validate https://h.test/", "", `--validate "https://h.test/": host is neither an IP address nor a name of letters, digits, hyphens and underscores, in parts of 1 to 63 separated by dots`},
		{"validation of a key vault", "--hub a --upstream https://h.test/{@Microsoft.KeyVault(SecretUri=https://v/s)} --validate h.test", "", `--validate: hub "a", event handler 0: a key vault has a part of the URL, want a URL without a reference`},
	} {
		checkRuns(t, cli.Main, []programRun{{
			name: tt.name, args: append([]string{"settings"}, strings.Fields(tt.args)...), stdin: tt.stdin, code: 2,
			stderr: "webpubsub: " + tt.stderr + "\n" + help, replace: []string{file, "FILE"},
		}})
	}
}

func TestSettingsOfAuth(t *testing.T) {
	t.Parallel()
	for auth, tt := range map[string]struct {
		want *emulator.ManagedIdentity
		err  string
	}{
		"{type: None}": {},
		"{}":           {},
		"{type: ManagedIdentity, managedIdentity: {resource: 'api://chat'}}":                                          {want: &emulator.ManagedIdentity{Resource: "api://chat"}},
		"{type: ManagedIdentity, managedIdentity: {resource: 7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46, tokenVersion: 2}}": {want: &emulator.ManagedIdentity{Resource: "7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46", TokenVersion: 2}},
		"{type: ManagedIdentity}":                                 {err: `line 1, column 29: hub "a", event handler 0: auth.managedIdentity.resource is missing, want the audience of the tokens`},
		"{managedIdentity: {resource: 'api://chat'}}":             {err: `line 1, column 29: hub "a", event handler 0: auth.managedIdentity: want auth.type ManagedIdentity with it`},
		"{managedIdentity: {tokenVersion: 2}}":                    {err: `line 1, column 29: hub "a", event handler 0: auth.managedIdentity: want auth.type ManagedIdentity with it`},
		"{type: None, managedIdentity: {resource: 'api://chat'}}": {err: `line 1, column 29: hub "a", event handler 0: auth.managedIdentity: want auth.type ManagedIdentity with it`},
		"{type: managedIdentity}":                                 {err: `line 1, column 29: hub "a", event handler 0: auth.type "managedIdentity": want None or ManagedIdentity`},
		"{type: ManagedIdentity, managedIdentity: {resources: 'api://chat'}}": {
			err: `line 1, column 103: unknown field "resources", did you mean "resource"?`,
		},
		"{type: ManagedIdentity, managedIdentity: {tokenVersion: two}}": {err: "line 1, column 117: want a whole number"},
	} {
		hubs, err := cli.ParseSettings([]byte("hubs: {a: {eventHandlers: [{urlTemplate: 'http://u/', auth: " + auth + "}]}}"))
		if tt.err != "" {
			require.EqualError(t, err, tt.err, auth)
			continue
		}
		require.NoError(t, err, auth)
		assert.Equal(t, tt.want, hubs["a"].EventHandlers[0].ManagedIdentity, auth)
	}
}

func TestSettingsValidate(t *testing.T) {
	t.Parallel()
	handler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions && r.URL.Path == "/chat/validate" {
			w.Header().Set("WebHook-Allowed-Origin", r.Header.Get("WebHook-Request-Origin"))
		} else {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(handler.Close)
	replace := []string{handler.URL, "http://h.test"}
	const settings = "hubs:\n  chat:\n    anonymousConnectPolicy: deny\n    eventHandlers:\n      - urlTemplate: http://h.test/{hub}/{event}\n        userEventPattern: \"*\"\n        systemEvents: []\n"
	args := func(template string) []string {
		return []string{"settings", "--hub", "chat", "--upstream", handler.URL + template, "--system-events=", "-f", "emulator", "--validate", "my-chat.webpubsub.azure.com"}
	}
	checkRuns(t, cli.Main, []programRun{
		{name: "consent", args: args("/{hub}/{event}"), stdout: settings, replace: replace},
		{
			name: "no consent", args: args("/login?code=secret"), code: 1, replace: replace,
			stderr: `hub chat, http://h.test/login?…: failed at options-consent: OPTIONS with the service's origin and without credentials gets 2xx with WebHook-Allowed-Origin
          OPTIONS: answered with 401 and WebHook-Allowed-Origin ""
          reason: the service does not sign validation requests, and sends no events to a handler that has not consented
          cause:  something in front of the handler asks for a login
          remedy: let the handler's URL pass without a login, OPTIONS and POST: the service has no account there; the handler verifies signatures itself
`,
		},
	})
}
