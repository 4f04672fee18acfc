package webpubsub

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/wire"
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
	var version MQTTVersion
	if ev.MQTTConnect != nil {
		version = ev.MQTTConnect.ProtocolVersion
	}
	body := wire.MQTTConnectFailure{MQTT: wire.MQTTFailure{Code: int(mqttCodeOf(v.status, version))}}
	if v.chosen != nil {
		body.MQTT.Reason = v.chosen.Message
		body.MQTT.UserProperties = propertiesToWire(v.chosen.MQTTUserProperties)
		if v.chosen.MQTTCode.belongsTo(version) {
			body.MQTT.Code = int(v.chosen.MQTTCode)
		}
	}
	data, err := json.Marshal(&body)
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
