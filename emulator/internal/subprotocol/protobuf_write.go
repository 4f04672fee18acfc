package subprotocol

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

// Cases of DownstreamMessage. A client gets those above 3 only after a request that needs
// them, since Microsoft's C# client ends at a case that it does not know.
const (
	caseAck = 1 + iota
	caseData
	caseSystem
	casePong
	caseInvokeResponse
	caseStreamAck
	caseStreamNack
	caseStreamClosed
	caseGroupStateUpdate
	caseGroupStateSnapshot
)

// protobufCodec encodes the frames of both protobuf subprotocols. Fields are in the order
// of their numbers, as official encoders write them.
type protobufCodec struct{}

// downstream encodes a DownstreamMessage.
type downstream struct{ buf []byte }

// open starts a message in a field. close ends it.
func (d *downstream) open(number protowire.Number) (start int) {
	d.buf = protowire.AppendTag(d.buf, number, protowire.BytesType)
	d.buf = append(d.buf, 0) // the length, if it is below 128
	return len(d.buf)
}

func (d *downstream) close(start int) {
	size := uint64(len(d.buf) - start) //nolint:gosec // not negative
	if more := protowire.SizeVarint(size) - 1; more > 0 {
		d.buf = slices.Insert(d.buf, start, make([]byte, more)...)
	}
	protowire.AppendVarint(d.buf[:start-1], size)
}

// number encodes a number or a boolean, also if it is zero: some clients compare whole
// frames.
func (d *downstream) number(number protowire.Number, v uint64) {
	d.buf = protowire.AppendTag(d.buf, number, protowire.VarintType)
	d.buf = protowire.AppendVarint(d.buf, v)
}

func (d *downstream) flag(number protowire.Number, v bool) {
	d.number(number, protowire.EncodeBool(v))
}

// text encodes a string unless it is empty, which is the default.
func (d *downstream) text(number protowire.Number, s string) {
	if s != "" {
		d.present(number, s)
	}
}

// present encodes a string. Texts of other programs may be invalid UTF-8; they are repaired.
func (d *downstream) present(number protowire.Number, s string) {
	d.buf = protowire.AppendTag(d.buf, number, protowire.BytesType)
	d.buf = protowire.AppendString(d.buf, strings.ToValidUTF8(s, "\uFFFD"))
}

func (d *downstream) bytes(number protowire.Number, b []byte) {
	d.buf = protowire.AppendTag(d.buf, number, protowire.BytesType)
	d.buf = protowire.AppendBytes(d.buf, b)
}

func (d *downstream) pairs(number protowire.Number, m map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		entry := d.open(number)
		d.present(1, k)
		d.present(2, m[k])
		d.close(entry)
	}
}

// data encodes a MessageData. Its case is present even if the data is empty.
func (d *downstream) data(number protowire.Number, m *hub.Message) {
	start := d.open(number)
	data := m.Data
	if (m.Type == hub.Text || m.Type == hub.JSON) && !utf8.Valid(data) { // an event handler's
		data = bytes.ToValidUTF8(data, []byte("\uFFFD"))
	}
	switch m.Type {
	case hub.Text:
		d.bytes(1, data)
	case hub.Protobuf:
		d.bytes(3, data)
	case hub.JSON:
		d.bytes(4, data)
	default:
		d.bytes(2, data)
	}
	d.close(start)
}

// failure encodes an error with name and message.
func (d *downstream) failure(number protowire.Number, err *hub.RequestError) {
	start := d.open(number)
	d.text(1, err.Name)
	d.text(2, err.Message)
	d.text(3, err.UserErrorCode)
	d.close(start)
}

func (d *downstream) frame() hub.Frame { return hub.Frame{Kind: hub.FrameBinary, Data: d.buf} }

// Message encodes a message without sequence id. There is no field for the user who has
// sent it.
func (protobufCodec) Message(m *hub.Message) hub.Frame {
	if m.States != nil {
		return groupStates(m)
	}
	const envelope = 64 // of most messages
	d := downstream{make([]byte, 0, len(m.Group)+len(m.Data)+envelope)}
	start := d.open(caseData)
	if m.Group == "" {
		d.text(1, "server")
	} else {
		d.text(1, "group")
		d.text(2, m.Group)
	}
	d.data(3, m)
	d.pairs(5, m.Metadata)
	if s := m.Stream; s != nil {
		stream := d.open(6)
		d.text(1, s.ID)
		d.number(2, s.Sequence)
		if s.End {
			d.flag(3, true)
		}
		if s.Error != nil {
			d.failure(4, s.Error)
		}
		d.close(stream)
	}
	d.close(start)
	return d.frame()
}

func groupStates(m *hub.Message) hub.Frame {
	var d downstream
	which := protowire.Number(caseGroupStateUpdate)
	if m.States.Snapshot {
		which = caseGroupStateSnapshot
	}
	start := d.open(which)
	d.text(1, m.Group)
	for _, s := range m.States.Items {
		item := d.open(2)
		d.text(1, s.ConnectionID)
		if s.UserID != nil {
			d.present(2, *s.UserID)
		}
		if s.Entries != nil {
			state := d.open(3)
			d.pairs(1, s.Entries)
			d.close(state)
		}
		d.number(4, uint64(s.UpdatedAt)) //nolint:gosec // as int64 is encoded
		d.close(item)
	}
	d.close(start)
	return d.frame()
}

// AppendSequenced inserts the sequence id at its place among the fields of the message.
func (protobufCodec) AppendSequenced(b, data []byte, id uint64) []byte {
	which, _, n := protowire.ConsumeTag(data)
	message, _ := protowire.ConsumeBytes(data[n:])
	sequenceID := protowire.Number(4)
	if which != caseData { // of states
		sequenceID = 3
	}
	at := 0
	for at < len(message) {
		number, _, size := protowire.ConsumeField(message[at:])
		if number > sequenceID {
			break
		}
		at += size
	}
	var field [11]byte
	encoded := protowire.AppendVarint(protowire.AppendTag(field[:0], sequenceID, protowire.VarintType), id)
	b = protowire.AppendTag(b, which, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(message)+len(encoded)))
	return append(append(append(b, message[:at]...), encoded...), message[at:]...)
}

// Ack returns an AckMessage.
func (protobufCodec) Ack(id uint64, err *hub.RequestError) hub.Frame {
	var d downstream
	start := d.open(caseAck)
	d.number(1, id)
	d.flag(2, err == nil)
	if err != nil {
		d.failure(3, err)
	}
	d.close(start)
	return d.frame()
}

// Connected returns a ConnectedMessage. The user id of a client without one is empty.
func (protobufCodec) Connected(c *hub.Connection) hub.Frame {
	var d downstream
	system := d.open(caseSystem)
	connected := d.open(1)
	d.text(1, c.ID)
	if c.UserID != nil {
		d.text(2, *c.UserID)
	}
	d.text(3, c.ReconnectionToken)
	d.close(connected)
	d.close(system)
	return d.frame()
}

// Disconnected returns a DisconnectedMessage.
func (protobufCodec) Disconnected(reason string) hub.Frame {
	var d downstream
	system := d.open(caseSystem)
	disconnected := d.open(2)
	d.text(2, reason)
	d.close(disconnected)
	d.close(system)
	return d.frame()
}

// Pong returns a PongMessage.
func (protobufCodec) Pong() hub.Frame {
	var d downstream
	d.close(d.open(casePong))
	return d.frame()
}

// InvokeResponse returns an InvokeResponseMessage.
func (protobufCodec) InvokeResponse(id string, m *hub.Message, err *hub.RequestError) hub.Frame {
	var d downstream
	start := d.open(caseInvokeResponse)
	d.text(1, id)
	d.flag(2, err == nil)
	switch {
	case err != nil:
		d.failure(4, err)
	case m != nil:
		d.data(3, m)
		d.pairs(5, m.Metadata)
	}
	d.close(start)
	return d.frame()
}

// StreamAck returns a StreamAckMessage.
func (protobufCodec) StreamAck(id string, expected uint64) hub.Frame {
	var d downstream
	start := d.open(caseStreamAck)
	d.text(1, id)
	d.number(2, expected)
	d.close(start)
	return d.frame()
}

// StreamNack returns a StreamNackMessage.
func (protobufCodec) StreamNack(id string, expected uint64, err hub.RequestError) hub.Frame {
	var d downstream
	start := d.open(caseStreamNack)
	d.text(1, id)
	d.text(2, err.Name)
	d.text(3, err.Message)
	d.number(4, expected)
	d.close(start)
	return d.frame()
}

// StreamClosed returns a StreamClosedMessage.
func (protobufCodec) StreamClosed(id string, err *hub.RequestError) hub.Frame {
	var d downstream
	start := d.open(caseStreamClosed)
	d.text(1, id)
	if err != nil {
		d.failure(2, err)
	}
	d.close(start)
	return d.frame()
}
