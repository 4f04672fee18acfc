package subprotocol

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// JSON is json.webpubsub.azure.v1 and, reliable, json.reliable.webpubsub.azure.v1.
type JSON struct{ reliable bool }

// Output encodes JSON. Clients of the reliable subprotocol acknowledge messages.
func (p JSON) Output() hub.Output {
	out := hub.Output{Codec: jsonCodec{}, Answers: jsonCodec{}, Delivery: hub.Unacknowledged{}}
	if p.reliable {
		out.Delivery = new(hub.Cumulative)
	}
	return out
}

// Read decodes a frame, which is an object with a member type. Unknown members are
// ignored.
func (JSON) Read(binary bool, data []byte) (hub.Request, *Violation) {
	if binary {
		return nil, &Violation{Code: hub.CloseUnsupported, Reason: "The JSON subprotocol requires text messages.", Detail: "binary frame"}
	}
	req, err := readJSON(data)
	if err != nil {
		return nil, &Violation{Code: hub.CloseInvalid, Reason: "The client message is not a valid JSON protocol message.", Detail: err.Error()}
	}
	return req, nil
}

// members are the members of an object. Names are matched with case, unlike the fields
// of a struct in encoding/json.
type members map[string]json.RawMessage

func readJSON(data []byte) (hub.Request, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("frame is not UTF-8")
	}
	var m members
	if err := json.Unmarshal(data, &m); err != nil || m == nil {
		return nil, errors.New("frame is not a JSON object")
	}
	kind, ok, err := m.text("type")
	if err != nil || !ok {
		return nil, errors.New("member type is missing or not a string")
	}
	for _, r := range readers {
		if strings.EqualFold(r.kind, kind) {
			return r.read(m)
		}
	}
	return nil, fmt.Errorf("type %.64q is not known", kind)
}

// readers by type of frame. Group state is missing, because it is undocumented.
var readers = [...]struct {
	kind string
	read func(members) (hub.Request, error)
}{
	{"joinGroup", func(m members) (hub.Request, error) {
		group, ackID, err := m.membership()
		return hub.JoinGroup{Group: group, AckID: ackID}, err
	}},
	{"leaveGroup", func(m members) (hub.Request, error) {
		group, ackID, err := m.membership()
		return hub.LeaveGroup{Group: group, AckID: ackID}, err
	}},
	{"sendToGroup", readSendToGroup},
	{"event", readEvent},
	{"invoke", readInvoke},
	{"cancelInvocation", func(m members) (hub.Request, error) {
		id, err := m.id("invocationId")
		return hub.CancelInvocation{ID: id}, err
	}},
	{"sequenceAck", readSequenceAck},
	{"ping", func(members) (hub.Request, error) { return hub.Ping{}, nil }},
	{"streamData", readStreamData},
	{"streamEnd", readStreamEnd},
}

func (m members) membership() (group string, ackID *uint64, err error) {
	if group, err = m.group(); err != nil {
		return "", nil, err
	}
	ackID, err = m.unsigned("ackId")
	return group, ackID, err
}

func readSendToGroup(m members) (hub.Request, error) {
	group, ackID, err := m.membership()
	if err != nil {
		return nil, err
	}
	noEcho, err := m.flag("noEcho")
	if err != nil {
		return nil, err
	}
	if raw, ok := m["stream"]; ok && string(raw) != "null" {
		return readStreamStart(raw, group, noEcho, m)
	}
	seconds, err := m.unsigned("ttlSeconds")
	if err != nil {
		return nil, err
	}
	out := hub.SendToGroup{NoEcho: noEcho, AckID: ackID}
	if seconds != nil {
		if most := uint64(rule.MaxTTL / time.Second); *seconds > most {
			return nil, fmt.Errorf("ttlSeconds is %d, want 0 to %d", *seconds, most)
		}
		out.TTL = time.Duration(*seconds) * time.Second
	}
	if out.Message, err = m.message(); err != nil {
		return nil, err
	}
	out.Message.Group = group
	return out, nil
}

func readStreamStart(raw json.RawMessage, group string, noEcho bool, m members) (hub.Request, error) {
	for _, name := range [...]string{"data", "dataType", "ackId"} {
		if _, ok := m[name]; ok {
			return nil, fmt.Errorf("member %s is not allowed with stream", name)
		}
	}
	var start members
	if err := json.Unmarshal(raw, &start); err != nil || start == nil {
		return nil, errors.New("stream is not an object")
	}
	id, err := start.id("streamId")
	if err != nil {
		return nil, err
	}
	out := hub.StartStream{ID: id, Group: group, NoEcho: noEcho}
	idle, err := start.unsigned("idleTimeoutMs")
	if err != nil {
		return nil, err
	}
	if idle != nil {
		if *idle == 0 || *idle > 1<<32-1 {
			return nil, errors.New("idleTimeoutMs is not from 1 to 4294967295")
		}
		out.Idle = time.Duration(*idle) * time.Millisecond
	}
	return out, nil
}

func readEvent(m members) (hub.Request, error) {
	event, err := m.event()
	if err != nil {
		return nil, err
	}
	ackID, err := m.unsigned("ackId")
	if err != nil {
		return nil, err
	}
	message, err := m.message()
	return hub.SendEvent{Event: event, Message: message, AckID: ackID}, err
}

func readInvoke(m members) (hub.Request, error) {
	id, err := m.id("invocationId")
	if err != nil {
		return nil, err
	}
	if target, _, err := m.text("target"); err != nil || target != "event" {
		return nil, errors.New(`target is not "event"`)
	}
	event, err := m.event()
	if err != nil {
		return nil, err
	}
	if _, ok := m["data"]; !ok {
		return hub.Invoke{ID: id, Event: event, Message: &hub.Message{Type: hub.Text}}, nil
	}
	message, err := m.message()
	return hub.Invoke{ID: id, Event: event, Message: message}, err
}

// readSequenceAck also accepts an id in quotes, as in a sample of the documentation.
func readSequenceAck(m members) (hub.Request, error) {
	raw := string(bytes.Trim(m["sequenceId"], `"`))
	id, err := strconv.ParseUint(raw, 10, 64)
	if err != nil {
		return nil, errors.New("sequenceId is missing or not an unsigned integer")
	}
	return hub.SequenceAck{ID: id}, nil
}

func readStreamData(m members) (hub.Request, error) {
	id, err := m.id("streamId")
	if err != nil {
		return nil, err
	}
	sequence, err := m.unsigned("streamSequenceId")
	if err != nil {
		return nil, err
	}
	_, hasData := m["data"]
	_, hasType := m["dataType"]
	switch {
	case sequence == nil && !hasData && !hasType:
		return hub.StreamData{ID: id}, nil
	case sequence == nil || *sequence == 0 || !hasData || !hasType:
		return nil, errors.New("streamSequenceId (1 or more), dataType and data must be all present or all absent")
	}
	message, err := m.message()
	return hub.StreamData{ID: id, Sequence: *sequence, Message: message}, err
}

func readStreamEnd(m members) (hub.Request, error) {
	id, err := m.id("streamId")
	if err != nil {
		return nil, err
	}
	raw, ok := m["error"]
	if !ok || string(raw) == "null" {
		return hub.StreamEnd{ID: id}, nil
	}
	var failure members
	if err := json.Unmarshal(raw, &failure); err != nil {
		return nil, errors.New("error is not an object")
	}
	message, _, err := failure.text("message")
	if err != nil {
		return nil, err
	}
	code, _, err := failure.text("userErrorCode")
	return hub.StreamEnd{ID: id, Error: &hub.StreamError{Name: "UserError", Message: message, UserErrorCode: code}}, err
}

// text returns a member that is a string. It treats null as absent.
func (m members) text(name string) (string, bool, error) {
	raw, ok := m[name]
	if !ok || string(raw) == "null" {
		return "", false, nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", false, fmt.Errorf("member %s is not a string", name)
	}
	return s, true, nil
}

func (m members) required(name string) (string, error) {
	s, _, err := m.text(name)
	if err == nil && s == "" {
		err = fmt.Errorf("member %s is missing or empty", name)
	}
	return s, err
}

// id returns the id of a stream or an invocation. Its maximum length, since it is stored
// and sent to subscribers, is that of a group name.
func (m members) id(name string) (string, error) {
	s, err := m.required(name)
	if err == nil {
		err = rule.CheckID("member "+name, s)
	}
	return s, err
}

func (m members) unsigned(name string) (*uint64, error) {
	raw, ok := m[name]
	if !ok || string(raw) == "null" {
		return nil, nil //nolint:nilnil // the member is optional
	}
	n, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("member %s is not an unsigned integer", name)
	}
	return &n, nil
}

func (m members) flag(name string) (bool, error) {
	switch raw := string(m[name]); raw {
	case "", "null", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, fmt.Errorf("member %s is not a boolean", name)
}

func (m members) group() (string, error) {
	group, err := m.required("group")
	if err == nil {
		err = rule.AcceptGroup(group)
	}
	return group, err
}

func (m members) event() (string, error) {
	event, err := m.required("event")
	if err == nil {
		err = rule.CheckEvent(event)
	}
	return event, err
}

// message returns the message of the members dataType, data and metadata.
func (m members) message() (*hub.Message, error) {
	out := new(hub.Message)
	var err error
	if raw, ok := m["metadata"]; ok && string(raw) != "null" {
		if out.Metadata, err = readMetadata(raw); err != nil {
			return nil, err
		}
	}
	name, ok, err := m.text("dataType")
	if err != nil {
		return nil, err
	}
	if !ok {
		name = "json"
	}
	data, ok := m["data"]
	if !ok {
		if out.Metadata == nil {
			return nil, errors.New("member data is missing")
		}
		out.Type, out.Data = hub.Text, []byte{}
		return out, nil
	}
	if out.Type, ok = wire.DataTypeNamed(strings.ToLower(name)); !ok {
		return nil, fmt.Errorf("dataType %.64q is not known", name)
	}
	if out.Type == hub.JSON {
		if string(data) == "null" {
			return nil, errors.New("data is null")
		}
		if err := jsonscan.Check(string(data)); err != nil {
			return nil, fmt.Errorf("data: %w", err)
		}
		out.Data = data
		return out, nil
	}
	text, ok, err := m.text("data")
	if err != nil || !ok {
		return nil, errors.New("data is not a string")
	}
	if out.Data = []byte(text); out.Type == hub.Text {
		return out, nil
	}
	if out.Data, err = base64.StdEncoding.DecodeString(text); err != nil {
		return nil, errors.New("data is not base64")
	}
	return out, nil
}
