package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
	"github.com/go-webpubsub/webpubsub/service"
)

// TestConnect checks each command and what it prints, for all subprotocols.
func TestConnect(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"json", "json.reliable", "protobuf", "protobuf.reliable"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			h := openHall(t)
			news := "[news] ann: "
			if strings.HasPrefix(protocol, "protobuf") { // its messages do not name their sender
				news = "[news] "
			}
			c := h.connect("--user", "ann", "--group", "lobby", "--protocol", protocol)
			c.prints("* connected as ann, connection ID")
			require.NoError(t, h.chat.All().SendJSON(t.Context(), map[string]int{"n": 1}, &service.SendOptions{Metadata: map[string]string{"trace": "7"}}))
			c.prints(`[server] {"n":1} {trace=7}`)
			require.NoError(t, h.chat.Group("lobby").SendText(t.Context(), "two\nlines\x1b[2J", nil))
			c.prints(`[lobby] two\nlines\x1b[2J`)

			c.types("join news")
			c.prints("* joined news")
			c.types("", `send --no-echo news hello there`)
			c.prints("* sent to news")
			c.types(`send news {"a"}`)
			assert.ElementsMatch(t, []string{"* sent to news", news + `{"a"}`}, c.lines(2))
			c.types(`send --json news {"a": [1]}`)
			assert.ElementsMatch(t, []string{"* sent to news", news + `{"a":[1]}`}, c.lines(2))
			c.types(`send --binary news AAE=`)
			assert.ElementsMatch(t, []string{"* sent to news", news + "base64 AAE="}, c.lines(2))
			c.types(`join "a room"`)
			c.prints("* joined a room")
			c.types("leave news")
			c.prints("* left news")

			c.types("event echo one")
			assert.ElementsMatch(t, []string{"* event echo was handled", "[server] one"}, c.lines(2))
			c.types("event nothing")
			c.prints("* event nothing was handled")
			c.types("event other x")
			c.prints("! event: InternalServerError: Internal server error")
			c.types(`invoke --json echo {"x": 1}`)
			c.prints(`[echo] {"x":1}`)
			c.types("invoke other")
			c.prints("! invoke: InternalServerError: Internal server error")
			c.ends(1, "", "")
		})
	}
}

// TestConnectMistakes checks lines that are not commands. None ends the program.
func TestConnectMistakes(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect("--role", "none")
	c.prints("* connected, connection ID")
	for line, want := range map[string]string{
		"snd x":                    `! unknown command "snd", did you mean send?`,
		"dance":                    `! unknown command "dance", want one of join, leave, send, event, invoke, publish, end, state-set, state-clear, state-get, state-subscribe, state-unsubscribe, state-list`,
		"join":                     "! join: an argument is missing, want: join GROUP",
		"join a b":                 `! join: unexpected argument "b", want: join GROUP`,
		`join "a`:                  "! join: a name in double quotes does not end",
		`join ""`:                  "! join: an argument is missing, want: join GROUP",
		"join --json a":            `! join: unknown option "--json", want: join GROUP`,
		"send --jsn a {}":          `! send: unknown option "--jsn", did you mean --json?`,
		"send a":                   "! send: a message is missing, want: send [--json|--binary] [--no-echo] GROUP MESSAGE",
		"send --json a {":          "! send: line 1, column 1: not JSON: unexpected end of JSON input",
		"send --json --binary a x": "! send: --json and --binary are set, want one of them",
		"send --binary a !":        "! send: want base64 after --binary",
		"event 1 x":                `! event: event "1": want a letter, then at most 127 letters, digits or characters of _.-`,
		"join lobby":               `! join: Forbidden: The client does not have permission to join group 'lobby'. (the client needs the role "webpubsub.joinLeaveGroup.lobby", in its token or in the reply to its connect event)`,
		"\x1b[2Jx":                 `! unknown command "\x1b[2Jx", want one of join, leave, send, event, invoke, publish, end, state-set, state-clear, state-get, state-subscribe, state-unsubscribe, state-list`,
	} {
		c.types(line)
		c.prints(want)
	}
	c.types("help")
	var help []string
	for _, line := range c.lines(20) {
		help = append(help, line)
		assert.LessOrEqual(t, len(line), 80, line)
	}
	assert.Equal(t, "join GROUP                      join a group", help[0])
	assert.Equal(t, "quit                            close the connection; Ctrl+C and Ctrl+D do, too", help[len(help)-1])
	c.types("quit")
	c.over(1, "", "")
}

// TestConnectJSON checks the shape of each line.
func TestConnectJSON(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect("--user", "ann", "--group", "lobby", "--json")
	c.prints(`{"type":"connected","connectionId":"ID","userId":"ann"}`)
	require.NoError(t, h.chat.User("ann").SendJSON(t.Context(), []string{"<b>"}, &service.SendOptions{Metadata: map[string]string{"trace": "7"}}))
	c.prints(`{"type":"message","from":"server","dataType":"json","data":["<b>"],"metadata":{"trace":"7"}}`)
	require.NoError(t, h.chat.Group("lobby").SendBinary(t.Context(), []byte{0}, nil))
	c.prints(`{"type":"message","from":"group","group":"lobby","dataType":"binary","data":"AA=="}`)
	c.types("join news", "snd", "help", "leave news", "invoke echo hi")
	c.prints(
		`{"type":"done","group":"news","command":"join"}`,
		`{"type":"failed","reason":"unknown command \"snd\", did you mean send?"}`,
		`{"type":"failed","reason":"unknown command \"help\", want one of join, leave, send, event, invoke, publish, end, state-set, state-clear, state-get, state-subscribe, state-unsubscribe, state-list"}`,
		`{"type":"done","group":"news","command":"leave"}`,
		`{"type":"answer","command":"invoke","event":"echo","dataType":"text","data":"hi"}`,
	)
	c.types("invoke other")
	c.ends(1, `{"type":"failed","command":"invoke","event":"other","reason":"InternalServerError: Internal server error"}`+"\n", "")
}

// TestConnectRoles checks that the client has both roles unless the user says otherwise.
func TestConnectRoles(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect("--role", "webpubsub.sendToGroup.a", "--role", "webpubsub.sendToGroup.b", "--group", "b", "--group", "c", "--group", "d,e")
	c.prints("* connected, connection ID")
	c.types("send a x", "send --no-echo b x")
	c.prints("* sent to a", "* sent to b")
	c.types("join a")
	c.prints("! join: Forbidden: The client does not have permission to join group 'a'. (the client needs the role \"webpubsub.joinLeaveGroup.a\", in its token or in the reply to its connect event)")
	require.NoError(t, h.chat.Group("c").SendText(t.Context(), "in", nil))
	c.prints("[c] in")
	require.NoError(t, h.chat.Group("d,e").SendText(t.Context(), "comma", nil))
	c.prints("[d,e] comma")
	c.ends(1, "", "")
}

// TestConnectURL checks the places where a client URL can come from.
func TestConnectURL(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	target := h.url(&service.ClientAccessOptions{UserID: "ann"})
	for name, from := range map[string]struct {
		args []string
		env  map[string]string
	}{
		"flag":                            {args: []string{"--url", target}},
		"environment":                     {env: map[string]string{"WEBPUBSUB_URL": target}},
		"file":                            {args: []string{"--url-file", write(t, target+"\n")}},
		"flag before environment":         {args: []string{"--url", target}, env: h.env()},
		"file before environment":         {args: []string{"--url-file", write(t, target)}, env: map[string]string{"WEBPUBSUB_URL": "http://other.test"}},
		"service flag before environment": {args: []string{"--connection-string", h.connectionString, "--hub", "chat", "--user", "ann"}, env: map[string]string{"WEBPUBSUB_URL": "http://other.test"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startTalk(t, from.env, from.args...)
			c.prints("* connected as ann, connection ID")
			c.ends(0, "", "")
		})
	}
}

func TestConnectUsage(t *testing.T) {
	t.Parallel()
	const help = "\nRun 'webpubsub connect --help' for usage.\n"
	const target = "ws://other.test/?access_token=" + secretToken
	service := map[string]string{"WEBPUBSUB_HUB": "chat", "WEBPUBSUB_CONNECTION_STRING": emulator.ConnectionString("http://127.0.0.1:1", secret)}
	tests := []programRun{
		{name: "nothing", stderr: "webpubsub: --hub is missing, want the name of a hub"},
		{name: "protocol", args: []string{"--protocol", "jsn"}, stderr: `webpubsub: --protocol "jsn": did you mean json?`},
		{name: "role", args: []string{"--role", "webpubsub.sendtogroup"}, env: service, stderr: `webpubsub: --role: role "webpubsub.sendtogroup" is unknown to the service, which ignores it; did you mean "webpubsub.sendToGroup"?`},
		{name: "group", args: []string{"--group", " "}, env: service, stderr: `webpubsub: --group: group " ": want 1 to 1024 characters of UTF-8, not blank, without line feed`},
		{name: "user", args: []string{"--user", "a\nb"}, env: service, stderr: "webpubsub: --user: want UTF-8 without control characters, which the header ce-userId cannot have"},
		{name: "argument", args: []string{"chat"}, stderr: `webpubsub: unexpected argument "chat", want: webpubsub connect [flags]`},
		{name: "URL", args: []string{"--url", "other.test/" + secretToken}, stderr: "webpubsub: --url: want a client URL, such as wss://name.webpubsub.azure.com/client/hubs/chat?access_token=…"},
		{name: "URL and user", args: []string{"--url", target, "--user", "ann"}, stderr: "webpubsub: --user: the token of the client URL decides, want it without a client URL"},
		{name: "two URLs", args: []string{"--url", target, "--url-file", "f"}, stderr: "webpubsub: --url and --url-file are set, want one of them"},
		{name: "URL and service", args: []string{"--url", target, "--endpoint", "https://other.test"}, stderr: "webpubsub: a client URL and a service are set, want one of them"},
		{name: "URL and service in the environment", env: map[string]string{"WEBPUBSUB_URL": target, "WEBPUBSUB_ENDPOINT": "https://other.test"}, stderr: "webpubsub: a client URL and a service are set in the environment, want one of them, or a flag"},
		{name: "URL of stdin", args: []string{"--url-file", "-"}, stderr: "webpubsub: --url-file -: want the name of a file, standard input has the commands"},
		{name: "no file", args: []string{"--url-file", "none"}, stderr: `webpubsub: --url-file: file "none": no such file or directory`},
	}
	for i := range tests {
		tests[i].args = append([]string{"connect"}, tests[i].args...)
		tests[i].code = 2
		tests[i].stderr += help
	}
	checkRuns(t, cli.Main, tests)
}

const secretToken = "anybody-who-has-it"

// TestConnectRefused checks the exit code and that no part of the token is printed.
func TestConnectRefused(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	replace := []string{h.wire.address, "ADDRESS"}
	target := "http://" + h.wire.address + "/client/hubs/chat?access_token=" + secretToken
	const closed = "http://127.0.0.1:1/client/hubs/chat?access_token=" + secretToken
	tests := []programRun{
		{name: "token", args: []string{"--url", target}, stderr: "webpubsub: client: Start: 401 Unauthorized (the token in the client URL is not valid for this hub of ADDRESS; check the key and the endpoint that it was made with)\n"},
		{name: "token, raw", args: []string{"--url", target, "--protocol", "raw"}, stderr: "webpubsub: the service answered 401 Unauthorized (the token is expired, or signed with another key)\n"},
		{name: "path, raw", args: []string{"--url", strings.Replace(target, "/client/", "/other/", 1), "--protocol", "raw"}, stderr: "webpubsub: the service answered 404 Not Found (the path of the URL is not that of a hub)\n"},
		{name: "nobody there, raw", args: []string{"--url", closed, "--protocol", "raw"}, stderr: "webpubsub: dial tcp 127.0.0.1:1: connect: connection refused\n"},
	}
	for i := range tests {
		tests[i].args = append([]string{"connect"}, tests[i].args...)
		tests[i].code = 1
		tests[i].replace = replace
	}
	checkRuns(t, cli.Main, tests)
}

// TestConnectLongLine checks that a line that is too long is an error.
func TestConnectLongLine(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	c := h.connect()
	c.prints("* connected, connection ID")
	c.types("send --no-echo lobby " + strings.Repeat("x", 1<<19))
	c.prints("* sent to lobby")
	_, err := io.WriteString(c.stdin, strings.Repeat("x", 2<<20))
	require.NoError(t, err)
	c.over(1, "", "webpubsub: a line of standard input is longer than 2097152 bytes\n")
}

// TestConnectInterrupted checks that a signal ends the program with exit code 0.
func TestConnectInterrupted(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	for _, protocol := range []string{"json.reliable", "raw"} {
		c := h.connect("--protocol", protocol, "--json")
		assert.Equal(t, "connected", c.news()["type"])
		c.stop()
		c.over(0, "", "")
	}
}

// TestConnectWithEntra makes the token by a call of the service, with a token of a managed
// identity that a server plays.
func TestConnectWithEntra(t *testing.T) {
	s := callService(t, emulator.Config{TrustTokens: true})
	identity := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"access_token": "a token", "expires_on": "4102444800", "resource": "https://webpubsub.azure.com", "token_type": "Bearer"}`)
	}))
	t.Cleanup(identity.Close)
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential") // azidentity reads the process's environment
	t.Setenv("IDENTITY_ENDPOINT", identity.URL)
	t.Setenv("IDENTITY_HEADER", secret)
	s.reset()
	c := startTalk(t, map[string]string{"WEBPUBSUB_ENDPOINT": endpointOf(s.connectionString), "WEBPUBSUB_HUB": "chat"}, "--user", "ben")
	c.prints("* connected as ben, connection ID")
	assert.Equal(t, []string{"GenerateClientToken"}, s.reset())
	c.ends(0, "", "")
}
