package cli_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	kit "github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// durations match what differs from run to run.
var durations = regexp.MustCompile(`\b\d+(\.\d+)?(ns|µs|ms|s)\b|("milliseconds"|"seconds"|"perSecond"|"p\d\d"|"min"|"max"): [\d.e-]+|\d+ per second`)

// mask replaces durations and random ids.
func mask(text string) string {
	text = durations.ReplaceAllStringFunc(text, func(found string) string {
		if name, _, ok := strings.Cut(found, ": "); ok {
			return name + ": 0"
		}
		if strings.HasSuffix(found, " per second") {
			return "RATE"
		}
		return "TIME"
	})
	return regexp.MustCompile(`\b[0-9a-f]{32}\b`).ReplaceAllString(text, "ID")
}

// checkMasked is like checkRuns, but compares masked texts.
func checkMasked(t *testing.T, runs []programRun) {
	t.Helper()
	for _, r := range runs {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			code := cli.Main(r.args, environment(r.env), strings.NewReader(r.stdin), &stdout, &stderr)
			replacer := strings.NewReplacer(r.replace...)
			compare(t, r.stdout, mask(replacer.Replace(stdout.String())), "stdout")
			compare(t, r.stderr, mask(replacer.Replace(stderr.String())), "stderr")
			assert.Equal(t, r.code, code, "exit code")
			assert.NotContains(t, stdout.String()+stderr.String(), secret)
		})
	}
}

// newChat returns the URL of an event handler that verifies events with the connection
// string.
func newChat(t *testing.T, connectionString string) string {
	t.Helper()
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{connectionString},
		Logger:            slog.New(slog.DiscardHandler),
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			if ev.Query.Get("ticket") == "" {
				return nil, webpubsub.Unauthorized("no ticket\x1b[2J")
			}
			return &webpubsub.ConnectReply{Groups: []string{"lobby"}, State: webpubsub.State[map[string]int]{}.Set(map[string]int{"n": 1})}, nil
		},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": webpubsub.Text(func(_ context.Context, _ *webpubsub.UserEvent, text string) (string, error) { return text, nil }),
			"look": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.JSONReply(map[string]any{"user": ev.UserID, "state": ev.RawState, "type": ev.RequestHeader.Get("Content-Type")}), nil
			},
			"bytes": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.BinaryReply([]byte("\x00\xff")), nil
			},
		},
	})
	require.NoError(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL + "/{event}"
}

func TestTrigger(t *testing.T) {
	t.Parallel()
	u := newChat(t, kit.ConnectionString)
	const ours = "Endpoint=https://ours.test;AccessKey=" + secret + ";"
	own := newChat(t, ours)
	const help = "Run 'webpubsub trigger --help' for usage.\n"
	send := func(args ...string) []string {
		return append([]string{"trigger", "--connection", "c1"}, args...)
	}
	checkMasked(t, []programRun{
		{
			name: "connect", args: send("connect", u, "--user", "ann", "--query", "ticket=1", "--claim", "role=a", "--header", "X-A: 1", "--subprotocol", "json.webpubsub.azure.v1"),
			stdout: "event    connect of hub chat, connection c1, id 0, user ann\nanswer   200 OK in TIME\n" +
				"meaning  the client is connected as user \"ann\", in groups \"lobby\", with roles \"a\", subprotocol \"json.webpubsub.azure.v1\"\n" +
				"state    {\"n\":1}\nreply    application/json; charset=utf-8, 20 bytes\n{\n  \"groups\": [\n    \"lobby\"\n  ]\n}\n",
		},
		{
			name: "refused", args: send("connect", u), code: 1,
			stdout: "event    connect of hub chat, connection c1, id 0\nanswer   401 Unauthorized in TIME\nproblem  the handler answers 401 Unauthorized\n" +
				"meaning  the client's handshake fails with 401\nreply    text/plain; charset=utf-8, 13 bytes\nno ticket\\x1b[2J\n",
		},
		{
			name: "MQTT refused", args: send("connect", u, "--mqtt", "--mqtt-username", "u", "--mqtt-password", "@-"), stdin: "p", code: 1,
			stdout: "event    connect of hub chat, connection c1, id 0\nanswer   401 Unauthorized in TIME\nproblem  the handler answers 401 Unauthorized\n" +
				"meaning  the client's handshake fails with 401; its CONNACK has code 135, NotAuthorized\n" +
				"reply    application/json; charset=utf-8, 51 bytes\n{\n  \"mqtt\": {\n    \"code\": 135,\n    \"reason\": \"no ticket\\u001b[2J\"\n  }\n}\n",
		},
		{
			name: "text", args: send("event", "message", u, "--data", "-"), stdin: "hi\x1b\n",
			stdout: "event    message of hub chat, connection c1, id 2\nanswer   200 OK in TIME\nmeaning  the client gets a text message\nreply    text/plain; charset=utf-8, 4 bytes\nhi\\x1b\n\n",
		},
		{
			name: "JSON in, JSON out", args: send("event", "look", u, "--json", `{"a":1}`, "--user", "ann", "--state", `{"n":1}`, "--output", "json"),
			stdout: `{
  "event": "event",
  "name": "look",
  "hub": "chat",
  "connectionId": "c1",
  "eventId": "2",
  "userId": "ann",
  "ok": true,
  "status": 200,
  "meaning": "the client gets a json message",
  "contentType": "application/json; charset=utf-8",
  "replyType": "json",
  "reply": {
    "state": "eyJuIjoxfQ==",
    "type": "application/json",
    "user": "ann"
  },
  "milliseconds": 0
}
`,
		},
		{
			name: "bytes", args: send("event", "bytes", u, "--binary", "@"+write(t, "\x00")),
			stdout: "event    bytes of hub chat, connection c1, id 2\nanswer   200 OK in TIME\nmeaning  the client gets a binary message\nreply    application/octet-stream, 2 bytes\nAP8=\n",
		},
		{
			name: "content type", args: send("event", "look", u, "--data", "x", "--content-type", "image/png", "--mqtt"),
			stdout: "event    look of hub chat, connection c1, id 2\nanswer   200 OK in TIME\nmeaning  the client gets a message on topic $webpubsub/server/events/look/succeeded\n" +
				"reply    application/json; charset=utf-8, 41 bytes\n{\n  \"state\": \"\",\n  \"type\": \"image/png\",\n  \"user\": \"\"\n}\n",
		},
		{name: "connected", args: send("connected", u), stdout: "event    connected of hub chat, connection c1, id 1\nanswer   204 No Content in TIME\nmeaning  the service ignores the content of this answer\n"},
		{name: "joined", args: send("joined", u, "--group", "g", "--hub", "other"), stdout: "event    joined of hub other, connection c1, id 2\nanswer   204 No Content in TIME\nmeaning  the service ignores the content of this answer\n"},
		{name: "left", args: send("left", u, "--group", "g"), stdout: "event    left of hub chat, connection c1, id 2\nanswer   204 No Content in TIME\nmeaning  the service ignores the content of this answer\n"},
		{name: "disconnected", args: send("disconnected", u, "--reason", "bye"), stdout: "event    disconnected of hub chat, connection c1, id 2\nanswer   204 No Content in TIME\nmeaning  the service ignores the content of this answer\n"},
		{
			name: "own key", args: send("connected", own), env: map[string]string{"WEBPUBSUB_CONNECTION_STRING": ours},
			stdout: "event    connected of hub chat, connection c1, id 1\nanswer   204 No Content in TIME\nmeaning  the service ignores the content of this answer\n",
		},
		{
			name: "wrong key", args: send("connected", own), code: 1,
			stdout: "event    connected of hub chat, connection c1, id 1\nanswer   401 Unauthorized in TIME\nproblem  the handler answers 401 Unauthorized\nmeaning  the service logs the failure\n" +
				"reply    text/plain; charset=utf-8, 110 bytes\norigin and signature do not prove that the service sent this; compare its connection string with the handler's\n",
		},
		{
			name: "too late", args: send("connected", u, "--timeout", "1ns"), code: 1,
			stdout: "event    connected of hub chat, connection c1, id 1\nproblem  no answer: no answer in time: TIME\nmeaning  the service logs the failure\n",
		},
		{
			name: "nobody there", args: send("connected", "http://127.0.0.1:1"), code: 1,
			stdout: "event    connected of hub chat, connection c1, id 1\nproblem  no answer: nothing listens at 127.0.0.1:1\nremedy   start the handler, and compare its address and port with the URL; in a container, listen on 0.0.0.0 and publish the port\nmeaning  the service logs the failure\n",
		},

		{name: "no URL", args: send("connect"), code: 2, stderr: "webpubsub: want one URL after the event, got 0 arguments\n" + help},
		{name: "no arguments", args: []string{"trigger"}, code: 2, stderr: "webpubsub: an argument is missing, want: webpubsub trigger {EVENT [NAME] | --scenario FILE} URL [flags]\n" + help},
		{name: "no name", args: send("event", u), code: 2, stderr: "webpubsub: event: want its name and a URL: event NAME URL\n" + help},
		{name: "misspelt event", args: send("conect", u), code: 2, stderr: "webpubsub: event \"conect\": did you mean connect?\n" + help},
		{name: "unknown event", args: send("xyz", u), code: 2, stderr: "webpubsub: event \"xyz\": want one of connect, connected, event, joined, left, disconnected\n" + help},
		{name: "misspelt flag", args: send("connect", u, "--usr", "ann"), code: 2, stderr: "webpubsub: unknown flag: --usr, did you mean --user?\n" + help},
		{name: "no absolute URL", args: send("connect", "localhost:3000"), code: 2, stderr: "webpubsub: URL \"localhost:3000\": want an absolute http or https URL\n" + help},
		{name: "secret in a URL", args: send("connect", "http://me:"+url.QueryEscape(secret)+"@h/?code="+url.QueryEscape(secret)), code: 2, stderr: "webpubsub: URL \"http://…@h/?…\": user information and fragment are not allowed\n" + help},
		{name: "flags of other events", args: send("connected", u, "--reason", "a", "--query", "a=b", "--data", "a", "--group", "g"), code: 2, stderr: "webpubsub: --data: connected has none, only event\n" + help},
		{name: "flag of another event", args: send("connected", u, "--query", "a=b"), code: 2, stderr: "webpubsub: --query: connected has none, only connect\n" + help},
		{name: "query", args: send("connect", u, "--query", "a"), code: 2, stderr: "webpubsub: --query \"a\": want name=value\n" + help},
		{name: "hub", args: send("connected", u, "--hub", "my-hub"), code: 2, stderr: "webpubsub: --hub \"my-hub\": want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)\n" + help},
		{name: "user", args: send("connected", u, "--user", "a\n"), code: 2, stderr: "webpubsub: --user: want UTF-8 without control characters, which the header ce-userId cannot have\n" + help},
		{name: "connection", args: []string{"trigger", "connected", u, "--connection", "a\n"}, code: 2, stderr: "webpubsub: --connection \"a\\n\": want printable ASCII without spaces around it\n" + help},
		{name: "group", args: send("joined", u), code: 2, stderr: "webpubsub: --group: group \"\": want 1 to 1024 characters of UTF-8, not blank\n" + help},
		{name: "event name", args: send("event", "a b", u), code: 2, stderr: "webpubsub: name: event \"a b\": want a letter, then at most 127 letters, digits or characters of _.-\n" + help},
		{name: "JSON", args: send("event", "a", u, "--json", "{"), code: 2, stderr: "webpubsub: --json: not JSON; text is --data\n" + help},
		{name: "file", args: send("event", "a", u, "--data", "@none"), code: 2, stderr: "webpubsub: --data: file \"none\": no such file or directory\n" + help},
		{name: "large", args: send("event", "a", u, "--data", "-"), stdin: strings.Repeat("x", 1<<20+1), code: 2, stderr: "webpubsub: --data: longer than 1048576 bytes\n" + help},
		{name: "two payloads", args: send("event", "a", u, "--data", "a", "--json", "1"), code: 2, stderr: "webpubsub: --data and --json: want one of them\n" + help},
		{name: "scenario and event", args: []string{"trigger", "--scenario", "f", "--user", "a", u}, code: 2, stderr: "webpubsub: --scenario and --user: want one of them\n" + help},
		{name: "state", args: send("connected", u, "--state", "a\nb"), code: 2, stderr: "webpubsub: --state: want a JSON object, or printable ASCII as in a header\n" + help},
		{name: "subprotocols", args: send("connected", u, "--subprotocol", "a", "--subprotocol", "b"), code: 2, stderr: "webpubsub: --subprotocol: connected is of a connection that has one, got 2\n" + help},
		{name: "MQTT version", args: send("connected", u, "--mqtt=4"), code: 2, stderr: "webpubsub: --mqtt: version \"4\": want 5.0 or 3.1.1\n" + help},
		{name: "MQTT user without MQTT", args: send("connect", u, "--mqtt-username", "a"), code: 2, stderr: "webpubsub: --mqtt-property, --mqtt-username and --mqtt-password: want --mqtt beside them\n" + help},
		{name: "timeout", args: send("connected", u, "--timeout", "101s"), code: 2, stderr: "webpubsub: --timeout 1m41s: want more than 0, at most the service's 1m40s\n" + help},
		{name: "repeat", args: send("connected", u, "--repeat", "1000001"), code: 2, stderr: "webpubsub: --repeat 1000001: want 1 to 1000000\n" + help},
		{name: "concurrency", args: send("connected", u, "--concurrency", "257"), code: 2, stderr: "webpubsub: --concurrency 257: want 1 to 256\n" + help},
		{name: "connection string", args: send("connected", u, "--connection-string", secret), code: 2, stderr: "webpubsub: --connection-string: connection string: part 1 has no =, want Endpoint=…;AccessKey=…; as \"az webpubsub key show\" prints it, or \"webpubsub emulator\" its own\n" + help},
	})
}

// Every flag about the event has an effect on it.
func TestTriggerFlags(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := make(map[string]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got[r.Header.Get("ce-connectionId")] = string(body) + " " + r.Header.Get("ce-subprotocol") + " " + r.Header.Get("mqtt-p") + " " + r.Header.Get("X-WebPubSub-Metadata-m") + " " + r.Header.Get("ce-connectionState")
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	for id, args := range map[string][]string{
		"connect": {"connect", "--claim", "a=b=c", "--claim", "a=d", "--query", "q=", "--header", "A=b:c", "--header", "D: e", "--mqtt=3.1.1", "--mqtt-property", "p=v", "--mqtt-username", "u", "--mqtt-password", "w"},
		"event":   {"event", "say", "--mqtt", "--mqtt-property", "p=v", "--metadata", "m=1", "--state", "raw", "--data", "@@x"},
		"named":   {"event", "say", "--subprotocol", "s", "--data", "x", "--state", ""},
		"gone":    {"disconnected", "--mqtt"},
	} {
		var stderr bytes.Buffer
		args = append([]string{"trigger", "--connection", id}, append(args, server.URL)...)
		require.Zero(t, cli.Main(args, environment(nil), nil, io.Discard, &stderr), "%s", &stderr)
	}
	assert.Equal(t, map[string]string{
		"connect": `{"claims":{"a":["b=c","d"]},"query":{"q":[""]},"headers":{"A":["b:c"],"D":["e"]},"subprotocols":["mqtt"],"clientCertificates":[],` +
			`"mqtt":{"protocolVersion":4,"username":"u","userProperties":[{"name":"p","value":"v"}],"password":"dw=="}} mqtt   `,
		"event": "@x mqtt v 1 raw",
		"named": "x s   ",
		"gone":  `{"reason":null,"mqtt":{"initiatedByClient":false,"disconnectPacket":null}} mqtt   `,
	}, got)
}

func TestTriggerPrintsCurl(t *testing.T) {
	t.Parallel()
	const ours = "Endpoint=https://ours.test;AccessKey=" + secret + ";"
	const help = "Run 'webpubsub trigger --help' for usage.\n"
	args := []string{"trigger", "event", "say", "http://h/{hub}/{event}", "--connection", "c1", "--data", "it's", "--print-curl"}
	command := func(origin, key string) string {
		return "curl -i --globoff 'http://h/chat/say' \\\n  -H 'ce-awpsversion: 1.0' \\\n  -H 'ce-connectionId: c1' \\\n  -H 'ce-eventName: say' \\\n  -H 'ce-hub: chat' \\\n  -H 'ce-id: 2' \\\n" +
			"  -H 'ce-signature: " + webpubsub.Sign(key, "c1") + "' \\\n  -H 'ce-source: /hubs/chat/client/c1' \\\n  -H 'ce-specversion: 1.0' \\\n  -H 'ce-time: NOW' \\\n  -H 'ce-type: azure.webpubsub.user.say' \\\n" +
			"  -H 'Content-Type: text/plain; charset=utf-8' \\\n  -H 'WebHook-Request-Origin: " + origin + "' \\\n  -H 'x-ms-client-request-id: UUID' \\\n  --data-raw 'it'\\''s'\n"
	}
	run := func(env map[string]string, args ...string) (code int, stdout, stderr string) {
		var o, e bytes.Buffer
		code = cli.Main(args, environment(env), nil, &o, &e)
		stdout = regexp.MustCompile(`ce-time: [^']*`).ReplaceAllString(o.String(), "ce-time: NOW")
		return code, regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).ReplaceAllString(stdout, "UUID"), e.String()
	}
	code, stdout, stderr := run(nil, args...)
	assert.Zero(t, code, stderr)
	assert.Equal(t, command("localhost", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"), stdout)

	env := map[string]string{"WEBPUBSUB_CONNECTION_STRING": ours}
	const warning = "warning: the event and its signature go to h over http, where others can read them\n"
	code, stdout, stderr = run(env, args...)
	assert.Equal(t, 2, code)
	assert.Empty(t, stdout)
	assert.Equal(t, warning+"webpubsub: --print-curl: the command has a signature by the key of ours.test, with which its reader can send any event of the connection; add --yes-show-signature to print it\n"+help, stderr)
	code, stdout, stderr = run(env, append(args, "--yes-show-signature")...)
	assert.Zero(t, code, stderr)
	assert.Equal(t, command("ours.test", secret), stdout)

	code, _, stderr = run(nil, append(args, "--repeat", "2")...)
	assert.Equal(t, 2, code)
	assert.Equal(t, "webpubsub: --print-curl and --repeat: want one of them\n"+help, stderr)
}
