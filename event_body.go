package webpubsub

import (
	"errors"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// decode decodes the body of a disconnected event, which may be empty.
func (ev *DisconnectedEvent) decode() error {
	if ev.text == "" {
		return nil
	}
	var in struct {
		Reason string           `json:"reason"`
		MQTT   *mqtt.Disconnect `json:"mqtt"`
	}
	if err := jsonscan.Unmarshal([]byte(ev.text), &in); err != nil {
		return &DecodeError{What: "body of the disconnected event", Err: err}
	}
	ev.Reason, ev.MQTTDisconnect = in.Reason, in.MQTT
	return nil
}

func (ev *GroupJoinedEvent) decode() error { return decodeGroup(ev.text, &ev.Group) }

func (ev *GroupLeftEvent) decode() error { return decodeGroup(ev.text, &ev.Group) }

// decodeGroup decodes the body of a group presence event.
func decodeGroup(text string, group *string) error {
	const what = "body of the group presence event"
	var in struct {
		Group string `json:"group"`
	}
	if err := jsonscan.Unmarshal([]byte(text), &in); err != nil {
		return &DecodeError{What: what, Err: err}
	}
	if in.Group == "" {
		return &DecodeError{What: what, Err: errors.New("member group is missing or empty")}
	}
	*group = in.Group
	return nil
}
