package cli_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
	"github.com/go-webpubsub/webpubsub/service"
)

// TestCallMistakes checks that mistakes are found before anything is sent.
func TestCallMistakes(t *testing.T) {
	t.Parallel()
	env := map[string]string{"WEBPUBSUB_HUB": "chat", "WEBPUBSUB_CONNECTION_STRING": emulator.ConnectionString("http://127.0.0.1:1", secret)}
	help := func(command string) string { return "\nRun 'webpubsub " + command + " --help' for usage.\n" }
	tests := []programRun{
		{name: "no message", args: []string{"send", "all"}, stderr: "webpubsub: an argument is missing, want: webpubsub send all MESSAGE [flags]" + help("send all")},
		{name: "target", args: []string{"send", "grup", "lobby", "hi"}, stderr: `webpubsub: unknown command "grup" for "webpubsub send", did you mean group?` + help("send")},
		{name: "command", args: []string{"group", "jion"}, stderr: `webpubsub: unknown command "jion" for "webpubsub group", want one of add, remove, list, exists, close` + help("group")},
		{name: "type", args: []string{"send", "all", "x", "--type", "xml"}, stderr: `webpubsub: --type "xml": want text, json or binary` + help("send all")},
		{name: "JSON", args: []string{"send", "all", "{\"ä\": 1,\n \"b\": }", "--type", "json"}, stderr: "webpubsub: MESSAGE: line 2, column 7: not JSON: invalid character '}' looking for beginning of value" + help("send all")},
		{name: "JSON that is cut", args: []string{"send", "all", "[1,", "--type", "json"}, stderr: "webpubsub: MESSAGE: line 1, column 3: not JSON: unexpected end of JSON input" + help("send all")},
		{name: "text that is none", args: []string{"send", "all", "-"}, stdin: "\xff", stderr: "webpubsub: MESSAGE: not UTF-8 text, want --type binary for other bytes" + help("send all")},
		{name: "file", args: []string{"send", "all", "@none"}, stderr: `webpubsub: MESSAGE: file "none": no such file or directory` + help("send all")},
		{name: "too long", args: []string{"send", "all", "-"}, stdin: strings.Repeat("x", 1<<20+1), stderr: "webpubsub: MESSAGE: longer than 1048576 bytes" + help("send all")},
		{name: "TTL", args: []string{"send", "all", "x", "--ttl", "1500ms"}, stderr: "webpubsub: --ttl 1.5s: want whole seconds from 0 to 5m0s" + help("send all")},
		{name: "metadata", args: []string{"send", "all", "x", "--metadata", "a b=1"}, stderr: "webpubsub: --metadata: name \"a b\": want an HTTP token of 1 to 256 bytes" + help("send all")},
		{name: "group", args: []string{"send", "group", "a/b", "x"}, stderr: "golden:send_group_slash.txt"},
		{name: "user", args: []string{"user", "exists", ""}, stderr: "golden:user_exists_empty.txt"},
		{
			name: "filter", args: []string{"send", "user", "ann", "x", "--filter", "userId eqq 'a'"},
			stderr: "webpubsub: --filter \"userId eqq 'a'\": character 8: unexpected 'eqq', want an operator (and, or, eq, ne, gt, ge, lt, le, in) or the end\n  userId eqq 'a'\n         ^" + help("send user"),
		},
		{
			name: "filter in the environment", args: []string{"send", "all", "x"}, env: map[string]string{"WEBPUBSUB_SEND_ALL_FILTER": "name eq 'a'"},
			stderr: "webpubsub: WEBPUBSUB_SEND_ALL_FILTER \"name eq 'a'\": character 1: unknown property 'name', want connectionId, userId, groups or protocol\n  name eq 'a'\n  ^" + help("send all"),
		},
		{
			name: "long filter", args: []string{"group", "add", "g", "--filter", strings.Repeat("true and ", 20) + "ü"},
			stderr: "golden:filter_long.txt",
		},
		{name: "empty filter", args: []string{"group", "add", "g", "--filter", ""}, stderr: "webpubsub: --filter \"\": want a filter; the filter true matches every connection" + help("group add")},
		{name: "filter of a connection", args: []string{"send", "connection", "c", "x", "--filter", "true"}, stderr: "webpubsub: unknown flag: --filter" + help("send connection")},
		{name: "misspelt flag", args: []string{"send", "group", "g", "x", "--exlude", "c"}, stderr: "webpubsub: unknown flag: --exlude, did you mean --exclude?" + help("send group")},
		{name: "nobody to add", args: []string{"group", "add", "g"}, stderr: "webpubsub: 0 of --user, --connection and --filter are set, want one of them" + help("group add")},
		{name: "two to remove", args: []string{"group", "remove", "g", "--user", "a", "--filter", "true"}, stderr: "webpubsub: --user and --filter: want one of them" + help("group remove")},
		{name: "no group", args: []string{"group", "add"}, stderr: "webpubsub: an argument is missing, want: webpubsub group add NAME... [flags]" + help("group add")},
		{name: "page size", args: []string{"group", "list", "g", "--page-size", "201"}, stderr: "webpubsub: --page-size 201: want 1 to 200, or 0 for the service's default" + help("group list")},
		{name: "nothing to close", args: []string{"connection", "close"}, stderr: "webpubsub: want the id of a connection, or --all, and not both" + help("connection close")},
		{name: "all and one to close", args: []string{"connection", "close", "c", "--all"}, stderr: "webpubsub: want the id of a connection, or --all, and not both" + help("connection close")},
		{name: "one to close but one", args: []string{"connection", "close", "c", "--exclude", "d"}, stderr: `webpubsub: --exclude "d": a single connection is closed, want it with --all only` + help("connection close")},
		{name: "permission", args: []string{"permission", "grant", "sendTogroups", "--connection", "c", "--group", "g"}, stderr: `webpubsub: PERMISSION "sendTogroups": did you mean sendToGroup?` + help("permission grant")},
		{name: "permission of nobody", args: []string{"permission", "check", "sendToGroup", "--group", "g"}, stderr: "webpubsub: --connection is missing, want the id of a connection" + help("permission check")},
		{name: "permission for nothing", args: []string{"permission", "revoke", "sendToGroup", "--connection", "c"}, stderr: "webpubsub: --group is missing, want the name of a group" + help("permission revoke")},
	}
	for i := range tests {
		tests[i].code = 2
		if tests[i].env == nil {
			tests[i].env = map[string]string{}
		}
		maps.Copy(tests[i].env, env)
	}
	checkRuns(t, cli.Main, tests)
}

// TestCallFails checks exit code and error of a call that the service refuses.
func TestCallFails(t *testing.T) {
	t.Parallel()
	s := callService(t, emulator.Config{})
	env := map[string]string{"WEBPUBSUB_HUB": "chat", "WEBPUBSUB_CONNECTION_STRING": s.connectionString}
	checkRuns(t, cli.Main, []programRun{
		{name: "user", args: []string{"group", "add", "news", "--user", "ben"}, env: env, code: 1, stderr: "golden:group_add_missing_user.txt"},
		{name: "connection", args: []string{"permission", "grant", "sendToGroup", "--connection", "nobody", "--group", "g"}, env: env, code: 1, stderr: "golden:grant_missing_connection.txt"},
		{name: "key", args: []string{"user", "exists", "ann"}, env: map[string]string{
			"WEBPUBSUB_HUB": "chat", "WEBPUBSUB_CONNECTION_STRING": strings.Replace(s.connectionString, emulator.DefaultAccessKey, secret, 1),
		}, code: 1, stderr: "golden:wrong_key.txt", replace: []string{endpointOf(s.connectionString), "ENDPOINT"}},
	})
}

func endpointOf(connectionString string) string {
	return strings.TrimPrefix(strings.Split(connectionString, ";")[0], "Endpoint=")
}

// TestSendOptions checks that each flag of a message has its effect.
func TestSendOptions(t *testing.T) {
	t.Parallel()
	s := callService(t, emulator.Config{})
	access, err := s.chat.ClientAccess(t.Context(), &service.ClientAccessOptions{UserID: "ben", Groups: []string{"lobby"}})
	require.NoError(t, err)
	ben, id := connectTo(t, access.URL())
	s.run("send all one --exclude "+id, "", "", 0)
	s.run("send group lobby two --exclude "+id, "", "", 0)
	s.run("send all three --filter userId|ne|'ben'", "", "", 0)
	s.run("send user ben four --filter false", "", "", 0)
	s.run("send all - --type json --ttl 5m --metadata trace=7,by=shell", `{"a": [1]}`, "", 0)
	assert.Equal(t, "300", s.parameter("messageTtlSeconds"))
	want := strings.Replace(message("json", `{"a": [1]}`), `]}`, `]},"metadata":{"by":"shell","trace":"7"}`, 1)
	assert.JSONEq(t, want, readFrame(t, ben))
	for _, data := range []string{`"one"`, `"two"`, `"three"`} {
		assert.Contains(t, readFrame(t, s.conn), data)
	}
	assert.JSONEq(t, want, readFrame(t, s.conn))
}

// TestCloseExcludes checks that --exclude keeps a connection open.
func TestCloseExcludes(t *testing.T) {
	t.Parallel()
	s := callService(t, emulator.Config{})
	for _, command := range []string{"connection close --all", "group close lobby", "user close ann"} {
		access, err := s.chat.ClientAccess(t.Context(), &service.ClientAccessOptions{UserID: "ann", Groups: []string{"lobby"}})
		require.NoError(t, err)
		_, second := connectTo(t, access.URL())
		s.run(command+" --exclude CONNECTION --exclude nobody", "", "", 0)
		s.run("connection exists CONNECTION", "", "yes\n", 0)
		s.run("connection exists "+second, "", "no\n", 1)
	}
}

// TestGroupListEscapes checks that a user id cannot control the terminal, and that --top
// limits the list.
func TestGroupListEscapes(t *testing.T) {
	t.Parallel()
	s := callService(t, emulator.Config{})
	access, err := s.chat.ClientAccess(t.Context(), &service.ClientAccessOptions{UserID: "e\u202eve", Groups: []string{"strangers"}})
	require.NoError(t, err)
	_, id := connectTo(t, access.URL())
	s.run("group list strangers", "", id+"\te\\u202eve\n", 0)
	s.run("group add strangers --user ann", "", "", 0)
	for flag, want := range map[string]int{"--top 1": 1, "--top 1 --page-size 1": 1, "--page-size 1": 2} {
		s.reset()
		var out strings.Builder
		args := strings.Fields("group list strangers " + flag)
		env := environment(map[string]string{"WEBPUBSUB_CONNECTION_STRING": s.connectionString, "WEBPUBSUB_HUB": "chat"})
		assert.Equal(t, 0, cli.Main(args, env, nil, &out, &out))
		assert.Equal(t, want, strings.Count(out.String(), "\n"), out.String())
		assert.Len(t, s.reset(), want, "pages")
	}
}
