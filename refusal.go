package webpubsub

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/expect"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// refuse answers a request that is not an event this handler can take. The
// reason is for whoever sets things up, and safe for any stranger to read.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int, reason string) {
	h.log(r, levelOf(status, slog.LevelDebug), reason, status, nil)
	writeText(w, status, reason)
}

// refuseUnverified answers a request that a Verifier turned away. Why exactly is
// for the log: the difference between an unknown origin and a wrong signature
// would tell a stranger how far it got.
func (h *Handler) refuseUnverified(w http.ResponseWriter, r *http.Request, err error) {
	status, public := http.StatusUnauthorized, "origin and signature do not prove that the service sent this; compare its connection string with the handler's"
	if chosen, panicked := choice(err); panicked || chosen != nil {
		v := judge(err)
		status, public = v.status, v.public
	}
	h.log(r, levelOf(status, slog.LevelDebug), "request not verified", status, err)
	writeText(w, status, public)
}

// fail answers an event with the error that decoding or handling it ended in.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	v := judge(err)
	h.logFailure(r, &v, "event failed", err)
	writeText(w, v.status, v.public)
}

// failMQTT answers an MQTT connect event with the code for the CONNACK packet.
func (h *Handler) failMQTT(w http.ResponseWriter, r *http.Request, ev *ConnectEvent, err error) {
	v := judge(err)
	h.logFailure(r, &v, "event failed", err)
	var version mqtt.Version
	if ev.MQTTConnect != nil {
		version = ev.MQTTConnect.ProtocolVersion
	}
	refusal := mqtt.Refusal{Code: mqtt.ConnectCodeOf(v.status, version)}
	if v.chosen != nil {
		refusal.Reason, refusal.UserProperties = v.chosen.Message, v.chosen.MQTTUserProperties
		if v.chosen.MQTTCode.ValidFor(version) {
			refusal.Code = v.chosen.MQTTCode
		}
	}
	data, err := json.Marshal(map[string]mqtt.Refusal{"mqtt": refusal})
	if err != nil {
		writeText(w, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
		return
	}
	w.Header()[wire.HeaderContentType] = headerJSON
	w.WriteHeader(v.status)
	_, _ = w.Write(data)
}

// writeText answers with a text that cannot be taken for anything else.
func writeText(w http.ResponseWriter, status int, text string) {
	if text != "" {
		header := w.Header()
		header[wire.HeaderContentType] = headerText
		header["X-Content-Type-Options"] = nosniff
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

var nosniff = []string{"nosniff"}

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
