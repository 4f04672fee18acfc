package webpubsub

import (
	"encoding/base64"
	"errors"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// decodeMQTT decodes the mqtt member of a connect event.
func decodeMQTT(data []byte) (*MQTTConnect, error) {
	var in *wire.MQTTConnect
	if err := jsonscan.Unmarshal(data, &in); err != nil || in == nil {
		return nil, err
	}
	out := &MQTTConnect{
		ProtocolVersion: MQTTVersion(in.ProtocolVersion),
		Username:        in.Username,
		UserProperties:  propertiesFromWire(in.UserProperties),
		CleanStart:      in.CleanStart,
	}
	if in.Password != nil {
		password, err := base64.StdEncoding.DecodeString(*in.Password)
		if err != nil {
			return nil, errors.New("mqtt.password is not base64") // err would quote it
		}
		out.Password = password
	}
	return out, nil
}

// decode decodes the body of a disconnected event, which may be empty.
func (ev *DisconnectedEvent) decode() error {
	if len(ev.body) == 0 {
		return nil
	}
	var in wire.Disconnected
	if err := jsonscan.Unmarshal(ev.body, &in); err != nil {
		return &DecodeError{What: "body of the disconnected event", Err: err}
	}
	if in.Reason != nil {
		ev.Reason = *in.Reason
	}
	if in.MQTT == nil {
		return nil
	}
	ev.MQTTDisconnect = &MQTTDisconnect{InitiatedByClient: in.MQTT.InitiatedByClient}
	if p := in.MQTT.DisconnectPacket; p != nil {
		ev.MQTTDisconnect.Packet = &MQTTDisconnectPacket{
			Code:           MQTTDisconnectCode(p.Code),
			UserProperties: propertiesFromWire(p.UserProperties),
		}
	}
	return nil
}

func (ev *GroupJoinedEvent) decode() (err error) {
	ev.Group, err = decodeGroup(ev.body)
	return err
}

func (ev *GroupLeftEvent) decode() (err error) {
	ev.Group, err = decodeGroup(ev.body)
	return err
}

// decodeGroup returns the group in the body of a group presence event.
func decodeGroup(body []byte) (string, error) {
	const what = "body of the group presence event"
	var in wire.GroupPresence
	if err := jsonscan.Unmarshal(body, &in); err != nil {
		return "", &DecodeError{What: what, Err: err}
	}
	if in.Group == "" {
		return "", &DecodeError{What: what, Err: errors.New("member group is missing or empty")}
	}
	return in.Group, nil
}
