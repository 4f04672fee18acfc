package scenario_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli/scenario"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file, err string
	}{
		{name: "all members", file: `
- trigger: connect
  connection: alice
  user: ann
  state: {n: 1}
  mqtt: 3.1.1
  claims: {role: [a, b], n: 1}
  query: {room: lobby}
  headers: {X-A: "1"}
  subprotocols: [mqtt]
  mqttProperties: [{name: a, value: b}]
  expect: {status: 200, reply: {userId: ann}, state: {n: 2}}
  save: {id: /userId}
- {trigger: connected, connection: alice}
- trigger: event
  name: say
  json: {to: "${id}", not: "$${id}", of: "${connection}"}
  contentType: application/json
  metadata: {a: "1"}
  expect: {noReply: true, noState: true}
- {trigger: event, name: say, binary: AAE=}
- {trigger: event, name: say, data: hi, state: raw}
- {trigger: joined, group: "${id}"}
- {trigger: left, group: g}
- {trigger: disconnected, reason: bye}
`},
		{name: "JSON", file: `[{"trigger": "connected"}]`},
		{name: "empty", file: "", err: "no steps, want a list of them"},
		{name: "no list", file: "trigger: connect", err: "line 1, column 8: mapping was used where sequence is expected"},
		{name: "unknown member", file: "- trigger: connect\n  usr: ann\n", err: `line 2, column 3: unknown field "usr", did you mean "user"?`},
		{name: "unknown member of expect", file: "- trigger: connect\n  expect:\n    stat: 200\n", err: `line 3, column 5: unknown field "stat"`},
		{name: "misspelt member of expect", file: "- trigger: connect\n  expect:\n    statue: 200\n", err: `line 3, column 5: unknown field "statue", did you mean "state"?`},
		{name: "status that is no number", file: "- trigger: connect\n  expect: {status: ok}\n", err: "line 2, column 20: want a whole number"},
		{name: "list for a text", file: "- trigger: [connect]\n", err: "line 1, column 12: want text"},
		{name: "mapping for a list", file: "- trigger: connect\n  query: {a: {b: c}}\n", err: "line 2, column 14: mapping was used where sequence is expected"},
		{name: "two documents", file: "- trigger: connect\n---\n- trigger: connect\n", err: "want one document"},
		{name: "tab", file: "-\ttrigger: connect\n\tuser: ann\n", err: "line 1, column 9: tab character cannot use as a map key directly"},
		{name: "no trigger", file: "- user: ann", err: `step 1, without trigger: trigger "": want one of connect, connected, event, joined, left, disconnected`},
		{name: "misspelt trigger", file: "- trigger: conect", err: `step 1, conect: trigger "conect": did you mean connect?`},
		{name: "user event without name", file: "- trigger: connect\n- trigger: event", err: "step 2, event : name: a user event needs one"},
		{name: "bad name", file: "- {trigger: event, name: a b}", err: `step 1, event a b: name: event "a b": want a letter`},
		{name: "member of another event", file: "- {trigger: connected, query: {a: b}}", err: "step 1, connected: query: connected has none, only connect"},
		{name: "group of an event", file: "- {trigger: event, name: say, group: g}", err: "step 1, event say: group: event has none, only joined and left"},
		{name: "two payloads", file: "- {trigger: event, name: say, data: a, json: 1}", err: "step 1, event say: data, json and binary are the payload, want one of them"},
		{name: "no base64", file: "- {trigger: event, name: say, binary: '%'}", err: "step 1, event say: binary: want base64"},
		{name: "not a number in JSON", file: "- {trigger: event, name: say, json: .nan}", err: "step 1, event say: json: has a value that JSON cannot have, such as .nan"},
		{name: "MQTT version", file: "- {trigger: connect, mqtt: 4}", err: `step 1, connect: mqtt: version "4": want 5.0 or 3.1.1`},
		{name: "MQTT properties without version", file: "- {trigger: connect, mqttProperties: [{name: a}]}", err: "step 1, connect: mqttProperties: want mqtt beside it"},
		{name: "status", file: "- {trigger: connect, expect: {status: 99}}", err: "step 1, connect: expect.status 99: want 100 to 599"},
		{name: "reply and none", file: "- {trigger: connect, expect: {reply: a, noReply: true}}", err: "step 1, connect: expect: reply, replyHas and noReply, want one of them"},
		{name: "reply and a part", file: "- {trigger: connect, expect: {reply: a, replyHas: a}}", err: "step 1, connect: expect: reply, replyHas and noReply, want one of them"},
		{name: "a part and none", file: "- {trigger: connect, expect: {replyHas: a, noReply: true}}", err: "step 1, connect: expect: reply, replyHas and noReply, want one of them"},
		{name: "null part", file: "- {trigger: connect, expect: {replyHas: null}}", err: "step 1: expect.replyHas is null, want noReply: true"},
		{name: "state and none", file: "- {trigger: connect, expect: {state: a, noState: true}}", err: "step 1, connect: expect: state and noState, want one of them"},
		{name: "null reply", file: "- {trigger: connect, expect: {reply: null}}", err: "step 1: expect.reply is null, want noReply: true"},
		{name: "null state", file: "- {trigger: connect, expect: {state: }}", err: "step 1: expect.state is null, want noState: true"},
		{name: "not a number in a reply", file: "- {trigger: connect, expect: {reply: .inf}}", err: "step 1, connect: expect.reply: has a value that JSON cannot have, such as .nan"},
		{name: "unknown variable", file: "- {trigger: connect, save: {ticket: /t}}\n- {trigger: event, name: say, data: '${tiket}'}", err: "step 2, event say: ${tiket} is not saved by an earlier step, did you mean ${ticket}?"},
		{name: "variable of the same step", file: "- {trigger: event, name: say, data: '${a}', save: {a: /t}}", err: "step 1, event say: ${a} is not saved by an earlier step"},
		{name: "name of a variable", file: "- {trigger: connect, save: {a-b: /t}}", err: `step 1, connect: save "a-b": want a name of letters, digits and underscores`},
		{name: "the variable of the connection", file: "- {trigger: connect, save: {connection: /t}}", err: `step 1, connect: save "connection": want a name`},
		{name: "pointer", file: "- {trigger: connect, save: {a: t}}", err: `step 1, connect: save.a "t": want a JSON pointer into the reply, such as /ticket`},
		{name: "time", file: "- {trigger: event, name: say, json: !!timestamp 2026-01-02}"},
		{name: "too many steps", file: strings.Repeat("- trigger: connected\n", scenario.MaxSteps+1), err: "1001 steps, want at most 1000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := scenario.Parse([]byte(tt.file))
			if tt.err == "" {
				require.NoError(t, err)
				assert.Positive(t, s.Len())
				return
			}
			require.Error(t, err)
			assert.Equal(t, tt.err, err.Error()[:min(len(tt.err), len(err.Error()))], err.Error())
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("- {trigger: connect, user: ann, state: {a: 1}, expect: {reply: {a: [1.5, null]}}, save: {a: /b/0}}\n- {trigger: event, name: say, json: '${a}'}"))
	f.Add([]byte("- &a {trigger: event, name: say, binary: AAE=}\n- *a\n- {trigger: joined, group: '$${connection}'}"))
	f.Add([]byte("- {trigger: event, name: say, json: !!timestamp 2026-01-02}"))
	f.Add([]byte(`[{"trigger": "disconnected", "reason": "${connection}", "mqtt": 5.0}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := scenario.Parse(data)
		if err != nil {
			require.Nil(t, s)
			return
		}
		require.Positive(t, s.Len())
	})
}
