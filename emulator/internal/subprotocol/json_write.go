package subprotocol

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

// jsonCodec encodes the frames of both JSON subprotocols.
type jsonCodec struct{}

// object encodes a JSON object without spaces, and with members in the order of the
// service: some clients compare whole frames.
type object struct{ buf []byte }

func (o *object) add(s string) { o.buf = append(o.buf, s...) }

func newObject(kind string) *object {
	return &object{[]byte(`{"type":"` + kind + `"`)}
}

func (o *object) name(name string) { o.add(`,"` + name + `":`) }

func (o *object) text(name, v string) {
	o.name(name)
	o.quote(v)
}

func (o *object) number(name string, v uint64) {
	o.name(name)
	o.add(strconv.FormatUint(v, 10))
}

func (o *object) flag(name string, v bool) {
	o.name(name)
	o.add(strconv.FormatBool(v))
}

// optional adds a string, or null for nil.
func (o *object) optional(name string, v *string) {
	if v == nil {
		o.name(name)
		o.add("null")
		return
	}
	o.text(name, *v)
}

func (o *object) quote(s string) {
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // never fails
	o.buf = append(o.buf, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}

func (o *object) data(m *hub.Message) {
	o.text("dataType", m.Type.String())
	o.name("data")
	switch m.Type {
	case hub.JSON:
		o.buf = append(o.buf, bytes.ToValidUTF8(m.Data, []byte("\uFFFD"))...) // an event handler's may be invalid
	case hub.Text:
		o.quote(string(m.Data))
	default:
		o.add(`"`)
		o.add(base64.StdEncoding.EncodeToString(m.Data))
		o.add(`"`)
	}
}

func (o *object) end() hub.Frame {
	o.add(`}`)
	return hub.Frame{Kind: hub.FrameText, Data: o.buf}
}

// Message encodes a message without sequence id.
func (jsonCodec) Message(m *hub.Message) hub.Frame {
	if m.States != nil {
		return groupStatesJSON(m)
	}
	o := newObject("message")
	if m.Group == "" {
		o.text("from", "server")
	} else {
		o.text("from", "group")
		o.text("group", m.Group)
		o.optional("fromUserId", m.FromUserID)
	}
	o.data(m)
	if len(m.Metadata) > 0 {
		o.name("metadata")
		o.pairs(m.Metadata)
	}
	if m.Stream != nil {
		o.stream(m.Stream)
	}
	return o.end()
}

// pairs adds an object of strings.
func (o *object) pairs(m map[string]string) {
	o.add(`{`)
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			o.add(`,`)
		}
		o.quote(k)
		o.add(`:`)
		o.quote(m[k])
	}
	o.add(`}`)
}

func groupStatesJSON(m *hub.Message) hub.Frame {
	kind := "groupStateUpdate"
	if m.States.Snapshot {
		kind = "groupStateSnapshot"
	}
	o := newObject(kind)
	o.text("group", m.Group)
	o.name("items")
	o.add(`[`)
	for i, s := range m.States.Items {
		if i > 0 {
			o.add(`,`)
		}
		o.add(`{"connectionId":`)
		o.quote(s.ConnectionID)
		if s.UserID != nil {
			o.text("userId", *s.UserID)
		}
		if s.Entries != nil {
			o.name("state")
			o.pairs(s.Entries)
		}
		o.name("updatedAt")
		o.add(strconv.FormatInt(s.UpdatedAt, 10))
		o.add(`}`)
	}
	o.add(`]`)
	return o.end()
}

func (o *object) stream(s *hub.StreamInfo) {
	o.name("stream")
	o.add(`{"streamId":`)
	o.quote(s.ID)
	o.number("streamSequenceId", s.Sequence)
	if s.End {
		o.flag("endOfStream", true)
	}
	if s.Error != nil {
		o.failure(s.Error)
	}
	o.add(`}`)
}

func (o *object) failure(err *hub.RequestError) {
	o.name("error")
	o.add(`{"name":`)
	o.quote(err.Name)
	o.text("message", err.Message)
	if err.UserErrorCode != "" {
		o.text("userErrorCode", err.UserErrorCode)
	}
	o.add(`}`)
}

// AppendSequenced inserts the sequence id as the first member.
func (jsonCodec) AppendSequenced(b, data []byte, id uint64) []byte {
	b = append(b, `{"sequenceId":`...)
	b = strconv.AppendUint(b, id, 10)
	b = append(b, ',')
	return append(b, data[1:]...)
}

// Ack returns an ack frame.
func (jsonCodec) Ack(id uint64, err *hub.RequestError) hub.Frame {
	o := newObject("ack")
	o.number("ackId", id)
	o.flag("success", err == nil)
	if err != nil {
		o.failure(err)
	}
	return o.end()
}

// Connected returns a connected frame.
func (jsonCodec) Connected(c *hub.Connection) hub.Frame {
	o := newObject("system")
	o.text("event", "connected")
	o.optional("userId", c.UserID)
	o.text("connectionId", c.ID)
	if c.ReconnectionToken != "" {
		o.text("reconnectionToken", c.ReconnectionToken)
	}
	return o.end()
}

// Disconnected returns a disconnected frame.
func (jsonCodec) Disconnected(reason string) hub.Frame {
	o := newObject("system")
	o.text("event", "disconnected")
	o.text("message", reason)
	return o.end()
}

// Pong returns a pong frame.
func (jsonCodec) Pong() hub.Frame { return newObject("pong").end() }

// InvokeResponse returns an invokeResponse frame.
func (jsonCodec) InvokeResponse(id string, m *hub.Message, err *hub.RequestError) hub.Frame {
	o := newObject("invokeResponse")
	o.text("invocationId", id)
	o.flag("success", err == nil)
	switch {
	case err != nil:
		o.failure(err)
	case m != nil:
		o.data(m)
	}
	return o.end()
}

// StreamAck returns a streamAck frame.
func (jsonCodec) StreamAck(id string, expected uint64) hub.Frame {
	o := newObject("streamAck")
	o.text("streamId", id)
	o.number("expectedSequenceId", expected)
	return o.end()
}

// StreamNack returns a streamNack frame.
func (jsonCodec) StreamNack(id string, expected uint64, err hub.RequestError) hub.Frame {
	o := newObject("streamNack")
	o.text("streamId", id)
	o.number("expectedSequenceId", expected)
	o.text("name", err.Name)
	o.text("message", err.Message)
	return o.end()
}

// StreamClosed returns a streamClosed frame.
func (jsonCodec) StreamClosed(id string, err *hub.RequestError) hub.Frame {
	o := newObject("streamClosed")
	o.text("streamId", id)
	if err != nil {
		o.failure(err)
	}
	return o.end()
}
