package frame

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// JSONCodec is json.webpubsub.azure.v1 or, if IsReliable is set,
// json.reliable.webpubsub.azure.v1.
type JSONCodec struct{ IsReliable bool }

// Name returns the name of the subprotocol.
func (c JSONCodec) Name() string {
	if c.IsReliable {
		return wire.SubprotocolJSONReliable
	}
	return wire.SubprotocolJSON
}

// Reliable returns c.IsReliable.
func (c JSONCodec) Reliable() bool { return c.IsReliable }

// Binary returns false: JSON is sent in text frames.
func (JSONCodec) Binary() bool { return false }

// requestTypes are the types of requests on the wire.
var requestTypes = [...]string{
	JoinGroup: "joinGroup", LeaveGroup: "leaveGroup", SendToGroup: "sendToGroup", SendEvent: "event",
	SequenceAck: "sequenceAck", Ping: "ping", StreamStart: "sendToGroup", StreamData: "streamData", StreamEnd: "streamEnd",
	Invoke: "invoke", CancelInvocation: "cancelInvocation",
	SetGroupState: "setGroupState", SubscribeGroupState: "subscribeGroupState", UnsubscribeGroupState: "unsubscribeGroupState",
}

// Append appends a request as a compact JSON object.
func (JSONCodec) Append(buf []byte, r *Request) []byte {
	buf = append(buf, `{"type":"`...)
	buf = append(buf, requestTypes[r.Kind]...)
	buf = append(buf, '"')
	switch r.Kind {
	case JoinGroup, LeaveGroup, SubscribeGroupState, UnsubscribeGroupState:
		buf = appendText(buf, "group", r.Name)
		buf = appendAckID(buf, r)
	case SendToGroup:
		buf = appendText(buf, "group", r.Name)
		buf = appendAckID(buf, r)
		buf = append(buf, `,"noEcho":`...)
		buf = strconv.AppendBool(buf, r.NoEcho)
		if r.TTL > 0 {
			buf = appendUint(buf, "ttlSeconds", uint64(r.TTL))
		}
		buf = appendData(buf, r.Data)
		buf = appendMetadata(buf, r.Metadata)
	case SendEvent:
		buf = appendText(buf, "event", r.Name)
		buf = appendAckID(buf, r)
		buf = appendData(buf, r.Data)
		buf = appendMetadata(buf, r.Metadata)
	case SequenceAck:
		buf = appendUint(buf, "sequenceId", r.Sequence)
	case Ping:
	default:
		buf = appendRareMembers(buf, r)
	}
	return append(buf, '}')
}

// appendRareMembers appends the members of requests that are less frequent.
func appendRareMembers(buf []byte, r *Request) []byte {
	switch r.Kind {
	case SetGroupState:
		buf = appendText(buf, "group", r.Name)
		buf = appendAckID(buf, r)
		if r.State != nil {
			buf = appendMap(buf, "state", r.State)
		}
	case StreamStart:
		buf = appendText(buf, "group", r.Name)
		buf = append(buf, `,"noEcho":`...)
		buf = strconv.AppendBool(buf, r.NoEcho)
		buf = append(buf, `,"stream":{"streamId":`...)
		buf = jsonscan.AppendQuoted(buf, r.ID)
		if r.Idle > 0 {
			buf = appendUint(buf, "idleTimeoutMs", uint64(r.Idle))
		}
		buf = append(buf, '}')
	case StreamData:
		buf = appendText(buf, "streamId", r.ID)
		if r.Data.Type != None {
			buf = appendUint(buf, "streamSequenceId", r.Sequence)
			buf = appendData(buf, r.Data)
		}
	case StreamEnd:
		buf = appendText(buf, "streamId", r.ID)
		if r.Failure != nil {
			buf = append(buf, `,"error":{"message":`...)
			buf = jsonscan.AppendQuoted(buf, r.Failure.Message)
			buf = appendText(buf, "userErrorCode", r.Failure.UserErrorCode)
			buf = append(buf, '}')
		}
	case Invoke:
		buf = appendText(buf, "invocationId", r.ID)
		buf = append(buf, `,"target":"event"`...)
		buf = appendText(buf, "event", r.Name)
		if r.Data.Type != None {
			buf = appendData(buf, r.Data)
		}
	case CancelInvocation:
		buf = appendText(buf, "invocationId", r.ID)
	default:
	}
	return buf
}

func appendName(buf []byte, name string) []byte {
	buf = append(buf, ',', '"')
	buf = append(buf, name...)
	return append(buf, '"', ':')
}

func appendText(buf []byte, name, v string) []byte {
	return jsonscan.AppendQuoted(appendName(buf, name), v)
}

func appendUint(buf []byte, name string, v uint64) []byte {
	return strconv.AppendUint(appendName(buf, name), v, 10)
}

func appendAckID(buf []byte, r *Request) []byte {
	if !r.WantsAck {
		return buf
	}
	return appendUint(buf, "ackId", r.AckID)
}

func appendData(buf []byte, d Data) []byte {
	buf = append(buf, `,"dataType":"`...)
	buf = append(buf, d.Type.String()...)
	buf = append(buf, `","data":`...)
	switch d.Type {
	case Text:
		return jsonscan.AppendQuoted(buf, d.Text)
	case JSON:
		return append(buf, d.Text...)
	case Binary, Protobuf:
		buf = append(buf, '"')
		buf = base64.StdEncoding.AppendEncode(buf, d.Bytes)
		return append(buf, '"')
	case None:
	}
	return append(buf, "null"...)
}

func appendMetadata(buf []byte, metadata map[string]string) []byte {
	if len(metadata) == 0 {
		return buf
	}
	return appendMap(buf, "metadata", metadata)
}

func appendMap(buf []byte, name string, m map[string]string) []byte {
	buf = append(appendName(buf, name), '{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = jsonscan.AppendQuoted(buf, k)
		buf = jsonscan.AppendQuoted(append(buf, ':'), m[k])
	}
	return append(buf, '}')
}
