package cli_test

import (
	"testing"

	kit "github.com/go-webpubsub/webpubsub/httptest"
)

func TestTriggerScenario(t *testing.T) {
	t.Parallel()
	u := newChat(t, kit.ConnectionString)
	good := write(t, `
- trigger: connect
  user: ann
  query: {ticket: "1"}
  expect: {status: 200, reply: {groups: [lobby]}, state: {n: 1}}
- {trigger: connected, expect: {status: 204}}
- trigger: event
  name: look
  expect: {reply: {user: ann, state: eyJuIjoxfQ==, type: text/plain; charset=utf-8}}
- {trigger: disconnected}
`)
	bad := write(t, `
- {trigger: connected, connection: c}
- trigger: event
  name: message
  connection: c
  data: "a\nb\e[2J"
  expect: {status: 201, reply: "a\nc", state: {n: 1}}
- {trigger: disconnected}
`)
	const help = "Run 'webpubsub trigger --help' for usage.\n"
	checkMasked(t, []programRun{
		{
			name: "passes", args: []string{"trigger", "--scenario", good, u},
			stdout: "ok   1  connect               200 OK in TIME\nok   2  connected             204 No Content in TIME\n" +
				"ok   3  event look            200 OK in TIME\nok   4  disconnected          204 No Content in TIME\n4 of 4 steps passed, 0 not played\n",
		},
		{
			name: "is not met", args: []string{"trigger", "--scenario", bad, u}, code: 1,
			stdout: "ok   1  connected             204 No Content in TIME\nno   2  event message         200 OK in TIME\n" +
				"        status:\n        --- expected\n        +++ actual\n        @@ -1 +1 @@\n        -201\n        +200\n" +
				"        reply:\n        --- expected\n        +++ actual\n        @@ -1,2 +1,2 @@\n         a\n        -c\n        +b\\x1b[2J\n" +
				"        state:\n        --- expected\n        +++ actual\n        @@ -1,3 +1 @@\n        -{\n        -  \"n\": 1\n        -}\n        +(none)\n" +
				"1 of 3 steps passed, 1 not played\n",
		},
		{
			name: "as JSON", args: []string{"trigger", "--scenario", "-", u, "--output", "json"}, stdin: "- {trigger: connected, connection: c, user: ann, expect: {status: 200}}\n- {trigger: connected}\n", code: 1,
			stdout: `{
  "passed": false,
  "notPlayed": 1,
  "steps": [
    {
      "number": 1,
      "title": "connected",
      "met": false,
      "unmet": [
        {
          "what": "status",
          "expected": "200",
          "actual": "204"
        }
      ],
      "result": {
        "event": "connected",
        "name": "connected",
        "hub": "chat",
        "connectionId": "c",
        "eventId": "1",
        "userId": "ann",
        "ok": true,
        "status": 204,
        "meaning": "the service ignores the content of this answer",
        "replyType": "none",
        "reply": null,
        "milliseconds": 0
      }
    }
  ]
}
`,
		},
		{
			name: "nobody there", args: []string{"trigger", "--scenario", "-", "http://127.0.0.1:1"}, stdin: "- {trigger: connected}\n", code: 1,
			stdout: "no   1  connected             no answer\n        status:\n        --- expected\n        +++ actual\n        @@ -1 +1 @@\n" +
				"        -2xx, and an answer that the service can use\n        +no answer: nothing listens at 127.0.0.1:1\n0 of 1 steps passed, 0 not played\n",
		},
		{
			name: "unknown member", args: []string{"trigger", "--scenario", "-", u}, stdin: "- trigger: connect\n  usr: ann\n", code: 2,
			stderr: "webpubsub: --scenario \"-\": line 2, column 3: unknown field \"usr\", did you mean \"user\"?\n" + help,
		},
		{name: "no file", args: []string{"trigger", "--scenario", "none.yaml", u}, code: 2, stderr: "webpubsub: --scenario: file \"none.yaml\": no such file or directory\n" + help},
		{name: "with an event", args: []string{"trigger", "--scenario", good, "connect", u}, code: 2, stderr: "webpubsub: --scenario \"FILE\": want one URL and no event, got 2 arguments\n" + help, replace: []string{good, "FILE"}},
		{name: "hub", args: []string{"trigger", "--scenario", good, "--hub", "a b", u}, code: 2, stderr: "webpubsub: --hub \"a b\": want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)\n" + help},
	})
}
