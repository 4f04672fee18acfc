package webpubsub

import (
	"encoding/json"
	"errors"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// decode reads the body of a connect event.
func (ev *ConnectEvent) decode() error {
	const what = "body of the connect event"
	var in *struct {
		wire.ConnectRequest
		MQTT json.RawMessage `json:"mqtt"`
	}
	if err := unmarshal(ev.body, &in); err != nil {
		return &DecodeError{What: what, Err: err}
	}
	if in == nil {
		return &DecodeError{What: what, Err: errors.New("null")}
	}
	ev.Claims = in.Claims
	ev.Query = in.Query
	ev.Headers = in.Headers
	ev.Subprotocols = in.Subprotocols
	for _, c := range in.ClientCertificates {
		ev.ClientCertificates = append(ev.ClientCertificates, ClientCertificate(c))
	}
	if in.MQTT != nil {
		var err error
		if ev.MQTTConnect, err = decodeMQTT(in.MQTT); err != nil {
			return &DecodeError{What: what, Err: err}
		}
	}
	return nil
}
