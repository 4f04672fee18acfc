package otelwebpubsub

import (
	"context"
	"encoding/base64"
	"maps"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/go-webpubsub/webpubsub"
)

// A note is what [Options.LinkConnections] adds to the end of a connection's state: the
// mark, which no state in base64 has, and trace id, span id and flags in base64.
const (
	noteMark   = "~t"
	noteLength = len(noteMark) + 34
)

// noteOf returns the note of a connection whose connect event has a span; empty if there
// is none.
func noteOf(sc trace.SpanContext) string {
	if !sc.IsValid() {
		return ""
	}
	traceID, spanID := sc.TraceID(), sc.SpanID()
	return noteMark + base64.RawURLEncoding.EncodeToString(append(append(traceID[:], spanID[:]...), byte(sc.TraceFlags())))
}

// cutNote returns a state without its note, and the note.
func cutNote(state string) (before, note string) {
	at := len(state) - noteLength
	if at < 0 || !strings.HasPrefix(state[at:], noteMark) {
		return state, ""
	}
	return state[:at], state[at:]
}

// spanOfNote returns the span that a note names. It is not valid if the note is not.
func spanOfNote(note string) trace.SpanContext {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(note, noteMark))
	if err != nil || len(raw) != 25 {
		return trace.SpanContext{}
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(raw[:16]), SpanID: trace.SpanID(raw[16:24]), TraceFlags: trace.TraceFlags(raw[24]) & trace.FlagsSampled, Remote: true,
	})
}

// receivedNote returns the note of the state that came with an event. The event itself
// does not have it any more, see origin.
func receivedNote(ev webpubsub.Event) string {
	_, note := cutNote(ev.EventMeta().RequestHeader.Get("ce-connectionState"))
	return note
}

// linkFunctions wraps the functions of a configuration whose replies can set the state.
func linkFunctions(cfg *webpubsub.Config) {
	cfg.OnConnect = linkConnect(cfg.OnConnect)
	cfg.UserEvents = maps.Clone(cfg.UserEvents)
	for name, f := range cfg.UserEvents {
		cfg.UserEvents[name] = linkUserEvent(f)
	}
	cfg.Fallback = linkUserEvent(cfg.Fallback)
	if f := cfg.RefusalReply; f != nil {
		cfg.RefusalReply = func(ctx context.Context, ev *webpubsub.UserEvent, refusal *webpubsub.Error) (webpubsub.Reply, bool) {
			reply, replies := f(ctx, ev, refusal)
			if state, err := withNote(ev, reply.State, receivedNote(ev)); replies && err == nil {
				reply.State = state // otherwise the handler finds the same error
			}
			return reply, replies
		}
	}
}

// linkConnect notes the span of the connect event in the state. A nil f accepts all clients.
func linkConnect(f func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error)) func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	return func(ctx context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
		var out webpubsub.ConnectReply
		if f != nil {
			reply, err := f(ctx, ev)
			if err != nil {
				return reply, err
			}
			if reply != nil {
				out = *reply
			}
		}
		state, _, err := out.State.Encode(ev)
		if note := noteOf(trace.SpanContextFromContext(ctx)); err == nil && note != "" {
			out.State = webpubsub.RawState(state + note)
		}
		return &out, err
	}
}

// linkUserEvent keeps the note when a reply sets the state.
func linkUserEvent(f webpubsub.UserEventFunc) webpubsub.UserEventFunc {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		reply, err := f(ctx, ev)
		if err == nil {
			reply.State, err = withNote(ev, reply.State, receivedNote(ev))
		}
		return reply, err
	}
}

// withNote returns an update that adds a note to the state, unless it keeps the state.
func withNote(ev webpubsub.Event, update webpubsub.StateUpdate, note string) (webpubsub.StateUpdate, error) {
	state, set, err := update.Encode(ev)
	if err != nil || !set || note == "" {
		return update, err
	}
	return webpubsub.RawState(state + note), nil
}
