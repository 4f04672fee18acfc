package scenario_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli/scenario"
	"github.com/go-webpubsub/webpubsub/internal/cli/trigger"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// handler answers with what the event's payload says: status, headers and body.
func handler(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Status int
		Header map[string]string
		Body   string
		Echo   []string // headers whose values are the reply, in JSON
	}
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &in)
	for name, value := range in.Header {
		w.Header().Set(name, value)
	}
	if in.Echo != nil {
		values := make(map[string]string)
		for _, name := range in.Echo {
			values[name] = r.Header.Get(name)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(values)
		return
	}
	if in.Status != 0 {
		w.WriteHeader(in.Status)
	}
	_, _ = io.WriteString(w, in.Body)
}

func play(t *testing.T, h http.HandlerFunc, file string) (steps []*scenario.Played, passed int) {
	t.Helper()
	s, err := scenario.Parse([]byte(file))
	require.NoError(t, err)
	u, err := upstream.ParseTemplate("http://app.test/")
	require.NoError(t, err)
	target := &trigger.Target{URL: u, Hub: "chat", Keys: []string{"key"}, Transport: upstream.Memory{Handler: h}}
	passed, err = s.Play(t.Context(), target, func(p *scenario.Played) { steps = append(steps, p) })
	require.NoError(t, err)
	return steps, passed
}

// say returns a step with a payload for handler and expectations.
func say(payload, expect string) string {
	return "- {trigger: event, name: say, json: " + payload + ", expect: " + expect + "}\n"
}

func TestExpectations(t *testing.T) {
	t.Parallel()
	jsonReply := func(body string) string {
		return `{header: {Content-Type: application/json}, body: ` + strconv.Quote(body) + `}`
	}
	state := func(text string) string {
		return `{status: 204, header: {ce-connectionState: "` + trigger.EncodeState(text) + `"}}`
	}
	type unmet = scenario.Unmet
	for _, tt := range []struct {
		name, payload, expect string
		unmet                 []unmet
	}{
		{name: "nothing", payload: `{status: 204}`, expect: `{}`},
		{name: "nothing, but the event fails", payload: `{status: 400}`, expect: `{}`, unmet: []unmet{{"status", "2xx, and an answer that the service can use", "400"}}},
		{
			name: "nothing, but the answer is invalid", payload: `{header: {Content-Type: text/html}, body: x}`, expect: `{}`,
			unmet: []unmet{{"status", "2xx, and an answer that the service can use", `200, invalid answer: Content-Type "text/html" is none of text/plain, application/json, application/octet-stream, application/x-protobuf`}},
		},
		{name: "status", payload: `{status: 403}`, expect: `{status: 403}`},
		{name: "another status", payload: `{status: 500}`, expect: `{status: 403}`, unmet: []unmet{{"status", "403", "500"}}},
		{name: "status of an invalid answer", payload: `{header: {Content-Type: text/html}, body: x}`, expect: `{status: 200}`, unmet: []unmet{{"status", "200", `200, invalid answer: Content-Type "text/html" is none of text/plain, application/json, application/octet-stream, application/x-protobuf`}}},
		{name: "text", payload: `{header: {Content-Type: text/plain}, body: hi}`, expect: `{reply: hi}`},
		{name: "another text", payload: `{header: {Content-Type: text/plain}, body: hi}`, expect: `{reply: ho}`, unmet: []unmet{{"reply", "ho", "hi"}}},
		{name: "text of a refusal", payload: `{status: 403, body: no}`, expect: `{status: 403, reply: no}`},
		{name: "JSON for text", payload: `{header: {Content-Type: text/plain}, body: "1"}`, expect: `{reply: 1}`, unmet: []unmet{{"reply", "1", "1"}}},
		{name: "JSON", payload: jsonReply(`{"b":[1.0,true,null],"a":"x"}`), expect: `{reply: {a: x, b: [1, true, null]}}`},
		{name: "JSON text", payload: jsonReply(`"x"`), expect: `{reply: x}`},
		{name: "large numbers", payload: jsonReply(`18446744073709551615`), expect: `{reply: 18446744073709551615}`},
		{name: "large numbers differ", payload: jsonReply(`9007199254740993`), expect: `{reply: 9007199254740992}`, unmet: []unmet{{"reply", "9007199254740992", "9007199254740993"}}},
		{name: "JSON has a member more", payload: jsonReply(`{"a":1,"b":2}`), expect: `{reply: {a: 1}}`, unmet: []unmet{{"reply", "{\n  \"a\": 1\n}", "{\n  \"a\": 1,\n  \"b\": 2\n}"}}},
		{name: "part", payload: jsonReply(`{"a":{"b":[{"c":1,"d":2}],"e":3},"f":4}`), expect: `{replyHas: {a: {b: [{c: 1}]}}}`},
		{
			name: "another part", payload: jsonReply(`{"a":{"b":1,"c":2},"d":3}`), expect: `{replyHas: {a: {b: 2}, e: 4}}`,
			unmet: []unmet{{"reply", "{\n  \"a\": {\n    \"b\": 2\n  },\n  \"e\": 4\n}", "{\n  \"a\": {\n    \"b\": 1\n  }\n}"}},
		},
		{name: "part of a list of another length", payload: jsonReply(`[{"a":1,"b":2},{}]`), expect: `{replyHas: [{a: 1}]}`, unmet: []unmet{{"reply", "[\n  {\n    \"a\": 1\n  }\n]", "[\n  {\n    \"a\": 1,\n    \"b\": 2\n  },\n  {}\n]"}}},
		{name: "part of another type", payload: jsonReply(`[1]`), expect: `{replyHas: {a: 1}}`, unmet: []unmet{{"reply", "{\n  \"a\": 1\n}", "[\n  1\n]"}}},
		{name: "part of no JSON", payload: `{header: {Content-Type: text/plain}, body: x}`, expect: `{replyHas: {a: 1}}`, unmet: []unmet{{"reply", "{\n  \"a\": 1\n}", "x"}}},
		{name: "part of nothing", payload: `{status: 204}`, expect: `{replyHas: {a: 1}}`, unmet: []unmet{{"reply", "{\n  \"a\": 1\n}", "(none)"}}},
		{name: "binary", payload: `{header: {Content-Type: application/octet-stream}, body: hi}`, expect: `{reply: aGk=}`},
		{name: "no reply", payload: `{status: 204}`, expect: `{noReply: true}`},
		{name: "no reply, but one", payload: `{header: {Content-Type: text/plain}, body: hi}`, expect: `{noReply: true}`, unmet: []unmet{{"reply", "(none)", "hi"}}},
		{name: "reply, but none", payload: `{status: 204}`, expect: `{reply: hi}`, unmet: []unmet{{"reply", "hi", "(none)"}}},
		{name: "state", payload: state(`{"n":1}`), expect: `{state: {n: 1}}`},
		{name: "encoded state", payload: state(`{"n":1}`), expect: `{state: eyJuIjoxfQ==}`},
		{name: "another state", payload: state(`{"n":1}`), expect: `{state: {n: 2}}`, unmet: []unmet{{"state", "{\n  \"n\": 2\n}", "{\n  \"n\": 1\n}"}}},
		{name: "state that is no JSON", payload: state(`x`), expect: `{state: y}`, unmet: []unmet{{"state", "y", "x"}}},
		{name: "no state", payload: `{status: 204}`, expect: `{noState: true}`},
		{name: "no state, but one", payload: state(`x`), expect: `{noState: true}`, unmet: []unmet{{"state", "(none)", "x"}}},
		{name: "two", payload: state(`x`), expect: `{status: 200, state: y}`, unmet: []unmet{{"status", "200", "204"}, {"state", "y", "x"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			steps, passed := play(t, handler, say(tt.payload, tt.expect)+say("{status: 204}", "{}"))
			if tt.unmet == nil {
				assert.Equal(t, 2, passed)
			} else {
				assert.Equal(t, 0, passed)
				require.Len(t, steps, 1, "the first that is not met is the last")
			}
			assert.Equal(t, tt.unmet, steps[0].Unmet)
			assert.Equal(t, "event say", steps[0].Title)
			assert.Equal(t, 1, steps[0].Number)
		})
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	u := scenario.Unmet{What: "reply", Expected: "{\n  \"a\": 1,\n  \"b\": 2\n}", Actual: "{\n  \"a\": 1,\n  \"b\": 3\n}"}
	assert.Equal(t, "--- expected\n+++ actual\n@@ -1,4 +1,4 @@\n {\n   \"a\": 1,\n-  \"b\": 2\n+  \"b\": 3\n }\n", u.Diff())
}

// Connection id, state, cookies and user id go on from step to step, for each connection.
func TestConnectionsGoOn(t *testing.T) {
	t.Parallel()
	var got []string
	_, passed := play(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, strings.Join([]string{
			r.Header.Get("ce-eventName"), r.Header.Get("ce-connectionId"), r.Header.Get("ce-id"), r.Header.Get("ce-userId"), r.Header.Get("ce-connectionState"), r.Header.Get("ce-subprotocol"),
		}, "|"))
		if r.Header.Get("ce-eventName") == "connect" {
			body, _ := io.ReadAll(r.Body)
			got = append(got, string(body))
			w.Header().Set("ce-connectionState", "state-"+r.Header.Get("ce-connectionId"))
		}
	}, `
- {trigger: connect, connection: a, user: ann, query: {q: "1"}, subprotocols: [json.webpubsub.azure.v1]}
- {trigger: connect, connection: b}
- {trigger: event, name: say, connection: a}
- {trigger: event, name: say, connection: a, state: {n: 1}}
- {trigger: joined, connection: b, group: g}
- {trigger: connect, connection: a, mqtt: 5.0}
- {trigger: connected, connection: a}
`)
	assert.Equal(t, 7, passed)
	assert.Equal(t, []string{
		"connect|a|0|ann||", `{"claims":{"sub":["ann"]},"query":{"q":["1"]},"headers":{},"subprotocols":["json.webpubsub.azure.v1"],"clientCertificates":[]}`,
		"connect|b|0|||", `{"claims":{},"query":{},"headers":{},"subprotocols":[],"clientCertificates":[]}`,
		"say|a|2|ann|state-a|json.webpubsub.azure.v1",
		"say|a|3|ann|eyJuIjoxfQ==|json.webpubsub.azure.v1",
		"joined|b|2||state-b|",
		"connect|a|0|||mqtt", `{"claims":{},"query":{},"headers":{},"subprotocols":["mqtt"],"clientCertificates":[],"mqtt":{"protocolVersion":5,"username":null,"userProperties":null,"password":null}}`,
		"connected|a|1||state-a|mqtt",
	}, got)
}

// Without a connection, all steps are of one with a random id.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	var ids []string
	_, passed := play(t, func(_ http.ResponseWriter, r *http.Request) { ids = append(ids, r.Header.Get("ce-connectionId")) },
		"- trigger: connect\n- trigger: connected\n- trigger: connect\n- trigger: connected\n")
	assert.Equal(t, 4, passed)
	assert.Equal(t, ids[0], ids[1])
	assert.NotEqual(t, ids[1], ids[2], "connect begins a new one")
	assert.Equal(t, ids[2], ids[3])
}

func TestCarriedValues(t *testing.T) {
	t.Parallel()
	reply := func(body string) string {
		return `{header: {Content-Type: application/json}, body: ` + strconv.Quote(body) + `}`
	}
	steps, passed := play(t, handler, strings.TrimSuffix(say(reply(`{"id":"t\"1","list":[{"a/b":2}],"x~y":true}`), "{}"), "}\n")+", save: {id: /id, n: /list/0/a~1b, yes: /x~0y, all: ''}}\n"+
		"- {trigger: event, name: say, connection: 'c-${n}', json: {echo: [ce-connectionId, ce-userId], more: ['${id}']}, user: '${yes}-$${id}', expect: {reply: {ce-connectionId: 'c-2', ce-userId: 'true-${connection}'}}}\n")
	assert.Equal(t, 1, passed)
	require.Len(t, steps, 2)
	assert.Equal(t, []scenario.Unmet{{
		What:     "reply",
		Expected: "{\n  \"ce-connectionId\": \"c-2\",\n  \"ce-userId\": \"true-c-2\"\n}",
		Actual:   "{\n  \"ce-connectionId\": \"c-2\",\n  \"ce-userId\": \"true-${id}\"\n}",
	}}, steps[1].Unmet)

	for pointer, want := range map[string]string{
		"/list/1": `the reply has nothing at "/list/1"`, "/list/x": `the reply has nothing at "/list/x"`, "/id/x": `the reply has nothing at "/id/x"`, "/none": `the reply has nothing at "/none"`,
	} {
		steps, passed = play(t, handler, strings.TrimSuffix(say(reply(`{"id":"x","list":[1]}`), "{}"), "}\n")+", save: {v: "+pointer+"}}\n")
		assert.Zero(t, passed)
		assert.Equal(t, []scenario.Unmet{{What: "save.v", Expected: "a value at " + pointer, Actual: want}}, steps[0].Unmet)
	}
	steps, _ = play(t, handler, strings.TrimSuffix(say("{header: {Content-Type: text/plain}, body: x}", "{}"), "}\n")+", save: {v: /a}}\n")
	assert.Equal(t, "the reply is not JSON: invalid character 'x' looking for beginning of value", steps[0].Unmet[0].Actual)
}

// An event that a carried value makes invalid ends the scenario.
func TestCarriedValueIsChecked(t *testing.T) {
	t.Parallel()
	s, err := scenario.Parse([]byte(strings.TrimSuffix(say(`{header: {Content-Type: application/json}, body: '{"g":" "}'}`, "{}"), "}\n") + ", save: {g: /g}}\n- {trigger: joined, group: '${g}'}\n"))
	require.NoError(t, err)
	u, err := upstream.ParseTemplate("http://app.test/")
	require.NoError(t, err)
	passed, err := s.Play(t.Context(), &trigger.Target{URL: u, Hub: "chat", Transport: upstream.Memory{Handler: http.HandlerFunc(handler)}}, func(*scenario.Played) {})
	require.EqualError(t, err, `step 2, joined: group: group " ": want 1 to 1024 characters of UTF-8, not blank`)
	assert.Equal(t, 1, passed)
}
