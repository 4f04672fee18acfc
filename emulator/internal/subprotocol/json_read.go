package subprotocol

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/protoany"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// JSON is json.webpubsub.azure.v1 or, if reliable, json.reliable.webpubsub.azure.v1.
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

// members are the members of a JSON object. Names are matched with case, unlike the fields
// of a struct in encoding/json. Methods that return a member record an error and return a
// zero value if the member is invalid.
type members struct {
	raw map[string]json.RawMessage
	err *error // the first of the frame
}

func readJSON(data []byte) (req hub.Request, err error) {
	if !utf8.Valid(data) {
		return nil, errors.New("frame is not UTF-8")
	}
	m := members{err: &err}
	if err := json.Unmarshal(data, &m.raw); err != nil || m.raw == nil {
		return nil, errors.New("frame is not a JSON object")
	}
	kind := m.required("type")
	i := slices.IndexFunc(readers[:], func(r reader) bool { return strings.EqualFold(r.kind, kind) })
	if i < 0 {
		m.check(fmt.Errorf("type %.64q is not known", kind))
		return nil, err
	}
	if req = readers[i].read(m); err != nil {
		return nil, err
	}
	return req, nil
}

// reader decodes frames of one type.
type reader struct {
	kind string
	read func(members) hub.Request
}

// readers of all types.
var readers = [...]reader{
	{"joinGroup", func(m members) hub.Request {
		return hub.JoinGroup{Group: m.group(), AckID: m.unsigned("ackId")}
	}},
	{"leaveGroup", func(m members) hub.Request {
		return hub.LeaveGroup{Group: m.group(), AckID: m.unsigned("ackId")}
	}},
	{"sendToGroup", readSendToGroup},
	{"event", func(m members) hub.Request {
		return hub.SendEvent{Event: m.event(), AckID: m.unsigned("ackId"), Message: m.message()}
	}},
	{"invoke", readInvoke},
	{"cancelInvocation", func(m members) hub.Request { return hub.CancelInvocation{ID: m.id("invocationId")} }},
	{"sequenceAck", readSequenceAck},
	{"ping", func(members) hub.Request { return hub.Ping{} }},
	{"streamData", readStreamData},
	{"streamEnd", readStreamEnd},
	{"setGroupState", readSetGroupState},
	{"subscribeGroupState", func(m members) hub.Request {
		return hub.SubscribeGroupState{Group: m.group(), AckID: m.unsigned("ackId")}
	}},
	{"unsubscribeGroupState", func(m members) hub.Request {
		return hub.UnsubscribeGroupState{Group: m.group(), AckID: m.unsigned("ackId")}
	}},
}

func readSendToGroup(m members) hub.Request {
	if m.has("stream") {
		return readStreamStart(m)
	}
	group := m.group()
	out := hub.SendToGroup{NoEcho: m.flag("noEcho"), AckID: m.unsigned("ackId"), Message: m.message()}
	out.Message.Group = group
	if seconds := m.unsigned("ttlSeconds"); seconds != nil {
		if most := uint64(rule.MaxTTL / time.Second); *seconds > most {
			m.check(fmt.Errorf("ttlSeconds is %d, want 0 to %d", *seconds, most))
		} else {
			out.TTL = time.Duration(*seconds) * time.Second
		}
	}
	return out
}

func readStreamStart(m members) hub.Request {
	for _, name := range [...]string{"data", "dataType", "ackId"} {
		if m.present(name) {
			m.check(fmt.Errorf("member %s is not allowed with stream", name))
		}
	}
	start := m.object("stream")
	out := hub.StartStream{ID: start.id("streamId"), Group: m.group(), NoEcho: m.flag("noEcho")}
	if idle := start.unsigned("idleTimeoutMs"); idle != nil {
		if *idle == 0 || *idle > math.MaxUint32 {
			m.check(errors.New("idleTimeoutMs is not from 1 to 4294967295"))
		} else {
			out.Idle = time.Duration(*idle) * time.Millisecond
		}
	}
	return out
}

func readInvoke(m members) hub.Request {
	out := hub.Invoke{ID: m.id("invocationId"), Event: m.event(), Message: &hub.Message{Type: hub.Text}}
	if m.text("target") != "event" {
		m.check(errors.New(`target is not "event"`))
	}
	if m.present("data") || m.has("metadata") {
		out.Message = m.message()
	}
	return out
}

// readSequenceAck also accepts an id in quotes, as in a sample of the documentation.
func readSequenceAck(m members) hub.Request {
	id, err := strconv.ParseUint(string(bytes.Trim(m.raw["sequenceId"], `"`)), 10, 64)
	if err != nil {
		m.check(errors.New("sequenceId is missing or not an unsigned integer"))
	}
	return hub.SequenceAck{ID: id}
}

func readStreamData(m members) hub.Request {
	out := hub.StreamData{ID: m.id("streamId")}
	sequence, hasData, hasType := m.unsigned("streamSequenceId"), m.present("data"), m.present("dataType")
	switch {
	case sequence == nil && !hasData && !hasType:
	case sequence == nil || *sequence == 0 || !hasData || !hasType:
		m.check(errors.New("streamSequenceId (1 or more), dataType and data must be all present or all absent"))
	default:
		out.Sequence, out.Message = *sequence, m.message()
	}
	return out
}

func readStreamEnd(m members) hub.Request {
	out := hub.StreamEnd{ID: m.id("streamId")}
	if m.has("error") {
		failure := m.object("error")
		out.Error = &hub.RequestError{Name: "UserError", Message: failure.text("message"), UserErrorCode: failure.text("userErrorCode")}
	}
	return out
}

func readSetGroupState(m members) hub.Request {
	out := hub.SetGroupState{Group: m.group(), AckID: m.unsigned("ackId")}
	if m.has("state") {
		out.State = m.pairs("state")
	}
	return out
}

// check records an error, if there is one, unless there was one before.
func (m members) check(err error) {
	if *m.err == nil {
		*m.err = err
	}
}

// present reports whether there is a member, which may be null.
func (m members) present(name string) bool {
	_, ok := m.raw[name]
	return ok
}

// has reports whether there is a member that is not null.
func (m members) has(name string) bool { return m.present(name) && string(m.raw[name]) != "null" }

func (m members) object(name string) members {
	out := members{err: m.err}
	if err := json.Unmarshal(m.raw[name], &out.raw); err != nil {
		m.check(fmt.Errorf("member %s is not an object", name))
	}
	return out
}

// text returns a string. It is empty if the member is absent or null.
func (m members) text(name string) (s string) {
	if m.has(name) && json.Unmarshal(m.raw[name], &s) != nil {
		m.check(fmt.Errorf("member %s is not a string", name))
	}
	return s
}

func (m members) required(name string) string {
	s := m.text(name)
	if s == "" {
		m.check(fmt.Errorf("member %s is missing or empty", name))
	}
	return s
}

// id returns the id of a stream or an invocation. Its maximum length, since it is stored
// and sent to subscribers, is that of a group name.
func (m members) id(name string) string {
	s := m.required(name)
	m.check(rule.CheckID("member "+name, s))
	return s
}

func (m members) group() string {
	group := m.required("group")
	m.check(rule.AcceptGroup(group))
	return group
}

func (m members) event() string {
	event := m.required("event")
	m.check(rule.CheckEvent(event))
	return event
}

// unsigned returns nil if the member is absent or null.
func (m members) unsigned(name string) *uint64 {
	if !m.has(name) {
		return nil
	}
	n, err := strconv.ParseUint(string(m.raw[name]), 10, 64)
	if err != nil {
		m.check(fmt.Errorf("member %s is not an unsigned integer", name))
		return nil
	}
	return &n
}

// flag returns false if the member is absent or null.
func (m members) flag(name string) bool {
	value := string(m.raw[name])
	if m.has(name) && value != "true" && value != "false" {
		m.check(fmt.Errorf("member %s is not a boolean", name))
	}
	return value == "true"
}

// message returns the message of the members dataType, data and metadata.
func (m members) message() *hub.Message {
	out := &hub.Message{Type: hub.Text, Data: []byte{}}
	if m.has("metadata") {
		out.Metadata = m.pairs("metadata")
		m.check(rule.CheckMetadata(out.Metadata))
	}
	name := "json"
	if m.has("dataType") {
		name = m.text("dataType")
	}
	if !m.present("data") {
		if out.Metadata == nil {
			m.check(errors.New("member data is missing"))
		}
		return out
	}
	var ok bool
	if out.Type, ok = wire.DataTypeNamed(strings.ToLower(name)); !ok {
		m.check(fmt.Errorf("dataType %.64q is not known", name))
	}
	if !m.has("data") {
		m.check(errors.New("data is null"))
	}
	if out.Type == hub.JSON {
		if err := jsonscan.Check(string(m.raw["data"])); err != nil {
			m.check(fmt.Errorf("data: %w", err))
		}
		out.Data = m.raw["data"]
		return out
	}
	text := m.text("data")
	if out.Data = []byte(text); out.Type == hub.Text {
		return out
	}
	var err error
	if out.Data, err = base64.StdEncoding.DecodeString(text); err != nil {
		m.check(errors.New("data is not base64"))
	}
	if out.Type == hub.Protobuf {
		m.check(protoany.Check(out.Data))
	}
	return out
}

// pairs returns an object of strings with unique names. It stops when there are more than
// any valid object has.
func (m members) pairs(object string) map[string]string {
	out := make(map[string]string)
	d := json.NewDecoder(bytes.NewReader(m.raw[object]))
	if start, _ := d.Token(); start != json.Delim('{') { // the syntax has been checked
		m.check(fmt.Errorf("member %s is not an object", object))
		return out
	}
	for d.More() && *m.err == nil && len(out) <= maxEntries {
		name, _ := d.Token()
		value, _ := d.Token()
		k, _ := name.(string)
		v, ok := value.(string)
		if _, twice := out[k]; twice || !ok {
			m.check(fmt.Errorf("%s %.64q is repeated or not a string", object, k))
		}
		out[k] = v
	}
	return out
}
