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

// Read decodes one frame of a client: an object whose member type says what it
// is. Other members than a request has are ignored.
func (JSON) Read(binary bool, data []byte) (Request, *Violation) {
	if binary {
		return nil, &Violation{Code: hub.CloseUnsupported, Reason: "The JSON subprotocol requires text messages.", Detail: "binary frame"}
	}
	req, err := readJSON(data)
	if err != nil {
		return nil, &Violation{Code: hub.CloseInvalid, Reason: "The client message is not a valid JSON protocol message.", Detail: err.Error()}
	}
	return req, nil
}

// members of an object by their exact names; encoding/json would match those of
// a struct without case.
type members map[string]json.RawMessage

func readJSON(data []byte) (Request, error) {
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

// readers by the type of frame. Of those in the service's documentation only
// group state is missing, which nobody describes.
var readers = [...]struct {
	kind string
	read func(members) (Request, error)
}{
	{"joinGroup", func(m members) (Request, error) {
		group, ackID, err := m.membership()
		return JoinGroup{group, ackID}, err
	}},
	{"leaveGroup", func(m members) (Request, error) {
		group, ackID, err := m.membership()
		return LeaveGroup{group, ackID}, err
	}},
	{"sendToGroup", readSendToGroup},
	{"event", readEvent},
	{"invoke", readInvoke},
	{"cancelInvocation", func(m members) (Request, error) {
		id, err := m.id("invocationId")
		return CancelInvocation{id}, err
	}},
	{"sequenceAck", readSequenceAck},
	{"ping", func(members) (Request, error) { return Ping{}, nil }},
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

func readSendToGroup(m members) (Request, error) {
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
	out := SendToGroup{NoEcho: noEcho, AckID: ackID}
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

func readStreamStart(raw json.RawMessage, group string, noEcho bool, m members) (Request, error) {
	for _, name := range [...]string{"data", "dataType", "ackId"} {
		if _, ok := m[name]; ok {
			return nil, fmt.Errorf("member %s stands beside stream", name)
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
	out := StartStream{ID: id, Group: group, NoEcho: noEcho}
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

func readEvent(m members) (Request, error) {
	event, err := m.event()
	if err != nil {
		return nil, err
	}
	ackID, err := m.unsigned("ackId")
	if err != nil {
		return nil, err
	}
	message, err := m.message()
	return SendEvent{event, message, ackID}, err
}

func readInvoke(m members) (Request, error) {
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
		return Invoke{id, event, &hub.Message{Type: hub.Text}}, nil
	}
	message, err := m.message()
	return Invoke{id, event, message}, err
}

// readSequenceAck takes the id in quotes, too, as one sample of the
// documentation has it.
func readSequenceAck(m members) (Request, error) {
	raw := string(bytes.Trim(m["sequenceId"], `"`))
	id, err := strconv.ParseUint(raw, 10, 64)
	if err != nil {
		return nil, errors.New("sequenceId is missing or not an unsigned integer")
	}
	return SequenceAck{id}, nil
}

func readStreamData(m members) (Request, error) {
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
		return StreamData{ID: id}, nil
	case sequence == nil || *sequence == 0 || !hasData || !hasType:
		return nil, errors.New("streamSequenceId (1 or more), dataType and data must stand together or not at all")
	}
	message, err := m.message()
	return StreamData{id, *sequence, message}, err
}

func readStreamEnd(m members) (Request, error) {
	id, err := m.id("streamId")
	if err != nil {
		return nil, err
	}
	raw, ok := m["error"]
	if !ok || string(raw) == "null" {
		return StreamEnd{ID: id}, nil
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
	return StreamEnd{id, &hub.StreamError{Name: "UserError", Message: message, UserErrorCode: code}}, err
}

// text gives a member that is a string; null counts as absent.
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

// id reads the id of a stream or an invocation. It is kept as long as that lasts, and
// sent to all who receive the stream, so that it has the length of a group's name.
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
		return nil, nil //nolint:nilnil // an optional number that is not there
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

// message reads dataType, data and metadata.
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
