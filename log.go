package webpubsub

import (
	"log/slog"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/expect"
)

// levelOf returns the level of the record of a failure. Others is that of
// failures which are neither the server's fault nor an attempt to get in. A rate
// limit that answers 429 must not move the flood into the log.
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

// logFailure logs an event that failed. Its client sees next to nothing of a
// refusal, so the record stands at a level that is on by default. That the
// service hung up is not the function's fault.
func (h *Handler) logFailure(r *http.Request, v *verdict, message string, err error) {
	level := levelOf(v.status, slog.LevelInfo)
	if v.canceled && r.Context().Err() != nil {
		level = slog.LevelDebug
	}
	h.log(r, level, message, v.status, err)
}

// maxErrorText bounds the text of a function's error in the log: it may quote
// what a client sent.
const maxErrorText = 4 << 10

// log writes the one record of an event that did not go well.
func (h *Handler) log(r *http.Request, level slog.Level, message string, status int, err error, more ...slog.Attr) {
	logger := h.logger
	if logger == nil {
		logger = slog.Default()
	}
	if level < slog.LevelError && expect.Refusal(r.Context()) {
		level = slog.LevelDebug
	}
	if !logger.Enabled(r.Context(), level) {
		return
	}
	var a attributes
	a.read(r.Header)
	attrs := []slog.Attr{
		slog.String("hub", clip(a.hub)),
		slog.String("connection_id", clip(a.connection)),
		slog.String("event", clip(a.eventName)),
		slog.String("event_id", clip(a.id)),
		slog.Int("status", status),
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", excerpt.Cut(errorText(err), maxErrorText)))
	}
	if stack := stackOf(err); stack != nil {
		attrs = append(attrs, slog.String("stack", string(stack)))
	}
	logger.LogAttrs(r.Context(), level, "webpubsub: "+message, append(attrs, more...)...)
}
