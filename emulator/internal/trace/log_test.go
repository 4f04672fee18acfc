package trace_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// logger writes lines without time into a buffer.
func logger(level slog.Level) (*slog.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	return slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})), &out
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	ann := trace.Client{Hub: "chat", Connection: "c1", User: "ann"}
	event := func(outcome trace.Kind) trace.Event {
		return trace.Event{
			Client: ann, ID: "2", Name: "say", Outcome: outcome, Reason: "why", Status: 409, Attempts: 1, Took: 1500 * time.Microsecond,
			Answer: trace.Message(http.Header{}, []byte(" it is\n12 ")),
		}
	}
	repeated := event(trace.KindEventDelivered)
	repeated.Attempts = 3
	log, out := logger(slog.LevelDebug)
	s := trace.New(nil, trace.Log(log))
	for _, tc := range []struct {
		emit func()
		want string
	}{
		{func() {
			trace.Emit(t.Context(), s, trace.ClientRecord{Client: ann, Kind: trace.KindClientConnected, Subprotocol: "json"})
		}, `level=INFO msg="client connected" hub=chat connection_id=c1 user_id=ann subprotocol=json`},
		{func() {
			trace.Emit(t.Context(), s, trace.ClientRecord{Client: trace.Client{Hub: "chat"}, Kind: trace.KindClientRefused, Status: 401, Reason: "why"})
		}, `level=WARN msg="client refused" hub=chat status=401 reason=why`},
		{func() {
			trace.Emit(t.Context(), s, trace.ClientRecord{Client: ann, Kind: trace.KindClientGone, Reason: "why"})
		}, `level=INFO msg="client gone" hub=chat connection_id=c1 user_id=ann reason=why`},
		{func() { trace.Emit(t.Context(), s, trace.ClientRecord{Client: ann, Kind: trace.KindClientGone}) }, `level=INFO msg="client gone" hub=chat connection_id=c1 user_id=ann reason="closed by the client"`},
		{func() {
			trace.Emit(t.Context(), s, trace.ClientRecord{Client: ann, Kind: trace.KindClientLost, Reason: "why", Recoverable: time.Minute})
		}, `level=INFO msg="client lost" hub=chat connection_id=c1 reason=why recoverable=1m0s`},
		{func() { trace.Emit(t.Context(), s, trace.ClientRecord{Client: ann, Kind: trace.KindClientRecovered}) }, `level=INFO msg="client recovered" hub=chat connection_id=c1`},
		{func() {
			trace.Emit(t.Context(), s, trace.ClientRecord{Client: trace.Client{Hub: "chat"}, Kind: trace.KindRecoveryRefused})
		}, `level=WARN msg="recovery refused" hub=chat`},
		{func() { trace.Emit(t.Context(), s, trace.ClientRecord{Kind: trace.KindHandshakeFailed, Reason: "why"}) }, `level=WARN msg="handshake failed" reason=why`},
		{func() {
			trace.Emit(t.Context(), s, trace.ClientRecord{Client: ann, Kind: trace.KindRoleIgnored, Reason: "why"})
		}, `level=WARN msg="role ignored; this is logged once for each role" hub=chat connection_id=c1 reason=why`},
		{func() {
			trace.Emit(t.Context(), s, trace.ClientRecord{Client: ann, Kind: trace.KindRolesLeftOut, LeftOut: 3, Reason: "why"})
		}, `level=WARN msg="too many roles" hub=chat connection_id=c1 left_out=3 reason=why`},
		{func() {
			trace.Emit(t.Context(), s, trace.ClientRecord{Client: ann, Kind: trace.KindNoSubprotocol, Reason: "why"})
		}, `level=WARN msg="no subprotocol" hub=chat connection_id=c1 reason=why`},
		{func() { trace.Emit(t.Context(), s, trace.ClientRecord{Client: ann, Kind: trace.KindPingUnanswered}) }, `level=WARN msg="no answer to pings" hub=chat connection_id=c1`},
		{func() {
			trace.Emit(t.Context(), s, trace.FrameIn{Client: ann, Request: "Ping", Data: trace.Data([]byte("12345"))})
		}, `level=DEBUG msg=frame hub=chat connection_id=c1 kind=Ping bytes=5`},
		{func() { trace.Emit(t.Context(), s, trace.FrameOut{Client: ann, Data: trace.Data([]byte("12345"))}) }, ``},
		{func() {
			trace.Emit(t.Context(), s, trace.ClientRecord{Client: ann, Kind: trace.KindFrameInvalid, Reason: "why"})
		}, `level=WARN msg="invalid frame" hub=chat connection_id=c1 reason=why`},
		{func() {
			trace.Emit(t.Context(), s, trace.ClientRecord{Client: ann, Kind: trace.KindRequestRefused, Reason: "why"})
		}, `level=WARN msg="request refused" hub=chat connection_id=c1 reason=why`},
		{func() { trace.Emit(t.Context(), s, event(trace.KindEventDelivered)) }, `level=INFO msg="event delivered" hub=chat connection_id=c1 event=say event_id=2 status=409 ms=1.5`},
		{func() { trace.Emit(t.Context(), s, repeated) }, `level=INFO msg="event delivered" hub=chat connection_id=c1 event=say event_id=2 status=409 attempts=3 ms=1.5`},
		{func() { trace.Emit(t.Context(), s, event(trace.KindEventRefused)) }, `level=WARN msg="event refused" hub=chat connection_id=c1 event=say event_id=2 status=409 ms=1.5 answer="it is 12"`},
		{func() { trace.Emit(t.Context(), s, event(trace.KindEventNotDelivered)) }, `level=WARN msg="event not delivered" hub=chat connection_id=c1 event=say event_id=2 ms=1.5 reason=why`},
		{func() { trace.Emit(t.Context(), s, event(trace.KindEventNoHandler)) }, `level=WARN msg="event not delivered" hub=chat connection_id=c1 event=say event_id=2 reason=why`},
		{func() { trace.Emit(t.Context(), s, event(trace.KindEventCancelled)) }, `level=INFO msg="event cancelled" hub=chat connection_id=c1 event=say event_id=2 ms=1.5 reason=why`},
		{func() { trace.Emit(t.Context(), s, event(trace.KindEventNotWritten)) }, `level=ERROR msg="event not written" hub=chat connection_id=c1 event=say event_id=2 reason=why`},
		{func() { trace.Emit(t.Context(), s, event(trace.KindEventAnswerUnusable)) }, `level=WARN msg="answer not usable" hub=chat connection_id=c1 event=say event_id=2 reason=why`},
		{func() { trace.Emit(t.Context(), s, trace.EventsDropped{ann, "2", "joined", 0, "why"}) }, `level=WARN msg="events are dropped" hub=chat connection_id=c1 event=joined event_id=2 reason=why`},
		{func() { trace.Emit(t.Context(), s, trace.EventsDropped{ann, "2", "joined", 7, ""}) }, `level=WARN msg="events were dropped" hub=chat connection_id=c1 event=joined event_id=2 count=7`},
		{func() { trace.Emit(t.Context(), s, trace.Validation{"http://h.test/", "why", time.Second}) }, `level=WARN msg="validation failed" url=http://h.test/ reason=why again=1s`},
		{func() { trace.Emit(t.Context(), s, trace.Validation{"http://h.test/", "", time.Minute}) }, `level=INFO msg="validation passed" url=http://h.test/`},
		{func() {
			trace.Emit(t.Context(), s, trace.RESTCall{Method: "GET", Path: "/api/x", Status: 200, Took: 1500 * time.Microsecond})
		}, `level=INFO msg="REST call" method=GET path=/api/x status=200 ms=1.5`},
		{func() {
			trace.Emit(t.Context(), s, trace.RESTCall{Method: "GET", Path: "/api/x", Status: 401, Refused: "why"})
		}, `level=WARN msg="REST call refused" method=GET path=/api/x reason=why`},
		{func() { trace.Emit(t.Context(), s, trace.ForeignRefused{"why"}) }, `level=WARN msg="foreign request refused" reason=why`},
	} {
		out.Reset()
		tc.emit()
		assert.Equal(t, tc.want, strings.TrimSuffix(out.String(), "\n"))
	}
}

func TestLogLevels(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level]int{slog.LevelDebug: 28, slog.LevelInfo: 27, slog.LevelWarn: 19, slog.LevelError: 1, slog.LevelError + 1: 0} {
		log, out := logger(level)
		s := trace.New(nil, trace.Log(log))
		for _, e := range emitters("a") {
			e(t.Context(), s)
		}
		assert.Equal(t, want, strings.Count(out.String(), "\n"), level)
	}
}

// Each text of a line is bounded, and has neither a line break nor a secret.
func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	const key = "S3CR3T-S3CR3T-S3CR3T-S3CR3T-S3CR3T-S3CR3T"
	for name, text := range map[string]string{
		"long": strings.Repeat("long\nü", 10_000), "keys": strings.Repeat(key, 10_000), "key at the end": strings.Repeat("-", 490) + key,
	} {
		log, out := logger(slog.LevelDebug)
		s := trace.New([]string{key}, trace.Log(log))
		for _, e := range emitters(text) {
			e(t.Context(), s)
		}
		for line := range strings.Lines(out.String()) {
			assert.Less(t, len(line), 8192, name)
			assert.True(t, strings.HasPrefix(line, "level="), name)
			assert.NotContains(t, line, "S3CR3T", name)
		}
	}
}
