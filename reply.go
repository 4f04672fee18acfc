package webpubsub

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// ConnectReply accepts a client and sets its user, groups and roles. A nil
// *ConnectReply and an empty one keep those of its token.
//
// An invalid reply (a subprotocol that was not offered, a blank group, a state too
// long) refuses the client with a 500 and a log record that names the fault. The
// service would refuse it without a reason.
type ConnectReply struct {
	// UserID (userId) replaces the token's user id. Empty keeps it.
	UserID string
	// ClearUserID removes the token's user id: the client connects without one.
	ClearUserID bool
	// Groups (groups) replaces the groups that the client joins on connecting. Nil and
	// empty keep the token's: the service ignores an empty list.
	// A name has 1 to 1024 UTF-16 code units, is not blank and has no line feed.
	Groups []string
	// Roles (roles) replaces the client's permissions, for example by
	// [RoleSendToAnyGroup] or RoleJoinLeaveGroup("lobby"). A string that is not a role
	// of the service, which the service would ignore, is an error. If both Roles and
	// RawRoles are nil, the client keeps the token's. An empty, non-nil slice removes them.
	Roles []string
	// RawRoles (roles) are sent with Roles without a check: for roles that this version
	// of the package does not know.
	RawRoles []string
	// Subprotocol (subprotocol) selects one of [ConnectEvent.Subprotocols]. If it is
	// empty, the service selects the first of its own among those offered.
	Subprotocol string
	// MQTTUserProperties (mqtt.userProperties) are sent in the CONNACK packet of an
	// MQTT 5.0 client.
	MQTTUserProperties []mqtt.UserProperty
	// State (ce-connectionState) sets the connection's state; see [State].
	State StateUpdate
}

// String returns a description of the reply without user data.
func (r ConnectReply) String() string {
	return fmt.Sprintf("webpubsub.ConnectReply(%d groups, %d roles)", len(r.Groups), len(r.Roles)+len(r.RawRoles))
}

// GoString is String.
func (r ConnectReply) GoString() string { return r.String() }

// Format is String, whatever the verb.
func (r ConnectReply) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue is String.
func (r ConnectReply) LogValue() slog.Value { return slog.StringValue(r.String()) }

// Reply answers a user event. The zero value sends nothing to the client. [TextReply],
// [JSONReply], [BinaryReply], [ProtobufReply] and [DataReply] return replies with a message. The fields
// can be set on any of them.
//
// An invalid reply becomes a 500 and a log record that names the fault.
type Reply struct {
	// State (ce-connectionState) sets the connection's state; see [State].
	State StateUpdate
	// Metadata (X-WebPubSub-Metadata-*) travels with the message to the client.
	// Names are HTTP tokens of at most 256 bytes and arrive in lower case. Values are
	// printable ASCII of at most 1024 bytes, without commas and without spaces at
	// either end: of parts separated by commas the service keeps only the last. All
	// names and values together have at most 8192 bytes.
	Metadata map[string]string
	// MQTTUserProperties (mqtt-*) are sent with the answer to an MQTT client. They are
	// an error for other clients.
	MQTTUserProperties []mqtt.UserProperty

	contentType string
	text        string
	data        []byte
	value       any
	kind        replyKind
}

type replyKind uint8

const (
	replyNone replyKind = iota
	replyText
	replyJSON
	replyData
	replyProtobuf
)

// String returns the kind of the reply, without its message.
func (r Reply) String() string {
	return "webpubsub.Reply(" + [...]string{replyNone: "none", replyText: "text", replyJSON: "json", replyData: "data", replyProtobuf: "protobuf"}[r.kind] + ")"
}

// GoString is String.
func (r Reply) GoString() string { return r.String() }

// Format is String, whatever the verb.
func (r Reply) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue is String.
func (r Reply) LogValue() slog.Value { return slog.StringValue(r.String()) }

// Media types of replies, as web-pubsub-express writes them.
const (
	contentText   = wire.MediaText + "; charset=utf-8"
	contentJSON   = wire.MediaJSON + "; charset=utf-8"
	contentBinary = wire.MediaBinary
)

// TextReply returns a reply that sends the client text (text/plain). The service does
// not send an empty message.
func TextReply(s string) Reply {
	return Reply{kind: replyText, contentType: contentText, text: s}
}

// JSONReply returns a reply that sends the client v as JSON (application/json),
// encoded by encoding/json when the reply is written. If v cannot be encoded, the
// answer is a 500.
func JSONReply(v any) Reply {
	return Reply{kind: replyJSON, contentType: contentJSON, value: v}
}

// BinaryReply returns a reply that sends the client bytes (application/octet-stream).
// The service does not send an empty message. The handler does not modify or keep data.
func BinaryReply(data []byte) Reply {
	return Reply{kind: replyData, contentType: contentBinary, data: data}
}

// DataReply returns a reply that sends the client a payload of a media type. For an
// MQTT client it can be any type. For other clients the service supports text/plain,
// application/json, application/octet-stream and application/x-protobuf, for which data
// is a serialized google.protobuf.Any. Otherwise the answer is a 500.
func DataReply(contentType string, data []byte) Reply {
	return Reply{kind: replyData, contentType: contentType, data: data}
}
