package emulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/emulator/internal/inspect"
)

// The timeline of a connection, from its handshake to its end.
func TestInspectorTimeline(t *testing.T) {
	t.Parallel()
	h := &script{on: map[string]http.HandlerFunc{
		"connect": answer(200, "application/json", `{"groups":["hall"]}`, "ce-connectionState", "eyJuIjoxfQ=="),
		"say":     answers(answer(503, "", ""), answer(200, "text/plain", "hi", "ce-connectionState", "eyJuIjoyfQ==")),
	}}
	i := newInspection(t, chat(h))
	s, hello := i.stream("")
	assert.Contains(t, hello, `"first":1,"next":1,"records":0,"bytes":0,"paused":false`)
	p := i.connect(&emulator.ClientOptions{UserID: "ann", Roles: strings.Fields(allRoles + " webpubsub.setGroupState webpubsub.getGroupState")}, plainJSON, http.Header{"X-Test": {"a"}})
	shake := s.kind("client.handshake")
	assert.Equal(t, []string{plainJSON}, shake.Handshake.Subprotocols)
	assert.Equal(t, []string{"ann"}, shake.Handshake.Claims["sub"])
	assert.Equal(t, []string{"a"}, shake.Handshake.Headers["X-Test"])
	assert.NotContains(t, shake.Handshake.Query, "access_token")
	connect := s.event("connect")
	assert.Equal(t, shake.Connection, connect.Connection)
	assert.Nil(t, connect.Event.StateBefore)
	assert.Equal(t, &inspect.State{Text: `{"n":1}`, JSON: true}, connect.Event.StateAfter)
	assert.True(t, connect.Event.InMemory)
	assert.Equal(t, &inspect.Client{Subprotocol: plainJSON}, s.kind("client.connected").Client)
	assert.Equal(t, "hall", s.kind("group.joined").Group.Name)

	p.send(`{"type":"event","event":"say","data":{"a":1},"ackId":7}`)
	in := s.kind("frame.in")
	assert.Equal(t, "SendEvent", in.Frame.Request)
	assert.Equal(t, "json", in.Frame.Data.Type)
	assert.JSONEq(t, `{"type":"event","event":"say","data":{"a":1},"ackId":7}`, in.Frame.Data.Text)
	say := s.event("say").Event
	assert.Equal(t, "json", say.Request.Data.Type)
	assert.Equal(t, "hi", say.Answer.Data.Text)
	require.Len(t, say.Attempts, 2)
	assert.Equal(t, [2]int{503, 200}, [2]int{say.Attempts[0].Status, say.Attempts[1].Status})
	assert.GreaterOrEqual(t, say.Attempts[1].StartMs, 1000.0)
	assert.Equal(t, `{"n":2}`, say.StateAfter.Text)
	assert.Equal(t, &inspect.Ack{ID: 7}, s.kind("ack").Ack)

	p.send(`{"type":"joinGroup","group":"lobby"}`, `{"type":"setGroupState","group":"lobby","state":{"mood":"good"}}`,
		`{"type":"subscribeGroupState","group":"lobby","ackId":8}`, `{"type":"setGroupState","group":"lobby"}`, `{"type":"unsubscribeGroupState","group":"lobby"}`)
	assert.Equal(t, "lobby", s.kind("group.joined").Group.Name)
	assert.Equal(t, &inspect.GroupState{Group: "lobby", Entries: map[string]string{"mood": "good"}}, s.kind("groupState.set").GroupState)
	assert.Equal(t, uint64(8), s.kind("ack").Ack.ID)
	s.kind("groupState.subscribed")
	s.kind("groupState.cleared")
	s.kind("groupState.unsubscribed")

	status, body := i.get("state?q=" + p.id())
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"table":"connections","total":1,"hubs":[{"name":"chat","connections":1,"users":1,"groups":2}],"rows":[{"hub":"chat","connection":"`+p.id()+
		`","user":"ann","subprotocol":"`+plainJSON+`","away":false,"recoverable":false,"groups":["hall","lobby"],"groupCount":2,`+
		`"permissions":["getGroupState","joinLeaveGroup","sendToGroup","setGroupState"],"state":{"text":"{\"n\":2}","json":true}}]}`, body)

	require.NoError(t, p.conn.Close(websocket.StatusNormalClosure, "done"))
	s.kind("group.left")
	gone := s.kind("client.gone")
	assert.Equal(t, &inspect.Client{Reason: "done", Code: 1000}, gone.Client)
}

func TestInspectorShowsRESTCalls(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	s, _ := i.stream("")
	p := i.connect(nil, plainJSON, nil)
	call := func(method, path, contentType, body string) {
		target := i.emu.Endpoint + "/api/hubs/chat" + path
		req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+signWith(t, emulator.DefaultAccessKey, map[string]any{"aud": target, "exp": int64(1 << 40)}))
		req.Header.Set("Content-Type", contentType)
		resp, err := i.http.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	call(http.MethodPost, "/:send?api-version=2024-12-01", "text/plain", "hello")
	sent := s.kind("rest.call")
	assert.Equal(t, "chat", sent.Hub)
	assert.Equal(t, "api-version=2024-12-01", sent.REST.Query)
	assert.Equal(t, 202, sent.REST.Status)
	assert.Equal(t, inspect.Data{Bytes: 5, Type: "text", Text: "hello"}, sent.REST.Request.Data)
	assert.Equal(t, []string{"(hidden)"}, sent.REST.Request.Headers["Authorization"])
	s.find(func(r *inspect.Record) bool {
		return r.Frame != nil && r.Frame.Data.Text == `{"type":"message","from":"server","dataType":"text","data":"hello"}`
	})

	call(http.MethodPut, "/permissions/sendToGroup/connections/"+p.id()+"?targetName=lobby", "", "")
	assert.Equal(t, &inspect.Permission{Name: "sendToGroup", Group: "lobby"}, s.kind("permission.granted").Permission)
	call(http.MethodDelete, "/permissions/sendToGroup/connections/"+p.id()+"?targetName=lobby", "", "")
	s.kind("permission.revoked")
	call(http.MethodPost, "/:addToGroups", "application/json", `{"groups":[]}`)
	bad := s.find(func(r *inspect.Record) bool { return r.REST != nil && r.REST.Status == 400 })
	assert.Contains(t, bad.REST.Answer.Data.Text, "must have at least one group")

	resp, err := i.http.Get(i.emu.Endpoint + "/api/hubs/chat/groups/a/connections")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, 401, s.kind("rest.refused").REST.Status)
}

// Protobuf frames are shown as JSON; what is no text, in base64.
func TestInspectorDecodesProtobuf(t *testing.T) {
	t.Parallel()
	i := newInspection(t, chat(&script{}))
	s, _ := i.stream("")
	p := i.connect(&emulator.ClientOptions{UserID: "ann"}, "protobuf.reliable.webpubsub.azure.v1", nil)
	connected := s.kind("frame.out").Frame.Data
	assert.Equal(t, "protobuf", connected.Type)
	assert.True(t, connected.Redacted)
	assert.Contains(t, connected.Decoded, `"userId": "ann"`)
	assert.Contains(t, connected.Decoded, `"reconnectionToken": "(token)"`)
	join := []byte{6<<3 | 2, 5, 1<<3 | 2, 1, 'g', 2 << 3, 9}
	require.NoError(t, p.conn.Write(t.Context(), websocket.MessageBinary, join))
	in := s.kind("frame.in").Frame
	assert.Equal(t, inspect.Data{Bytes: 7, Type: "protobuf", Base64: join, Decoded: "{\n  \"joinGroupMessage\": {\n    \"group\": \"g\",\n    \"ackId\": 9\n  }\n}"}, in.Data)
	s.find(func(r *inspect.Record) bool {
		return r.Frame != nil && strings.Contains(r.Frame.Data.Decoded, `"success": false`)
	})
}

// A page that was away gets what it missed, and is told what it cannot get.
func TestInspectorTellsWhatIsLost(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{Inspector: &emulator.Inspector{MaxRecords: 5}})
	for range 10 {
		p := i.connect(nil, plainJSON, nil)
		require.NoError(t, p.conn.Close(websocket.StatusNormalClosure, ""))
	}
	s, hello := i.stream("3")
	var h struct{ First, Next uint64 }
	require.NoError(t, json.Unmarshal([]byte(hello), &h))
	require.Greater(t, h.First, uint64(4))
	name, _, data := s.next()
	assert.Equal(t, "lost", name)
	var lost struct{ Count, After, Before uint64 }
	require.NoError(t, json.Unmarshal([]byte(data), &lost))
	assert.Equal(t, uint64(3), lost.After)
	assert.Equal(t, lost.Before-4, lost.Count)
	name, id, _ := s.next()
	assert.Empty(t, name)
	assert.Equal(t, strconv.FormatUint(lost.Before, 10), id)
}

// A number of an emulator that has stopped is not one of this emulator.
func TestInspectorStreamOfAnotherStart(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	i.connect(nil, plainJSON, nil)
	first, _ := i.stream("")
	first.kind("client.connected")
	s, _ := i.stream("999999")
	assert.Equal(t, uint64(1), s.find(func(*inspect.Record) bool { return true }).N)
}

func TestInspectorLimitsStreams(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	for range 16 {
		i.stream("")
	}
	status, body := i.get("records")
	assert.Equal(t, http.StatusTooManyRequests, status, body)
	status, _ = i.get("records?after=x")
	assert.Equal(t, http.StatusBadRequest, status)
}

// The streams end when the emulator stops, which waits for them.
func TestInspectorStreamEndsWithTheEmulator(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	s, _ := i.stream("")
	i.emu.Close()
	name, _, data := s.next()
	for name == "status" {
		name, _, data = s.next()
	}
	assert.Equal(t, "error", name)
	assert.JSONEq(t, `{"error":"the emulator has stopped"}`, data)
}

func TestInspectorExportsAndImports(t *testing.T) {
	t.Parallel()
	i := newInspection(t, chat(&script{on: map[string]http.HandlerFunc{"say": answer(200, "text/plain", "hi")}}))
	s, _ := i.stream("")
	p := i.connect(&emulator.ClientOptions{UserID: "ann", Groups: []string{"g"}}, plainJSON, nil)
	p.send(`{"type":"event","event":"say","data":1,"ackId":1}`)
	s.event("say")
	i.act("pause", `{"paused":true}`)
	_, lines, header := i.do(i.request(http.MethodGet, "export", ""))
	assert.Equal(t, `attachment; filename="inspector.jsonl"`, header.Get("Content-Disposition"))
	count := strings.Count(lines, "\n")
	require.Greater(t, count, 5)

	other := newInspection(t, emulator.Config{})
	status, body, _ := other.do(other.request(http.MethodPost, "import", lines+"\n\nnonsense\n"+`{"kind":"nonsense"}`+"\n[]"))
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, fmt.Sprintf(`{"imported":%d,"skipped":3}`, count), body)
	_, again := other.get("export")
	want, got := strings.Split(lines, "\n"), strings.Split(again, "\n")
	require.Len(t, got, len(want))
	for n, line := range want {
		if line != "" {
			a, b := new(inspect.Record), new(inspect.Record)
			require.NoError(t, json.Unmarshal([]byte(line), a))
			require.NoError(t, json.Unmarshal([]byte(got[n]), b))
			a.Imported, a.N = true, b.N
			assert.Equal(t, a, b)
		}
	}
	status, body = other.get("records/2")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, got[1], body)
	status, _ = other.get("records/100000")
	assert.Equal(t, http.StatusNotFound, status)
}

func TestInspectorLimitsImports(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{Inspector: &emulator.Inspector{MaxRecords: 10, MaxBytes: 2 << 20}})
	const line = `{"kind":"group.joined","group":{"name":"g"}}` + "\n"
	for name, lines := range map[string]string{
		"records": strings.Repeat(line, 11), "bytes": strings.Repeat(strings.Repeat(" ", 1000)+"\n", 3000), "a line": line + strings.Repeat("x", 1<<20+1),
	} {
		status, body, _ := i.do(i.request(http.MethodPost, "import", lines))
		assert.Contains(t, []int{http.StatusRequestEntityTooLarge, http.StatusBadRequest}, status, "%s: %s", name, body)
	}
	_, kept := i.get("export")
	assert.Empty(t, kept, "all lines or none")
}

func TestInspectorTables(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	for _, user := range []string{"ann", "bob", "cyd"} {
		i.connect(&emulator.ClientOptions{UserID: user, Groups: []string{"all", "room " + user}}, plainJSON, nil)
	}
	status, body := i.get("state?table=users&limit=2")
	require.Equal(t, http.StatusOK, status)
	var page struct {
		Total int
		Next  string
		Rows  []struct {
			User, Group string
			Connections int
		}
	}
	decode := func(body string) {
		page.Next, page.Rows = "", nil
		require.NoError(t, json.NewDecoder(bytes.NewReader([]byte(body))).Decode(&page), body)
	}
	decode(body)
	assert.Equal(t, 3, page.Total)
	require.Len(t, page.Rows, 2)
	assert.Equal(t, "ann", page.Rows[0].User)
	_, body = i.get("state?table=users&limit=2&after=" + page.Next)
	decode(body)
	assert.Empty(t, page.Next)
	require.Len(t, page.Rows, 1)
	assert.Equal(t, "cyd", page.Rows[0].User)
	_, body = i.get("state?table=groups&hub=CHAT&q=ALL")
	decode(body)
	require.Len(t, page.Rows, 1)
	assert.Equal(t, 3, page.Rows[0].Connections)
	_, body = i.get("state?hub=other")
	decode(body)
	assert.Zero(t, page.Total)
	for _, wrong := range []string{"table=x", "limit=0", "limit=501", "limit=x", "after=x"} {
		status, _ := i.get("state?" + wrong)
		assert.Equal(t, http.StatusBadRequest, status, wrong)
	}
}

// An export ends if its client does not read.
func TestInspectorExportToSlowClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{Inspector: &emulator.Inspector{InsecureNonLoopback: true}}) // pipes have no address
		_, token, _ := strings.Cut(r.server.InspectorURL(""), "#token=")
		p := &page{r, token}
		for _, read := range []bool{true, false} {
			lines := strings.Repeat(`{"kind":"group.joined","group":{"name":"`+strings.Repeat("g", 1000)+`"}}`+"\n", 300)
			imported := p.request(http.MethodPost, "import", lines)
			require.Equal(t, http.StatusOK, imported.StatusCode)
			require.NoError(t, imported.Body.Close())
			resp := p.request(http.MethodGet, "export", "")
			if !read {
				pass(time.Minute)
			}
			_, err := io.Copy(io.Discard, resp.Body)
			if read {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			}
			require.NoError(t, resp.Body.Close())
			pass(time.Minute) // the connection of an export that was read serves further requests
		}
	})
}
