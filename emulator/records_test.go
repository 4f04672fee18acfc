package emulator_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// sink keeps all records.
type sink struct {
	mu      sync.Mutex
	records []trace.Record
}

func (*sink) Wants(context.Context, trace.Kind) bool { return true }

func (s *sink) Take(_ context.Context, _ time.Time, r trace.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, r)
}

// of returns the records of one type, once all goroutines of the bubble are blocked.
func of[R trace.Record](s *sink) (out []R) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if one, ok := r.(R); ok {
			out = append(out, one)
		}
	}
	return out
}

// clients returns the records of clients of one kind.
func (s *sink) clients(kind trace.Kind) []trace.ClientRecord {
	return slices.DeleteFunc(of[trace.ClientRecord](s), func(r trace.ClientRecord) bool { return r.Kind != kind })
}

func TestRecordsOfFrames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		r := newRig(t, chat(&script{on: map[string]http.HandlerFunc{"say": answer(200, "text/plain", "hi")}}), s)
		p := r.json(r.clientURL("ann", ""), reliableJSON)
		id := trace.Client{Hub: "chat", Connection: p.id(), User: "ann"}
		p.send(`{"type":"event","event":"say","data":1,"ackId":1}`, `{"type":"joinGroup","group":"g"}`)
		p.next()
		p.next()
		p.quiet()
		p.send(`{`)
		p.next()
		_, _, err := p.conn.Read(t.Context())
		require.Error(t, err)
		var frames []string
		for _, f := range of[trace.FrameIn](s) {
			assert.Equal(t, id, f.Client)
			assert.False(t, f.Binary)
			frames = append(frames, f.Request+" "+f.Data.String())
		}
		assert.Equal(t, []string{
			`SendEvent {"type":"event","event":"say","data":1,"ackId":1}`, `JoinGroup {"type":"joinGroup","group":"g"}`, `Ping {"type":"ping"}`, `<nil> {`,
		}, frames)
		frames = nil
		for _, f := range of[trace.FrameOut](s) {
			assert.Equal(t, id, f.Client)
			frames = append(frames, fmt.Sprint(f.Close, " ", f.SequenceID, " ", f.Data))
		}
		require.Len(t, frames, 6)
		assert.Contains(t, frames[0], `"reconnectionToken":"(token)"`)
		assert.Equal(t, `0 1 {"type":"message","from":"server","dataType":"text","data":"hi"}`, frames[1])
		assert.Equal(t, `0 0 {"type":"pong"}`, frames[3])
		assert.True(t, strings.HasPrefix(frames[5], "1007 "), frames[5])
		assert.Len(t, s.clients(trace.KindFrameInvalid), 1)
		assert.Len(t, s.clients(trace.KindRequestRefused), 1)
		connected := trace.ClientRecord{Kind: trace.KindClientConnected, Client: id, Subprotocol: reliableJSON}
		assert.Equal(t, []trace.ClientRecord{connected}, s.clients(trace.KindClientConnected))
		gone := s.clients(trace.KindClientGone)
		require.Len(t, gone, 1)
		assert.Equal(t, id, gone[0].Client)
	})
}

func TestRecordsOfEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		h := &script{
			consent: answers(consents(503), consents(200, "*")),
			on: map[string]http.HandlerFunc{
				"connect": answer(200, "application/json", `{}`, "ce-connectionState", "one", "Set-Cookie", "c=secret"),
				"say":     answers(answer(503, "", ""), answer(200, "text/plain", "hi", "ce-connectionState", "two")),
				"refuse":  answer(409, "text/plain", "no", "ce-connectionState", "three"),
			},
		}
		r := newRig(t, chat(h), s)
		p, _ := r.try(r.clientURL("ann", ""), http.Header{"Cookie": {"id=secret"}}, plainJSON)
		require.NotNil(t, p)
		p.greeting = p.next()
		p.send(`{"type":"event","event":"say","data":1,"ackId":1}`, `{"type":"event","event":"refuse","data":1,"ackId":2}`)
		for range 3 {
			p.next()
		}
		events := make(map[string]trace.Event)
		for _, ev := range of[trace.Event](s) {
			assert.Equal(t, trace.Client{Hub: "chat", Connection: p.id(), User: "ann"}, ev.Client)
			assert.Equal(t, "http://localhost/eventhandler/{hub}/{event}", ev.Handler)
			assert.Equal(t, "(hidden)", ev.Request.Header()["Ce-Signature"][0])
			assert.NotContains(t, fmt.Sprint(ev.Request, ev.Request.Header(), ev.Answer, ev.Answer.Header()), "secret")
			events[ev.Name] = ev
		}
		require.Len(t, events, 4)
		connect, connected, say, refuse := events["connect"], events["connected"], events["say"], events["refuse"]
		assert.Equal(t, [2]string{"", "one"}, [2]string{connect.StateBefore.Text, connect.StateAfter.Text})
		assert.Equal(t, [2]string{"one", "two"}, [2]string{say.StateBefore.Text, say.StateAfter.Text})
		assert.Equal(t, [2]string{"two", "two"}, [2]string{refuse.StateBefore.Text, refuse.StateAfter.Text}, "a refusal does not change the state")
		assert.Equal(t, [2]time.Duration{time.Second, time.Second}, [2]time.Duration{connect.Consent, connect.Took}, "validation is retried after a second")
		assert.Contains(t, connect.Request.String(), `"Cookie":["(hidden)"]`)
		assert.Equal(t, []string{"(hidden)"}, connect.Answer.Header()["Set-Cookie"])
		assert.Equal(t, []string{"(hidden)"}, say.Request.Header()["Cookie"])
		assert.Equal(t, trace.KindEventDelivered, connected.Outcome)
		assert.Equal(t, 2, say.Attempts)
		assert.Equal(t, time.Second, say.Took)
		assert.Equal(t, "1", say.Request.String())
		assert.Equal(t, "hi", say.Answer.String())
		assert.Equal(t, trace.KindEventRefused, refuse.Outcome)
		assert.Equal(t, http.StatusConflict, refuse.Status)
		assert.Equal(t, []trace.Validation{{URL: "http://localhost/eventhandler/chat/validate", Again: time.Minute}}, of[trace.Validation](s))
	})
}

func TestRecordsOfDroppedEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		r := newRig(t, chat(&script{on: map[string]http.HandlerFunc{"say": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}}), s)
		p := r.member("ann")
		p.send(`{"type":"event","event":"say","data":1,"ackId":1}`)
		synctest.Wait()
		r.server.Close()
		for _, ev := range of[trace.Event](s) {
			if ev.Name == "say" {
				assert.Equal(t, trace.KindEventDropped, ev.Outcome)
				return
			}
		}
		assert.Fail(t, "no record")
	})
}

// A notification waits for those before it, which its record shows.
func TestRecordsOfQueuedEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		r := newRig(t, chat(&script{on: map[string]http.HandlerFunc{"connected": func(http.ResponseWriter, *http.Request) { pass(time.Minute) }}}), s)
		r.member("ann", "g")
		pass(time.Minute)
		queued := make(map[string]time.Duration)
		for _, ev := range of[trace.Event](s) {
			queued[ev.Name] = ev.Queued
		}
		assert.Equal(t, map[string]time.Duration{"connect": 0, "connected": 0, "joined": time.Minute}, queued)
	})
}

func TestRecordsOfRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		r := newRig(t, emulator.Config{}, s)
		assert.Equal(t, http.StatusAccepted, r.rest(http.MethodPost, "/:send", "text/plain", "hi"))
		p, _ := r.try(base+"/client/hubs/chat?access_token="+sign(t, "chat", jwt.MapClaims{"exp": 1}), nil)
		assert.Nil(t, p)
		p, _ = r.try(r.clientURL("ann", ""), http.Header{"Origin": {"http://evil.example"}})
		assert.Nil(t, p)
		calls := of[trace.RESTCall](s)
		require.Len(t, calls, 1)
		assert.Equal(t, "POST /api/hubs/chat/:send 202", fmt.Sprint(calls[0].Method, " ", calls[0].Path, " ", calls[0].Status))
		refused := s.clients(trace.KindClientRefused)
		require.Len(t, refused, 1)
		assert.Equal(t, http.StatusUnauthorized, refused[0].Status)
		assert.Len(t, of[trace.ForeignRefused](s), 1)
	})
}

func TestRecordsOfRecovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		r := newRig(t, emulator.Config{}, s)
		p := r.json(r.clientURL("ann", ""), reliableJSON)
		id := trace.Client{Hub: "chat", Connection: p.id(), User: "ann"}
		require.NoError(t, p.conn.CloseNow())
		lost := s.clients(trace.KindClientLost)
		require.Len(t, lost, 1)
		assert.Equal(t, id, lost[0].Client)
		again := r.recover(p)
		again.next()
		assert.Equal(t, []trace.ClientRecord{{Kind: trace.KindClientRecovered, Client: id}}, s.clients(trace.KindClientRecovered))
		wrong := r.resume(p.id(), "wrong")
		_, _, err := wrong.conn.Read(t.Context())
		assert.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err))
		assert.Equal(t, []trace.ClientRecord{{Kind: trace.KindRecoveryRefused, Client: trace.Client{Hub: "chat"}}}, s.clients(trace.KindRecoveryRefused))
	})
}
