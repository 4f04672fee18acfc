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

// JSON is json.webpubsub.azure.v1 and, reliable, json.reliable.webpubsub.azure.v1.
type JSON struct{ reliable bool }

// Reliable tells which of the two it is.
func (p JSON) Reliable() bool { return p.reliable }

// dataTypes by their names on the wire.
var dataTypes = [...]string{hub.Text: "text", hub.JSON: "json", hub.Binary: "binary", hub.Protobuf: "protobuf"}

// object writes a compact JSON object member by member, in the order in which
// the service writes them: clients exist that compare whole strings.
type object struct{ bytes.Buffer }

func newObject(kind string) *object {
	o := new(object)
	o.WriteString(`{"type":"` + kind + `"`)
	return o
}

func (o *object) name(name string) { o.WriteString(`,"` + name + `":`) }

func (o *object) text(name, v string) {
	o.name(name)
	o.quote(v)
}

func (o *object) number(name string, v uint64) {
	o.name(name)
	o.WriteString(strconv.FormatUint(v, 10))
}

func (o *object) flag(name string, v bool) {
	o.name(name)
	o.WriteString(strconv.FormatBool(v))
}

// optional writes null for nil.
func (o *object) optional(name string, v *string) {
	if v == nil {
		o.name(name)
		o.WriteString("null")
		return
	}
	o.text(name, *v)
}

func (o *object) quote(s string) {
	e := json.NewEncoder(&o.Buffer)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)         // a string always encodes
	o.Truncate(o.Len() - 1) // without the line feed that Encode adds
}

func (o *object) data(m *hub.Message) {
	o.text("dataType", dataTypes[m.Type])
	o.name("data")
	switch m.Type {
	case hub.JSON:
		o.Write(m.Data)
	case hub.Text:
		o.quote(string(m.Data))
	default:
		o.WriteByte('"')
		o.WriteString(base64.StdEncoding.EncodeToString(m.Data))
		o.WriteByte('"')
	}
}

func (o *object) end() hub.Frame {
	o.WriteByte('}')
	return hub.Frame{Kind: hub.FrameText, Data: o.Bytes()}
}

// Message writes a message without sequence id.
func (JSON) Message(m *hub.Message) []byte {
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
		separator := byte('{')
		for _, k := range slices.Sorted(maps.Keys(m.Metadata)) {
			o.WriteByte(separator)
			o.quote(k)
			o.WriteByte(':')
			o.quote(m.Metadata[k])
			separator = ','
		}
		o.WriteByte('}')
	}
	if m.Stream != nil {
		o.stream(m.Stream)
	}
	return o.end().Data
}

func (o *object) stream(s *hub.StreamInfo) {
	o.name("stream")
	o.WriteString(`{"streamId":`)
	o.quote(s.ID)
	o.number("streamSequenceId", s.Sequence)
	if s.End {
		o.flag("endOfStream", true)
	}
	if s.Error != nil {
		o.failure(s.Error.Name, s.Error.Message, s.Error.UserErrorCode)
	}
	o.WriteByte('}')
}

func (o *object) failure(name, message, userErrorCode string) {
	o.name("error")
	o.WriteString(`{"name":`)
	o.quote(name)
	o.text("message", message)
	if userErrorCode != "" {
		o.text("userErrorCode", userErrorCode)
	}
	o.WriteByte('}')
}

// Sequenced puts the sequence id in front of what Message wrote.
func (p JSON) Sequenced(_ *hub.Message, body []byte, id uint64) hub.Frame {
	if !p.reliable {
		return hub.Frame{Kind: hub.FrameText, Data: body}
	}
	data := make([]byte, 0, len(body)+34)
	data = append(data, `{"sequenceId":`...)
	data = strconv.AppendUint(data, id, 10)
	data = append(data, ',')
	return hub.Frame{Kind: hub.FrameText, Data: append(data, body[1:]...)}
}

// Ack answers a request that had an ack id.
func (JSON) Ack(id uint64, err *hub.AckError) hub.Frame {
	o := newObject("ack")
	o.number("ackId", id)
	o.flag("success", err == nil)
	if err != nil {
		o.failure(err.Name, err.Message, "")
	}
	return o.end()
}

// Connected greets the client.
func (p JSON) Connected(c *hub.Connection) hub.Frame {
	o := newObject("system")
	o.text("event", "connected")
	o.optional("userId", c.UserID)
	o.text("connectionId", c.ID)
	if p.reliable {
		o.text("reconnectionToken", c.ReconnectionToken)
	}
	return o.end()
}

// Disconnected says goodbye.
func (JSON) Disconnected(reason string) hub.Frame {
	o := newObject("system")
	o.text("event", "disconnected")
	o.text("message", reason)
	return o.end()
}

// Pong answers a ping.
func (JSON) Pong() hub.Frame { return newObject("pong").end() }

// InvokeResponse answers an invocation.
func (JSON) InvokeResponse(id string, m *hub.Message, err *hub.AckError) hub.Frame {
	o := newObject("invokeResponse")
	o.text("invocationId", id)
	o.flag("success", err == nil)
	switch {
	case err != nil:
		o.failure(err.Name, err.Message, "")
	case m != nil:
		o.data(m)
	}
	return o.end()
}

// StreamAck tells which piece of a stream is expected next.
func (JSON) StreamAck(id string, expected uint64) hub.Frame {
	o := newObject("streamAck")
	o.text("streamId", id)
	o.number("expectedSequenceId", expected)
	return o.end()
}

// StreamNack refuses a piece of a stream.
func (JSON) StreamNack(id string, expected uint64, err hub.StreamError) hub.Frame {
	o := newObject("streamNack")
	o.text("streamId", id)
	o.number("expectedSequenceId", expected)
	o.text("name", err.Name)
	o.text("message", err.Message)
	return o.end()
}

// StreamClosed tells that a stream has ended.
func (JSON) StreamClosed(id string, err *hub.StreamError) hub.Frame {
	o := newObject("streamClosed")
	o.text("streamId", id)
	if err != nil {
		o.failure(err.Name, err.Message, err.UserErrorCode)
	}
	return o.end()
}
