package inspect

// message is the schema of a protobuf message, for display. The codecs of the emulator
// have their own.
type message struct{ fields map[int]field }

type field struct {
	name     string
	kind     fieldKind
	message  *message // of kindMessage
	repeated bool
}

type fieldKind uint8

const (
	kindUnknown fieldKind = iota
	kindText
	kindBytes
	kindNumber
	kindBool
	kindMessage
)

func text(name string) field              { return field{name: name, kind: kindText} }
func number(name string) field            { return field{name: name, kind: kindNumber} }
func boolean(name string) field           { return field{name: name, kind: kindBool} }
func nested(name string, m message) field { return field{name: name, kind: kindMessage, message: &m} }

func repeated(name string, m message) field {
	f := nested(name, m)
	f.repeated = true
	return f
}

// The messages of the subprotocols protobuf.webpubsub.azure.v1 and
// protobuf.reliable.webpubsub.azure.v1.
var (
	messageAny  = &message{map[int]field{1: text("typeUrl"), 2: {name: "value", kind: kindBytes}}}
	messageData = message{map[int]field{
		1: text("textData"), 2: {name: "binaryData", kind: kindBytes}, 3: nested("protobufData", *messageAny), 4: text("jsonData"),
	}}
	pair        = message{map[int]field{1: text("key"), 2: text("value")}}
	namedError  = message{map[int]field{1: text("name"), 2: text("message")}}
	states      = message{map[int]field{1: repeated("entries", pair)}}
	streamStart = message{map[int]field{1: text("streamId"), 2: number("idleTimeoutMs")}}
	groupOnly   = message{map[int]field{1: text("group"), 2: number("ackId")}}
	streamInfo  = message{map[int]field{
		1: text("streamId"), 2: number("streamSequenceId"), 3: boolean("endOfStream"),
		4: nested("error", message{map[int]field{1: text("name"), 2: text("message"), 3: text("userErrorCode")}}),
	}}
	stateItem = message{map[int]field{
		1: text("connectionId"), 2: text("userId"), 3: nested("state", states), 4: number("updatedAt"),
	}}
	stateItems = message{map[int]field{1: text("group"), 2: repeated("items", stateItem), 3: number("sequenceId")}}

	messageUp = &message{map[int]field{
		1: nested("sendToGroupMessage", message{map[int]field{
			1: text("group"), 2: number("ackId"), 3: nested("data", messageData), 4: boolean("noEcho"), 5: number("ttlSeconds"),
			6: repeated("metadata", pair), 7: nested("stream", streamStart),
		}}),
		5: nested("eventMessage", message{map[int]field{
			1: text("event"), 2: nested("data", messageData), 3: number("ackId"), 4: repeated("metadata", pair), 5: nested("stream", streamStart),
		}}),
		6: nested("joinGroupMessage", groupOnly),
		7: nested("leaveGroupMessage", groupOnly),
		8: nested("sequenceAckMessage", message{map[int]field{1: number("sequenceId")}}),
		9: nested("pingMessage", message{}),
		10: nested("invokeEventMessage", message{map[int]field{
			1: text("event"), 2: text("invocationId"), 3: nested("data", messageData), 4: repeated("metadata", pair), 5: nested("stream", streamStart),
		}}),
		11: nested("cancelInvocationMessage", message{map[int]field{1: text("invocationId")}}),
		13: nested("streamDataMessage", message{map[int]field{1: text("streamId"), 2: number("streamSequenceId"), 3: nested("data", messageData)}}),
		14: nested("streamEndMessage", message{map[int]field{
			1: text("streamId"), 2: nested("error", message{map[int]field{1: text("message"), 2: text("userErrorCode")}}),
		}}),
		15: nested("setGroupStateMessage", message{map[int]field{1: text("group"), 2: number("ackId"), 3: nested("state", states)}}),
		16: nested("subscribeGroupStateMessage", groupOnly),
		17: nested("unsubscribeGroupStateMessage", groupOnly),
	}}

	messageDown = &message{map[int]field{
		1: nested("ackMessage", message{map[int]field{1: number("ackId"), 2: boolean("success"), 3: nested("error", namedError)}}),
		2: nested("dataMessage", message{map[int]field{
			1: text("from"), 2: text("group"), 3: nested("data", messageData), 4: number("sequenceId"), 5: repeated("metadata", pair), 6: nested("stream", streamInfo),
		}}),
		3: nested("systemMessage", message{map[int]field{
			1: nested("connectedMessage", message{map[int]field{1: text("connectionId"), 2: text("userId"), 3: text("reconnectionToken")}}),
			2: nested("disconnectedMessage", message{map[int]field{2: text("reason")}}),
		}}),
		4: nested("pongMessage", message{}),
		5: nested("invokeResponseMessage", message{map[int]field{
			1: text("invocationId"), 2: boolean("success"), 3: nested("data", messageData), 4: nested("error", namedError), 5: repeated("metadata", pair),
		}}),
		6:  nested("streamAckMessage", message{map[int]field{1: text("streamId"), 2: number("expectedSequenceId")}}),
		7:  nested("streamNackMessage", message{map[int]field{1: text("streamId"), 2: text("name"), 3: text("message"), 4: number("expectedSequenceId")}}),
		8:  nested("streamClosedMessage", message{map[int]field{1: text("streamId"), 2: nested("error", namedError)}}),
		9:  nested("groupStateUpdateMessage", stateItems),
		10: nested("groupStateSnapshotMessage", stateItems),
	}}
)
