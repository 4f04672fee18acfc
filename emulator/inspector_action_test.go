package emulator_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/emulator/internal/inspect"
)

func TestInspectorSends(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	p := i.connect(&emulator.ClientOptions{UserID: "ann", Groups: []string{"lobby"}}, plainJSON, nil)
	for _, tc := range []struct{ target, message, want string }{
		{`{"all":true}`, `"type":"text","text":"a"`, `{"type":"message","from":"server","dataType":"text","data":"a"}`},
		{`{"group":"lobby"}`, `"type":"json","text":"{\"b\":1}"`, `{"type":"message","from":"group","group":"lobby","fromUserId":null,"dataType":"json","data":{"b":1}}`},
		{`{"user":"ann"}`, `"type":"binary","base64":"AAE="`, `{"type":"message","from":"server","dataType":"binary","data":"AAE="}`},
		{`{"connection":"` + p.id() + `"}`, `"text":""`, `{"type":"message","from":"server","dataType":"text","data":""}`},
	} {
		status, answer := i.act("send", `{"hub":"CHAT","target":`+tc.target+`,`+tc.message+`}`)
		assert.Equal(t, http.StatusOK, status, answer)
		assert.Equal(t, map[string]any{"connections": 1.0}, answer)
		p.expect(tc.want)
	}
	_, answer := i.act("send", `{"hub":"chat","target":{"group":"empty"},"text":"a"}`)
	assert.Equal(t, map[string]any{"connections": 0.0}, answer)
}

func TestInspectorCloses(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	p := i.connect(nil, plainJSON, nil)
	other := i.connect(nil, plainJSON, nil)
	status, answer := i.act("close", `{"hub":"chat","target":{"connection":"`+p.id()+`"},"reason":"bye"}`)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, map[string]any{"connections": 1.0}, answer)
	p.expect(`{"type":"system","event":"disconnected","message":"Application server closed the connection. Reason: bye"}`)
	other.quiet()
}

func TestInspectorRefusesActions(t *testing.T) {
	t.Parallel()
	i := newInspection(t, chat(&script{}))
	i.connect(nil, plainJSON, nil)
	s, _ := i.stream("")
	connected := s.event("connected")
	number := func(n uint64) string { data, _ := json.Marshal(n); return string(data) }
	for _, tc := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"send", `{"hub":"chat","target":{},"text":"a"}`, 400, "target: want one of all, group, user and connection"},
		{"send", `{"hub":"chat","target":{"all":true,"group":"g"},"text":"a"}`, 400, "target: want one of all, group, user and connection"},
		{"send", `{"hub":"none","target":{"all":true},"text":"a"}`, 404, `hub "none" has had no client and no REST call yet`},
		{"send", `{"hub":"chat","target":{"all":true},"type":"json","text":"a"}`, 400, "text is not JSON; send it as type text"},
		{"send", `{"hub":"chat","target":{"all":true},"type":"text","base64":"/w=="}`, 400, "text is not UTF-8"},
		{"send", `{"hub":"chat","target":{"all":true},"type":"x","text":"a"}`, 400, "type: want text, json or binary"},
		{"send", `{"hub":"chat","target":{"all":true},"text":"a","base64":""}`, 400, "text and base64: want one of them"},
		{"send", `{"hub":"chat","target":{"all":true},"base64":"!"}`, 400, "base64: not base64"},
		{"send", `{"hub":"chat","tarjet":{}}`, 400, `the body is not the JSON of the action: json: unknown field "tarjet"`},
		{"send", `{`, 400, "the body is not the JSON of the action: unexpected EOF"},
		{"send", `{"text":"` + strings.Repeat("a", 2<<20) + `"}`, 413, "the body has more than 2097152 bytes"},
		{"close", `{"hub":"chat","target":{"user":""}}`, 400, "target: want one of all, group, user and connection"},
		{"clientURL", `{"hub":"1"}`, 400, ""},
		{"clientURL", `{"hub":"chat","user":"a\nb"}`, 400, ""},
		{"clientURL", `{"hub":"chat","lifetimeMs":-1}`, 400, "lifetimeMs: want 0 for an hour, or at most 86400000"},
		{"clientURL", `{"hub":"chat","lifetimeMs":86400001}`, 400, "lifetimeMs: want 0 for an hour, or at most 86400000"},
		{"raise", `{"record":100000}`, 404, "record 100000 is not kept any more"},
		{"raise", `{"record":1}`, 400, "record 1 is no event"},
		{"raise", `{"record":` + number(connected.N) + `,"text":"","base64":""}`, 400, "text and base64: want one of them"},
	} {
		status, answer := i.act(tc.name, tc.body)
		assert.Equal(t, tc.status, status, "%s %.100s", tc.name, tc.body)
		if tc.want != "" {
			assert.Equal(t, map[string]any{"error": tc.want}, answer)
		}
	}
	status, _, _ := i.do(i.request(http.MethodPost, "actions/nothing", "{}"))
	assert.Equal(t, http.StatusMethodNotAllowed, status, "of the page, which has GET only")
}

// The URL is for a client of the page, whose origin is trusted.
func TestInspectorClientURL(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	status, answer := i.act("clientURL", `{"hub":"chat","user":"ann","roles":["webpubsub.sendToGroup"],"groups":["lobby"],"lifetimeMs":60000}`)
	require.Equal(t, http.StatusOK, status, answer)
	url, _ := answer["url"].(string)
	assert.True(t, strings.HasPrefix(url, strings.Replace(i.emu.Endpoint, "http", "ws", 1)+"/client/hubs/chat?access_token="), url)
	conn, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPClient: i.http, HTTPHeader: http.Header{"Origin": {i.emu.Endpoint}}, Subprotocols: []string{plainJSON}})
	require.NoError(t, err)
	p := &peer{t: t, conn: conn}
	assert.Equal(t, "ann", p.next()["userId"])
	p.send(`{"type":"sendToGroup","group":"lobby","data":"hello"}`)
	p.expect(`{"type":"message","from":"group","group":"lobby","fromUserId":"ann","dataType":"json","data":"hello"}`)
	require.NoError(t, conn.CloseNow())
}

// An event that failed is raised again, mended: its answer has the effects of any other.
func TestInspectorRaises(t *testing.T) {
	t.Parallel()
	h := &script{on: map[string]http.HandlerFunc{
		"connect": answer(204, "", "", "ce-connectionState", "one"),
		"say": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Content-Type") == "application/json" {
				answer(200, "text/plain", "thanks", "ce-connectionState", "two")(w, r)
				return
			}
			answer(400, "text/plain", "not JSON")(w, r)
		},
	}}
	i := newInspection(t, chat(h))
	s, _ := i.stream("")
	p := i.connect(&emulator.ClientOptions{UserID: "ann"}, plainJSON, nil)
	p.send(`{"type":"event","event":"say","dataType":"text","data":"hello","ackId":1,"metadata":{"lang":"en"}}`)
	assert.Equal(t, false, p.next()["success"])
	failed := s.event("say")
	require.Equal(t, "event.refused", failed.Kind)

	raise := func(rest string) (inspect.Record, map[string]any) {
		number, _ := json.Marshal(failed.N)
		status, answer := i.act("raise", `{"record":`+string(number)+rest+`}`)
		require.Equal(t, http.StatusOK, status, answer)
		again := s.event("say")
		assert.InDelta(t, again.N, answer["record"], 0)
		assert.Equal(t, again.Kind, answer["outcome"])
		assert.Equal(t, failed.N, again.Event.Again)
		return again, answer
	}
	again, got := raise(`,"sameId":true`)
	assert.Equal(t, "event.refused", got["outcome"])
	assert.InDelta(t, 400, got["status"], 0)
	assert.Equal(t, failed.Event.ID, again.Event.ID)
	assert.Equal(t, "hello", again.Event.Request.Data.Text)
	assert.Equal(t, "one", again.Event.StateBefore.Text)

	again, got = raise(`,"contentType":"application/json","text":"{\"said\":\"hello\"}","state":"{\"n\":1}"`)
	assert.Equal(t, "event.delivered", got["outcome"])
	assert.NotEqual(t, failed.Event.ID, again.Event.ID)
	assert.Equal(t, &inspect.State{Text: `{"n":1}`, JSON: true}, again.Event.StateBefore)
	p.expect(`{"type":"message","from":"server","dataType":"text","data":"thanks"}`)
	told := h.told("say")
	require.Len(t, told, 3)
	assert.JSONEq(t, `{"said":"hello"}`, told[2].body)
	assert.Equal(t, "ann", told[2].header.Get("ce-userId"))
	assert.Equal(t, "en", told[2].header.Get("X-WebPubSub-Metadata-Lang"))
	assert.Equal(t, told[0].header["Ce-Signature"], told[2].header["Ce-Signature"])
	assert.Equal(t, "eyJuIjoxfQ==", told[2].header.Get("ce-connectionState"))

	_, _ = raise(``)
	assert.Equal(t, "two", h.told("say")[3].header.Get("ce-connectionState"), "the answer has set the state")
}

// The connection of an event may have ended. Its handler gets the event as of then.
func TestInspectorRaisesForGoneConnections(t *testing.T) {
	t.Parallel()
	h := &script{}
	i := newInspection(t, chat(h))
	s, _ := i.stream("")
	p := i.connect(&emulator.ClientOptions{UserID: "ann", Groups: []string{"g"}}, plainJSON, nil)
	require.NoError(t, p.conn.Close(websocket.StatusNormalClosure, ""))
	for _, name := range []string{"connect", "connected", "joined", "left", "disconnected"} {
		first := s.event(name)
		number, _ := json.Marshal(first.N)
		body := ""
		if name == "connect" { // it has headers that are hidden
			body = `,"text":"{}"`
		}
		status, answer := i.act("raise", `{"record":`+string(number)+body+`}`)
		require.Equal(t, http.StatusOK, status, answer)
		assert.Equal(t, "event.delivered", answer["outcome"])
		told := h.told(name)
		require.Len(t, told, 2, name)
		assert.NotEqual(t, told[0].id, told[1].id)
		assert.Equal(t, told[0].header["Ce-Connectionid"], told[1].header["Ce-Connectionid"])
		assert.Equal(t, told[0].header["Ce-Type"], told[1].header["Ce-Type"])
		assert.Equal(t, "ann", told[1].header.Get("ce-userId"))
		if name != "connect" {
			assert.Equal(t, told[0].body, told[1].body)
		}
		if name == "disconnected" {
			break
		}
	}
}

// A payload with a secret or of which a part was dropped must be given again.
func TestInspectorRaisesOnlyWholePayloads(t *testing.T) {
	t.Parallel()
	h := &script{}
	i := newInspection(t, chat(h))
	s, _ := i.stream("")
	p := i.connect(nil, plainJSON, http.Header{"Cookie": {"a=1"}})
	for _, data := range []string{"Bearer s3cr3t", strings.Repeat("long", 20_000)} {
		p.send(`{"type":"event","event":"say","dataType":"text","data":"` + data + `","ackId":1}`)
	}
	connect := s.event("connect")
	for _, first := range []inspect.Record{connect, s.event("say")} {
		number, _ := json.Marshal(first.N)
		status, answer := i.act("raise", `{"record":`+string(number)+`}`)
		assert.Equal(t, http.StatusConflict, status, answer)
		status, _ = i.act("raise", `{"record":`+string(number)+`,"text":"mended"}`)
		assert.Equal(t, http.StatusOK, status)
	}
	assert.Len(t, h.told("connect"), 2)
}

func TestInspectorPausesAndClears(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	s, _ := i.stream("")
	i.connect(nil, plainJSON, nil)
	s.kind("client.connected")
	_, answer := i.act("pause", `{"paused":true}`)
	assert.Equal(t, map[string]any{"paused": true}, answer)
	awaitStatus(s, `"paused":true`)
	i.connect(nil, plainJSON, nil)
	_, before := i.get("export")
	assert.Equal(t, 1, strings.Count(before, `"kind":"client.connected"`))
	i.act("pause", `{"paused":false}`)
	awaitStatus(s, `"paused":false`)
	i.connect(nil, plainJSON, nil)
	s.kind("client.connected")
	status, _ := i.act("clear", `{}`)
	assert.Equal(t, http.StatusOK, status)
	awaitStatus(s, `"records":0`)
	_, after := i.get("export")
	assert.Empty(t, after)
}

// awaitStatus reads until a status event contains a text.
func awaitStatus(s *stream, text string) {
	s.t.Helper()
	for {
		if name, _, data := s.next(); name == "status" && strings.Contains(data, text) {
			return
		}
	}
}
