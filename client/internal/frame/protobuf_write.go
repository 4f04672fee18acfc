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
	buf, start := openMessage(buf, requestNumbers[r.Kind])
	switch r.Kind {
	case JoinGroup, LeaveGroup, SubscribeGroupState, UnsubscribeGroupState:
		buf = appendID(buf, 1, r.Name)
		buf = appendAck(buf, 2, r)
	case SetGroupState:
		buf = appendID(buf, 1, r.Name)
		buf = appendAck(buf, 2, r)
		if r.State != nil {
			var state int
			buf, state = openMessage(buf, 3)
			buf = appendEntries(buf, 1, r.State)
			buf = closeMessage(buf, state)
		}
	case SendToGroup:
		buf = appendID(buf, 1, r.Name)
		buf = appendAck(buf, 2, r)
		buf = appendPayload(buf, 3, &r.Data)
		buf = appendBool(buf, 4, r.NoEcho)
		if r.TTL > 0 {
			buf = appendVarint(buf, 5, uint64(r.TTL))
		}
		buf = appendEntries(buf, 6, r.Metadata)
	case StreamStart:
		buf = appendID(buf, 1, r.Name)
		buf = appendBool(buf, 4, r.NoEcho)
		var stream int
		buf, stream = openMessage(buf, 7)
		buf = appendID(buf, 1, r.ID)
		if r.Idle > 0 {
			buf = appendVarint(buf, 2, uint64(r.Idle))
		}
		buf = closeMessage(buf, stream)
	case SendEvent:
		buf = appendID(buf, 1, r.Name)
		buf = appendPayload(buf, 2, &r.Data)
		buf = appendAck(buf, 3, r) // not 2, as elsewhere
		buf = appendEntries(buf, 4, r.Metadata)
	case SequenceAck:
		buf = appendVarint(buf, 1, r.Sequence)
	case StreamData:
		buf = appendID(buf, 1, r.ID)
		if r.Data.Type != None {
			buf = appendVarint(buf, 2, r.Sequence)
			buf = appendPayload(buf, 3, &r.Data)
		}
	case StreamEnd:
		buf = appendID(buf, 1, r.ID)
		if r.Failure != nil {
			var failure int
			buf, failure = openMessage(buf, 2)
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
	case Ping:
	}
	return closeMessage(buf, start)
}

// openMessage appends the start of a field that is a message. It leaves one byte for
// the message's length, which is enough for 127 bytes.
func openMessage(buf []byte, num protowire.Number) (out []byte, start int) {
	buf = append(protowire.AppendTag(buf, num, protowire.BytesType), 0)
	return buf, len(buf)
}

// closeMessage writes the length of the message that begins at start. A longer
// message moves to make room for its length.
func closeMessage(buf []byte, start int) []byte {
	size := len(buf) - start
	if more := protowire.SizeVarint(uint64(size)) - 1; more > 0 {
		buf = append(buf, "1234567890"[:more]...)
		copy(buf[start+more:], buf[start:start+size])
	}
	protowire.AppendVarint(buf[:start-1], uint64(size))
	return buf
}

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

// appendPayload appends a MessageData.
func appendPayload(buf []byte, num protowire.Number, d *Data) []byte {
	buf, start := openMessage(buf, num)
	switch d.Type {
	case Text:
		buf = appendString(buf, 1, d.Text)
	case Binary:
		buf = protowire.AppendBytes(protowire.AppendTag(buf, 2, protowire.BytesType), d.Bytes)
	case Protobuf:
		buf = protowire.AppendBytes(protowire.AppendTag(buf, 3, protowire.BytesType), d.Bytes)
	case JSON:
		buf = appendString(buf, 4, d.Text)
	case None:
	}
	return closeMessage(buf, start)
}

// appendEntries appends a map, in the order of its keys.
func appendEntries(buf []byte, num protowire.Number, m map[string]string) []byte {
	if len(m) == 0 {
		return buf
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		var start int
		buf, start = openMessage(buf, num)
		buf = appendString(buf, 1, key)
		buf = appendString(buf, 2, m[key])
		buf = closeMessage(buf, start)
	}
	return buf
}
