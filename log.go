package webpubsub

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/expect"
)

// eventLog logs the outcomes that need attention.
type eventLog struct {
	logger *slog.Logger // nil: slog.Default
	known  string       // names of the user events with functions

	mu         sync.Mutex
	unknown    map[string]struct{} // logged names of those without, cut
	longHeader atomic.Bool         // has been logged
}

const (
	// maxUnknownNames limits eventLog.unknown: clients choose the names.
	maxUnknownNames = 32
	// maxErrorText limits the text of a function's error, which may quote a client.
	maxErrorText = 4 << 10
	// proxyHeaderBytes is the length of the longest header of an answer that nginx
	// accepts by default (proxy_buffer_size).
	proxyHeaderBytes = 4 << 10
)

// wants reports whether record may log an outcome.
func (l *eventLog) wants(o *Outcome) bool {
	return o.Kind != OutcomeHandled || o.HeaderBytes > proxyHeaderBytes || o.StoreErr != nil
}

// record logs an outcome if it needs attention.
func (l *eventLog) record(ctx context.Context, o *Outcome) {
	switch o.Kind {
	case OutcomeRefused:
		l.refused(ctx, o)
	case OutcomeIgnored:
		l.ignored(ctx, o)
	case OutcomeRepeated:
		l.repeated(ctx, o)
	case OutcomeValidation, OutcomeHandled:
	}
	if o.StoreErr != nil && o.Reason != ReasonStore {
		l.write(ctx, slog.LevelWarn, "deduplication failed; a repeat of the event may be refused or handled again", o, o.Status, o.StoreErr)
	}
	if o.HeaderBytes > proxyHeaderBytes && !l.longHeader.Swap(true) { // nothing here shows that the proxy answers 502
		l.write(ctx, slog.LevelWarn,
			fmt.Sprintf("the answer's header is longer than the %d bytes that proxies accept by default, nginx answers 502: keep the connection state smaller, or raise nginx's proxy_buffer_size and proxy_buffers, and large_client_header_buffers for the events that bring the state back; this is logged once", proxyHeaderBytes),
			o, o.Status, nil, slog.Int("header_bytes", o.HeaderBytes), slog.Int("state_bytes", o.StateBytes))
	}
}

// refused logs a refusal. That of a verified event is logged at least at Info in most
// cases, since its client learns almost nothing; any stranger can cause the others.
func (l *eventLog) refused(ctx context.Context, o *Outcome) {
	switch o.Reason {
	case ReasonBody, ReasonPayload, ReasonFunction:
	case ReasonStore:
		l.write(ctx, slog.LevelError, "event not handled: the deduplication store failed", o, o.Status, o.Err)
		return
	case ReasonUnverified:
		l.write(ctx, levelOf(o.Status, slog.LevelDebug), "request not verified", o, o.Status, o.Err)
		return
	default:
		l.write(ctx, levelOf(o.Status, slog.LevelDebug), MessageOf(o.Err), o, o.Status, nil)
		return
	}
	v, message := judge(o.Err), "event failed"
	if o.ReplyErr != nil {
		l.write(ctx, slog.LevelError, "RefusalReply failed; the refusal is answered without it", o, v.status, o.ReplyErr)
	}
	if o.Status < 400 {
		message = "event refused; the client gets the reply of RefusalReply"
	}
	level := levelOf(v.status, slog.LevelInfo)
	if v.canceled && ctx.Err() != nil { // the service hung up
		level = slog.LevelDebug
	}
	l.write(ctx, level, message, o, v.status, o.Err)
}

// repeated logs the repeat of an event.
func (l *eventLog) repeated(ctx context.Context, o *Outcome) {
	switch {
	case o.Err != nil:
		l.write(ctx, slog.LevelError, "repeated event has no answer", o, o.Status, o.Err)
	case o.Status == http.StatusServiceUnavailable:
		l.write(ctx, slog.LevelInfo, "event repeated while an earlier delivery of it is handled", o, o.Status, nil)
	default:
		l.write(ctx, slog.LevelDebug, "repeated event answered with the stored answer", o, o.Status, nil)
	}
}

// levelOf returns the level of a refusal: others, unless the status is one of an error of
// the server, of a lack of authorization, or of a rate limit, which must not flood the
// log.
func levelOf(status int, others slog.Level) slog.Level {
	switch {
	case status >= 500:
		return slog.LevelError
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return slog.LevelWarn
	case status == http.StatusTooManyRequests:
		return slog.LevelDebug
	}
	return others
}

// ignored logs an event of an unknown type and a user event without a function: at
// Info if its name is new, since a misspelled name is not an error on either side.
func (l *eventLog) ignored(ctx context.Context, o *Outcome) {
	if o.EventKind == "" {
		l.write(ctx, slog.LevelWarn, "event of an unknown type ignored", o, o.Status, nil)
	}
	if o.EventKind != EventKindUser {
		return
	}
	level, message := slog.LevelDebug, "user event without a function ignored"
	isNew, full := l.first(o.Header.EventName)
	switch {
	case full:
		level = slog.LevelInfo
		message += "; further names are logged at debug level only"
	case isNew:
		level = slog.LevelInfo
		message += "; this is logged once for each name"
	}
	l.write(ctx, level, message, o, o.Status, nil, slog.String("known", l.known))
}

// first reports whether a name is new, and whether it is the last that is logged at Info.
func (l *eventLog) first(name string) (isNew, full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, seen := l.unknown[name]; seen || len(l.unknown) > maxUnknownNames {
		return false, false
	}
	if l.unknown == nil {
		l.unknown = make(map[string]struct{}, maxUnknownNames+1)
	}
	l.unknown[strings.Clone(name)] = struct{}{} // name shares memory with its request
	return true, len(l.unknown) > maxUnknownNames
}

// write writes a record of an outcome.
func (l *eventLog) write(ctx context.Context, level slog.Level, message string, o *Outcome, status int, err error, more ...slog.Attr) {
	logger := l.to()
	if level < slog.LevelError && expect.Refusal(ctx) {
		level = slog.LevelDebug
	}
	if !logger.Enabled(ctx, level) {
		return
	}
	logger.LogAttrs(ctx, level, "webpubsub: "+message, append(o.attrs(status, err), more...)...)
}

func (l *eventLog) to() *slog.Logger {
	if l.logger == nil {
		return slog.Default()
	}
	return l.logger
}

// namesOf returns the names of functions as the log shows them.
func namesOf(functions map[string]UserEventFunc) string {
	names := slices.Sorted(maps.Keys(functions))
	if len(names) == 0 {
		return "none"
	}
	return firstOf(len(names), ", ", func(i int) string { return fmt.Sprintf("%q", excerpt.Short(names[i])) })
}
