package scenario

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/cli/trigger"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// title names a step for people.
func (s *step) title() string {
	if s.Trigger == string(trigger.UserEvent) {
		return "event " + s.Name
	}
	if s.Trigger == "" {
		return "without trigger"
	}
	return s.Trigger
}

// check returns an error unless the step can be played, whatever the values that are
// carried into it.
func (s *step) check(known carried) error {
	if _, err := trigger.ParseKind(s.Trigger); err != nil {
		return fmt.Errorf("trigger %s: %w", excerpt.Name(s.Trigger), err)
	}
	if _, err := expand(s, known); err != nil {
		return err
	}
	if err := s.checkMembers(); err != nil {
		return err
	}
	for name, pointer := range s.Save {
		if !isVariable(name) {
			return fmt.Errorf("save %s: want a name of letters, digits and underscores", excerpt.Name(name))
		}
		if !isPointer(pointer) {
			return fmt.Errorf("save.%s %s: want a JSON pointer into the reply, such as /ticket", name, excerpt.Name(pointer))
		}
	}
	if err := s.Expect.check(); err != nil {
		return err
	}
	ev, err := s.event()
	if err != nil {
		return err
	}
	if strings.Contains(s.Name+s.Group, "${") {
		return nil // checked when it is played
	}
	return ev.Check()
}

// checkMembers refuses members that the event does not have, which would be ignored.
func (s *step) checkMembers() error {
	kind := trigger.Kind(s.Trigger)
	payloads := 0
	for _, m := range []struct {
		name    string
		given   bool
		payload bool
		kinds   []trigger.Kind
	}{
		{"name", s.Name != "", false, []trigger.Kind{trigger.UserEvent}},
		{"claims", len(s.Claims) > 0, false, []trigger.Kind{trigger.Connect}},
		{"query", len(s.Query) > 0, false, []trigger.Kind{trigger.Connect}},
		{"headers", len(s.Headers) > 0, false, []trigger.Kind{trigger.Connect}},
		{"subprotocols", len(s.Subprotocols) > 0, false, []trigger.Kind{trigger.Connect}},
		{"data", s.Data != "", true, []trigger.Kind{trigger.UserEvent}},
		{"json", s.JSON != nil, true, []trigger.Kind{trigger.UserEvent}},
		{"binary", s.Binary != "", true, []trigger.Kind{trigger.UserEvent}},
		{"contentType", s.ContentType != "", false, []trigger.Kind{trigger.UserEvent}},
		{"metadata", len(s.Metadata) > 0, false, []trigger.Kind{trigger.UserEvent}},
		{"mqttProperties", len(s.MQTTProperties) > 0, false, []trigger.Kind{trigger.Connect, trigger.UserEvent}},
		{"group", s.Group != "", false, []trigger.Kind{trigger.Joined, trigger.Left}},
		{"reason", s.Reason != "", false, []trigger.Kind{trigger.Disconnected}},
	} {
		if !m.given {
			continue
		}
		if err := kind.Allows(m.name, m.kinds...); err != nil {
			return err
		}
		if m.payload {
			payloads++
		}
	}
	if payloads > 1 {
		return errors.New("data, json and binary are the payload, want one of them")
	}
	return nil
}

// event returns the event of a step.
func (s *step) event() (*trigger.Event, error) {
	ev := &trigger.Event{
		Kind: trigger.Kind(s.Trigger), Name: s.Name, Group: s.Group, Reason: s.Reason, Metadata: s.Metadata,
		Claims: lists(s.Claims), Query: lists(s.Query), Headers: lists(s.Headers), Subprotocols: s.Subprotocols,
	}
	if err := s.addState(ev); err != nil {
		return nil, err
	}
	if err := s.addPayload(ev); err != nil {
		return nil, err
	}
	var properties []mqtt.UserProperty
	for _, p := range s.MQTTProperties {
		properties = append(properties, mqtt.UserProperty(p))
	}
	version, err := trigger.MQTTVersion(s.MQTT)
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	if version == 0 && len(properties) > 0 && ev.Kind == trigger.Connect {
		return nil, errors.New("mqttProperties: want mqtt beside it")
	}
	ev.SetMQTT(version, properties)
	return ev, nil
}

func (s *step) addState(ev *trigger.Event) error {
	if s.State == nil {
		return nil
	}
	text, isText := s.State.(string)
	if !isText {
		data, err := encode("state", s.State)
		if err != nil {
			return err
		}
		text = string(data)
	}
	state := trigger.EncodeState(text)
	ev.State = &state
	return nil
}

func (s *step) addPayload(ev *trigger.Event) error {
	if ev.Kind != trigger.UserEvent {
		return nil
	}
	var err error
	switch {
	case s.JSON != nil:
		if ev.Data, err = encode("json", s.JSON); err != nil {
			return err
		}
		ev.ContentType = trigger.TypeJSON
	case s.Binary != "":
		if strings.Contains(s.Binary, "${") {
			return nil // before anything is carried
		}
		if ev.Data, err = base64.StdEncoding.DecodeString(s.Binary); err != nil {
			return errors.New("binary: want base64")
		}
		ev.ContentType = trigger.TypeBinary
	default:
		ev.Data, ev.ContentType = []byte(s.Data), trigger.TypeText
	}
	if s.ContentType != "" {
		ev.ContentType = s.ContentType
	}
	return nil
}

// encode returns a value of YAML as JSON.
func encode(member string, v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%s: has a value that JSON cannot have, such as .nan", member)
	}
	return data, nil
}

func lists(in map[string]texts) map[string][]string {
	if in == nil {
		return nil
	}
	out := make(map[string][]string, len(in))
	for name, values := range in {
		out[name] = values
	}
	return out
}
