package trace

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

const (
	maxLogged = 512 // bytes of a text in a log line
	maxAnswer = 128 // bytes of an answer in a log line
)

// lines are the levels and messages of the log lines, by kind. A kind without a
// message is not logged.
var lines = [kinds]struct {
	level   slog.Level
	message string
}{
	KindClientConnected:     {slog.LevelInfo, "client connected"},
	KindClientRefused:       {slog.LevelWarn, "client refused"},
	KindClientGone:          {slog.LevelInfo, "client gone"},
	KindClientLost:          {slog.LevelInfo, "client lost"},
	KindClientRecovered:     {slog.LevelInfo, "client recovered"},
	KindRecoveryRefused:     {slog.LevelWarn, "recovery refused"},
	KindHandshakeFailed:     {slog.LevelWarn, "handshake failed"},
	KindRoleIgnored:         {slog.LevelWarn, "role ignored; this is logged once for each role"},
	KindRolesLeftOut:        {slog.LevelWarn, "too many roles"},
	KindNoSubprotocol:       {slog.LevelWarn, "no subprotocol"},
	KindPingUnanswered:      {slog.LevelWarn, "no answer to pings"},
	KindFrameIn:             {slog.LevelDebug, "frame"},
	KindFrameInvalid:        {slog.LevelWarn, "invalid frame"},
	KindRequestRefused:      {slog.LevelWarn, "request refused"},
	KindEventDelivered:      {slog.LevelInfo, "event delivered"},
	KindEventRefused:        {slog.LevelWarn, "event refused"},
	KindEventNotDelivered:   {slog.LevelWarn, "event not delivered"},
	KindEventNoHandler:      {slog.LevelWarn, "event not delivered"},
	KindEventCancelled:      {slog.LevelInfo, "event cancelled"},
	KindEventNotWritten:     {slog.LevelError, "event not written"},
	KindEventAnswerUnusable: {slog.LevelWarn, "answer not usable"},
	KindEventsDropping:      {slog.LevelWarn, "events are dropped"},
	KindEventsDropped:       {slog.LevelWarn, "events were dropped"},
	KindValidationPassed:    {slog.LevelInfo, "validation passed"},
	KindValidationFailed:    {slog.LevelWarn, "validation failed"},
	KindRESTCall:            {slog.LevelInfo, "REST call"},
	KindRESTCallRefused:     {slog.LevelWarn, "REST call refused"},
	KindForeignRefused:      {slog.LevelWarn, "foreign request refused"},
}

// Log returns a sink that writes one line for each record, except for frames to clients
// and events that are dropped when the emulator stops. No text in it is longer than 512
// bytes. It shows no payload but the beginning of a refusal.
func Log(logger *slog.Logger) Sink { return logSink{logger} }

type logSink struct{ logger *slog.Logger }

// Wants reports whether the logger is enabled for the level of the line.
func (l logSink) Wants(ctx context.Context, k Kind) bool {
	return k < kinds && lines[k].message != "" && l.logger.Enabled(ctx, lines[k].level)
}

// Take writes a line.
func (l logSink) Take(ctx context.Context, _ time.Time, r Record) {
	line := lines[r.kind()]
	l.logger.LogAttrs(ctx, line.level, line.message, attrs(r)...)
}

func attrs(r Record) []slog.Attr {
	switch r := r.(type) {
	case ClientRecord:
		return r.attrs()
	case FrameIn:
		return r.line(text("kind", r.Request), slog.Int("bytes", r.Data.Len()))
	case Event:
		return r.line(append([]slog.Attr{text("event", r.Name), text("event_id", r.ID)}, r.outcome()...)...)
	case EventsDropped:
		last := text("reason", r.Reason)
		if r.Count > 0 {
			last = slog.Int("count", r.Count)
		}
		return r.line(text("event", r.Name), text("event_id", r.ID), last)
	case Validation:
		if r.Reason == "" {
			return []slog.Attr{text("url", r.URL)}
		}
		return []slog.Attr{text("url", r.URL), text("reason", r.Reason), slog.Duration("again", r.Again)}
	case RESTCall:
		if r.Refused != "" {
			return []slog.Attr{text("method", r.Method), text("path", r.Path), text("reason", r.Refused)}
		}
		return []slog.Attr{text("method", r.Method), text("path", r.Path), slog.Int("status", r.Status), milliseconds(r.Took)}
	case ForeignRefused:
		return []slog.Attr{text("reason", r.Reason)}
	}
	return nil
}

func (r *ClientRecord) attrs() []slog.Attr {
	reason := text("reason", r.Reason)
	switch r.Kind {
	case KindClientConnected:
		return r.line(text("user_id", r.User), text("subprotocol", r.Subprotocol))
	case KindClientRefused:
		return r.line(slog.Int("status", r.Status), reason)
	case KindClientGone:
		return r.line(text("user_id", r.User), text("reason", cmp.Or(r.Reason, "closed by the client")))
	case KindClientLost:
		return r.line(reason, slog.Duration("recoverable", r.Recoverable))
	case KindRolesLeftOut:
		return r.line(slog.Int("left_out", r.LeftOut), reason)
	case KindClientRecovered, KindRecoveryRefused, KindPingUnanswered:
		return r.line()
	default:
		return r.line(reason)
	}
}

// line returns the attributes of a record of a client.
func (c *Client) line(others ...slog.Attr) []slog.Attr {
	var out []slog.Attr
	for _, id := range [...]slog.Attr{text("hub", c.Hub), text("connection_id", c.Connection)} {
		if id.Value.String() != "" {
			out = append(out, id)
		}
	}
	return append(out, others...)
}

func (r *Event) outcome() []slog.Attr {
	switch r.Outcome {
	case KindEventDelivered, KindEventRefused:
		out := []slog.Attr{slog.Int("status", r.Status)}
		if r.Attempts > 1 {
			out = append(out, slog.Int("attempts", r.Attempts))
		}
		out = append(out, milliseconds(r.Took))
		if r.Outcome == KindEventRefused {
			if answer := excerpt.Line(strings.TrimSpace(r.Answer.String()), maxAnswer); answer != "" {
				out = append(out, slog.String("answer", answer))
			}
		}
		return out
	case KindEventNotDelivered, KindEventCancelled:
		return []slog.Attr{milliseconds(r.Took), text("reason", r.Reason)}
	default:
		return []slog.Attr{text("reason", r.Reason)}
	}
}

func text(key, value string) slog.Attr { return slog.String(key, excerpt.Cut(value, maxLogged)) }

func milliseconds(d time.Duration) slog.Attr {
	return slog.Float64("ms", float64(d.Microseconds())/1000)
}
