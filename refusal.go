package webpubsub

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/expect"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// refuse answers a request that is not an event this handler can take. The
// reason is for whoever sets things up, and safe for any stranger to read.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int, reason string) {
	h.log(r, levelOf(status), reason, status, nil)
	writeText(w, status, reason)
}

// refuseUnverified answers a request that a Verifier turned away. Why exactly is
// for the log: the difference between an unknown origin and a wrong signature
// would tell a stranger how far it got.
func (h *Handler) refuseUnverified(w http.ResponseWriter, r *http.Request, err error) {
	status, public := http.StatusUnauthorized, "origin and signature do not prove that this request comes from the service"
	var chosen *Error
	var panicked *PanicError
	switch {
	case errors.As(err, &panicked):
		status, public = answerOf(err)
	case errors.As(err, &chosen) && chosen != nil:
		status, public = chosen.status(), chosen.Message
	}
	h.log(r, levelOf(status), "request not verified", status, err)
	writeText(w, status, public)
}

// fail answers an event with the error that decoding or handling it ended in.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, public := answerOf(err)
	h.logFailure(r, status, err)
	writeText(w, status, public)
}

// failMQTT answers an MQTT connect event with the code for the CONNACK packet.
func (h *Handler) failMQTT(w http.ResponseWriter, r *http.Request, ev *ConnectEvent, err error) {
	status, _ := answerOf(err)
	h.logFailure(r, status, err)
	var version MQTTVersion
	if ev.MQTTConnect != nil {
		version = ev.MQTTConnect.ProtocolVersion
	}
	body := wire.MQTTConnectFailure{MQTT: wire.MQTTFailure{Code: int(mqttCodeOf(status, version))}}
	var chosen *Error
	var panicked *PanicError
	if errors.As(err, &chosen) && chosen != nil && !errors.As(err, &panicked) {
		body.MQTT.Reason = chosen.Message
		body.MQTT.UserProperties = propertiesToWire(chosen.MQTTUserProperties)
		if chosen.MQTTCode.belongsTo(version) {
			body.MQTT.Code = int(chosen.MQTTCode)
		}
	}
	data, err := json.Marshal(&body)
	if err != nil {
		writeText(w, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
		return
	}
	w.Header()[wire.HeaderContentType] = headerJSON
	w.WriteHeader(status)
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

func levelOf(status int) slog.Level {
	switch {
	case status >= 500:
		return slog.LevelError
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// logFailure logs an event that failed. That the service hung up is not the
// function's fault.
func (h *Handler) logFailure(r *http.Request, status int, err error) {
	level := levelOf(status)
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		level = slog.LevelDebug
	}
	h.log(r, level, "event failed", status, err)
}

// log writes the one record of an event that did not go well.
func (h *Handler) log(r *http.Request, level slog.Level, message string, status int, err error) {
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
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	var panicked *PanicError
	if errors.As(err, &panicked) && panicked != nil {
		attrs = append(attrs, slog.String("stack", string(panicked.Stack)))
	}
	logger.LogAttrs(r.Context(), level, "webpubsub: "+message, attrs...)
}
