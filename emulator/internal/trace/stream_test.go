package trace_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// kept is a sink that keeps the records of the kinds that it wants.
type kept struct {
	want    func(trace.Kind) bool
	records []trace.Record
}

func (k *kept) Wants(_ context.Context, kind trace.Kind) bool { return k.want(kind) }

func (k *kept) Take(_ context.Context, at time.Time, r trace.Record) {
	if !at.IsZero() {
		k.records = append(k.records, r)
	}
}

func all(trace.Kind) bool  { return true }
func none(trace.Kind) bool { return false }

// emitters emit each type of record, filled by reflection, in each of its kinds.
func emitters(text string) []func(context.Context, *trace.Stream) {
	out := []func(context.Context, *trace.Stream){
		emit[trace.FrameIn](text, nil), emit[trace.FrameOut](text, nil),
		emit[trace.EventsDropped](text, nil), emit(text, func(r *trace.EventsDropped) { r.Count = 0 }),
		emit[trace.Validation](text, nil), emit(text, func(r *trace.Validation) { r.Reason = "" }),
		emit[trace.RESTCall](text, nil), emit(text, func(r *trace.RESTCall) { r.Refused = "" }),
		emit[trace.ForeignRefused](text, nil), emit[trace.Handshake](text, nil), emit[trace.Ack](text, nil),
	}
	for k := trace.KindGroupJoined; k <= trace.KindGroupLeft; k++ {
		out = append(out, emit(text, func(r *trace.GroupChange) { r.Kind = k }))
	}
	for k := trace.KindGroupStateSet; k <= trace.KindGroupStateUnsubscribed; k++ {
		out = append(out, emit(text, func(r *trace.GroupState) { r.Kind = k }))
	}
	for k := trace.KindPermissionGranted; k <= trace.KindPermissionRevoked; k++ {
		out = append(out, emit(text, func(r *trace.PermissionChange) { r.Kind = k }))
	}
	for k := trace.KindClientConnected; k <= trace.KindRequestRefused; k++ {
		out = append(out, emit(text, func(r *trace.ClientRecord) { r.Kind = k }))
	}
	for k := trace.KindEventDelivered; k <= trace.KindEventAnswerUnusable; k++ {
		out = append(out, emit(text, func(r *trace.Event) { r.Outcome = k }))
	}
	return out
}

func emit[R trace.Record](text string, change func(*R)) func(context.Context, *trace.Stream) {
	var r R
	fill(reflect.ValueOf(&r).Elem(), text)
	if change != nil {
		change(&r)
	}
	return func(ctx context.Context, s *trace.Stream) { trace.Emit(ctx, s, r) }
}

// fill puts a text into every text of a record. It panics for a type of field that
// the stream does not look for secrets in.
func fill(v reflect.Value, text string) {
	for i := range v.NumField() {
		f := v.Field(i)
		if !v.Type().Field(i).IsExported() {
			continue
		}
		switch to := f.Addr().Interface().(type) {
		case *trace.Payload:
			*to = trace.Message(http.Header{"X-Text": {text}}, []byte(text))
			continue
		case *trace.State:
			*to = trace.StateOf(text)
			continue
		case *[]string:
			*to = []string{text}
			continue
		case *map[string]string:
			*to = map[string]string{text: text}
			continue
		case *map[string][]string:
			*to = map[string][]string{text: {text}}
			continue
		case *[]trace.Attempt:
			*to = []trace.Attempt{{Error: text}}
			continue
		}
		switch f.Kind() {
		case reflect.String:
			f.SetString(text)
		case reflect.Int, reflect.Int64:
			f.SetInt(2_000_000)
		case reflect.Uint8: // Kind
		case reflect.Uint64:
			f.SetUint(2_000_000)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Struct:
			fill(f, text)
		default:
			panic("no secrets are looked for in " + f.Type().String())
		}
	}
}

// records returns a record of each kind, as a sink gets it.
func records(t *testing.T, text string, keys ...string) []trace.Record {
	t.Helper()
	sink := &kept{want: all}
	s := trace.New(keys, sink)
	for _, e := range emitters(text) {
		e(t.Context(), s)
	}
	seen := make(map[trace.Kind]bool)
	for _, r := range sink.records {
		assert.False(t, seen[trace.KindOf(r)], "%T", r)
		seen[trace.KindOf(r)] = true
	}
	require.Len(t, seen, int(trace.Kinds), "one of each kind")
	return sink.records
}

func TestEmitHandsOutWhatIsWanted(t *testing.T) {
	t.Parallel()
	frames := &kept{want: func(k trace.Kind) bool { return k == trace.KindFrameIn || k == trace.KindFrameOut }}
	nothing := &kept{want: none}
	everything := &kept{want: all}
	s := trace.New(nil, frames, nothing, everything)
	for _, e := range emitters("a") {
		e(t.Context(), s)
	}
	assert.Len(t, frames.records, 2)
	assert.Empty(t, nothing.records)
	assert.Len(t, everything.records, int(trace.Kinds))
	assert.True(t, s.Wants(t.Context(), trace.KindFrameIn))
	assert.False(t, trace.New(nil, frames).Wants(t.Context(), trace.KindClientGone))
}

func TestStreamWithoutSinks(t *testing.T) {
	t.Parallel()
	for _, s := range []*trace.Stream{nil, trace.New([]string{"key"})} {
		assert.False(t, s.Wants(t.Context(), trace.KindFrameIn))
		for _, e := range emitters("a") {
			e(t.Context(), s)
		}
	}
}

// No sink sees a secret, whichever field of a record has it.
func TestEmitHidesSecrets(t *testing.T) {
	t.Parallel()
	const key = "S3CR3T/+S3CR3T\"S3CR3T/+S3CR3T-S3CR3T-S3CR3T"
	token := "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"
	for name, secret := range map[string]string{"key": key, "token": token, "reconnection token": strings.Repeat("0123456789abcdef", 4)} {
		for _, r := range records(t, "before "+secret+" after", key) {
			printed := fmt.Sprintf("%+v %#v", r, r)
			assert.NotContains(t, printed, secret, "%s in %T", name, r)
			assert.NotContains(t, printed, secret[16:], "%s in %T", name, r)
			assert.Contains(t, printed, "before (", "%s in %T", name, r)
			assert.Contains(t, printed, ") after", "%s in %T", name, r)
		}
	}
}

// The allocations of tests that run beside a benchmark count, so this one does not
// run in parallel.
//
//nolint:paralleltest // as above
func TestUnwantedRecordsCostNothing(t *testing.T) {
	ctx, data := t.Context(), []byte(`{"type":"ping"}`)
	client := trace.Client{Hub: "chat", Connection: "c1", User: "ann"}
	header := http.Header{"Ce-Id": {"1"}}
	for name, s := range map[string]*trace.Stream{
		"nil": nil, "no sink": trace.New([]string{"key"}), "other kinds": trace.New([]string{"key"}, &kept{want: none}),
	} {
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			trace.Emit(ctx, s, trace.FrameIn{Client: client, Request: "Ping", Data: trace.Data(data)})
			trace.Emit(ctx, s, trace.FrameOut{Client: client, Data: trace.Data(data)})
			trace.Emit(ctx, s, trace.Event{Client: client, Outcome: trace.KindEventDelivered, Request: trace.Message(header, data)})
			trace.Emit(ctx, s, trace.RESTCall{Method: "POST", Path: "/api/hubs/chat/:send", Status: 202})
		}), name)
	}
}

func BenchmarkEmit(b *testing.B) {
	data := []byte(`{"type":"ping"}`)
	for name, s := range map[string]*trace.Stream{"unwanted": trace.New(nil, &kept{want: none}), "wanted": trace.New([]string{strings.Repeat("k", 44)}, discard{})} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				trace.Emit(b.Context(), s, trace.FrameOut{Client: trace.Client{Hub: "chat", Connection: "c1"}, Data: trace.Data(data)})
			}
		})
	}
}

type discard struct{}

func (discard) Wants(context.Context, trace.Kind) bool        { return true }
func (discard) Take(context.Context, time.Time, trace.Record) {}
