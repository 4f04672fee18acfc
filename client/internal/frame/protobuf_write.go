package frame

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// ProtobufCodec is protobuf.webpubsub.azure.v1 or, if IsReliable is set,
// protobuf.reliable.webpubsub.azure.v1.
type ProtobufCodec struct{ IsReliable bool }

// Name returns the name of the subprotocol.
func (c ProtobufCodec) Name() string {
	if c.IsReliable {
		return wire.SubprotocolProtobufReliable
	}
	return wire.SubprotocolProtobuf
}

// Reliable returns c.IsReliable.
func (c ProtobufCodec) Reliable() bool { return c.IsReliable }

// Binary returns true.
func (ProtobufCodec) Binary() bool { return true }

// requestNumbers are the numbers of requests in UpstreamMessage.
var requestNumbers = [...]protowire.Number{
	SendToGroup: 1, StreamStart: 1, SendEvent: 5, JoinGroup: 6, LeaveGroup: 7, SequenceAck: 8, Ping: 9, Invoke: 10, CancelInvocation: 11,
	StreamData: 13, StreamEnd: 14, SetGroupState: 15, SubscribeGroupState: 16, UnsubscribeGroupState: 17,
}

// Append appends a request as an UpstreamMessage. Fields are in the order of their
// numbers, as Google's encoders write them.
func (ProtobufCodec) Append(buf []byte, r *Request) []byte {
	buf, start := openMessage(buf, requestNumbers[r.Kind], len(r.Name)+len(r.ID)+r.Data.size())
	switch r.Kind {
	case JoinGroup, LeaveGroup, SubscribeGroupState, UnsubscribeGroupState:
		buf = appendID(buf, 1, r.Name)
		buf = appendAck(buf, 2, r)
	case SendToGroup:
		buf = appendID(buf, 1, r.Name)
		buf = appendAck(buf, 2, r)
		buf = appendPayload(buf, 3, &r.Data)
		buf = appendBool(buf, 4, r.NoEcho)
		if r.TTL > 0 {
			buf = appendVarint(buf, 5, uint64(r.TTL))
		}
		buf = appendEntries(buf, 6, r.Metadata)
	case SendEvent:
		buf = appendID(buf, 1, r.Name)
		buf = appendPayload(buf, 2, &r.Data)
		buf = appendAck(buf, 3, r) // not 2, as elsewhere
		buf = appendEntries(buf, 4, r.Metadata)
	case SequenceAck:
		buf = appendVarint(buf, 1, r.Sequence)
	case Ping:
	default:
		buf = appendRareFields(buf, r)
	}
	return closeMessage(buf, start)
}

// appendRareFields appends the fields of requests that are less frequent.
func appendRareFields(buf []byte, r *Request) []byte {
	switch r.Kind {
	case SetGroupState:
		buf = appendID(buf, 1, r.Name)
		buf = appendAck(buf, 2, r)
		if r.State != nil {
			var state opening
			buf, state = openMessage(buf, 3, 0)
			buf = appendEntries(buf, 1, r.State)
			buf = closeMessage(buf, state)
		}
	case StreamStart:
		buf = appendID(buf, 1, r.Name)
		buf = appendBool(buf, 4, r.NoEcho)
		var stream opening
		buf, stream = openMessage(buf, 7, len(r.ID))
		buf = appendID(buf, 1, r.ID)
		if r.Idle > 0 {
			buf = appendVarint(buf, 2, uint64(r.Idle))
		}
		buf = closeMessage(buf, stream)
	case StreamData:
		buf = appendID(buf, 1, r.ID)
		if r.Data.Type != None {
			buf = appendVarint(buf, 2, r.Sequence)
			buf = appendPayload(buf, 3, &r.Data)
		}
	case StreamEnd:
		buf = appendID(buf, 1, r.ID)
		if r.Failure != nil {
			var failure opening
			buf, failure = openMessage(buf, 2, len(r.Failure.Message)+len(r.Failure.UserErrorCode))
			buf = appendString(buf, 1, r.Failure.Message)
			buf = appendString(buf, 2, r.Failure.UserErrorCode)
			buf = closeMessage(buf, failure)
		}
	case Invoke:
		buf = appendID(buf, 1, r.Name)
		buf = appendID(buf, 2, r.ID)
		if r.Data.Type != None {
			buf = appendPayload(buf, 3, &r.Data)
		}
	case CancelInvocation:
		buf = appendID(buf, 1, r.ID)
	default:
	}
	return buf
}

// opening is the start of a message whose length is not known yet.
type opening struct {
	at   int // offset of the message
	room int // bytes for its length before it
}

// openMessage appends the start of a field that is a message. It leaves room for the
// length of a message of about that many bytes.
func openMessage(buf []byte, num protowire.Number, about int) ([]byte, opening) {
	const tagAndLengths = 16 // of the fields in it
	buf = protowire.AppendTag(buf, num, protowire.BytesType)
	room := sizeOf(about + tagAndLengths)
	buf = append(buf, make([]byte, room)...)
	return buf, opening{len(buf), room}
}

// closeMessage writes the length of a message. The message moves if the length does not
// have the expected number of bytes.
func closeMessage(buf []byte, m opening) []byte {
	size := len(buf) - m.at
	at := m.at - m.room + sizeOf(size)
	if at != m.at {
		if at > m.at {
			buf = append(buf, make([]byte, at-m.at)...)
		}
		copy(buf[at:at+size], buf[m.at:m.at+size])
	}
	appendLength(buf[:m.at-m.room], size)
	return buf[:at+size]
}

func appendLength(buf []byte, length int) []byte {
	return protowire.AppendVarint(buf, uint64(length)) //nolint:gosec // not negative
}

// sizeOf returns the number of bytes of a length.
func sizeOf(length int) int { return protowire.SizeVarint(uint64(length)) } //nolint:gosec // not negative

// appendID appends the name of a group or event or an id, which is omitted if it is
// empty.
func appendID(buf []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return buf
	}
	return appendString(buf, num, s)
}

// appendString appends a field of text. Bytes that are not UTF-8 become U+FFFD.
func appendString(buf []byte, num protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(buf, num, protowire.BytesType), strings.ToValidUTF8(s, "\uFFFD"))
}

func appendVarint(buf []byte, num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(buf, num, protowire.VarintType), v)
}

func appendBool(buf []byte, num protowire.Number, v bool) []byte {
	return appendVarint(buf, num, protowire.EncodeBool(v))
}

func appendAck(buf []byte, num protowire.Number, r *Request) []byte {
	if !r.WantsAck {
		return buf
	}
	return appendVarint(buf, num, r.AckID)
}

// appendPayload appends a MessageData. Text and JSON are UTF-8.
func appendPayload(buf []byte, num protowire.Number, d *Data) []byte {
	buf = protowire.AppendTag(buf, num, protowire.BytesType)
	if d.Type == None {
		return protowire.AppendVarint(buf, 0)
	}
	size := d.size()
	buf = appendLength(buf, 1+protowire.SizeBytes(size))
	buf = protowire.AppendTag(buf, payloadNumbers[d.Type], protowire.BytesType)
	buf = appendLength(buf, size)
	return append(append(buf, d.Text...), d.Bytes...) // one of them is empty
}

// payloadNumbers are the numbers of payloads in MessageData.
var payloadNumbers = [...]protowire.Number{Text: 1, Binary: 2, Protobuf: 3, JSON: 4}

// appendEntries appends a map, in the order of its keys.
func appendEntries(buf []byte, num protowire.Number, m map[string]string) []byte {
	if len(m) == 0 {
		return buf
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		var start opening
		buf, start = openMessage(buf, num, len(key)+len(m[key]))
		buf = appendString(buf, 1, key)
		buf = appendString(buf, 2, m[key])
		buf = closeMessage(buf, start)
	}
	return buf
}
