package webpubsub

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// ConnectReply accepts a client and says what it may do. A nil *ConnectReply
// and an empty one accept the client as its token describes it.
//
// It is checked before it is sent; a mistake in it (a subprotocol that was not
// offered, a blank group, a state too long) refuses the client with a 500 and a
// log record that names the mistake, as the service would do without saying why.
type ConnectReply struct {
	// UserID (userId) replaces the token's user id; empty keeps it.
	UserID string
	// ClearUserID takes the token's user id away: the client connects without one.
	ClearUserID bool
	// Groups (groups) replaces the groups that the client starts in. Nil and
	// empty keep the token's: the service gives an empty list no meaning.
	// A name has 1 to 1024 UTF-16 code units, is not blank and has no line feed.
	Groups []string
	// Roles (roles) replaces the client's permissions, for example by
	// [RoleSendToAnyGroup] or RoleJoinLeaveGroup("lobby"). A string that is no role
	// of the service is a mistake: the service ignores it. Nil, with RawRoles nil,
	// keeps the token's; an empty, non-nil slice takes all of them away.
	Roles []string
	// RawRoles (roles) go out with Roles and are not checked: for roles that the
	// service knows and this version of the library does not.
	RawRoles []string
	// Subprotocol (subprotocol) selects one of [ConnectEvent.Subprotocols]. Empty
	// leaves the choice to the service: its first own one among those offered.
	Subprotocol string
	// MQTTUserProperties (mqtt.userProperties) go into the CONNACK packet of an
	// MQTT 5.0 client.
	MQTTUserProperties []mqtt.UserProperty
	// State (ce-connectionState) sets the connection's state; see [State].
	State StateUpdate
}

// String describes the reply without user data. It is a method of the value, as
// are GoString and LogValue, so that a copy is as silent.
func (r ConnectReply) String() string {
	return fmt.Sprintf("webpubsub.ConnectReply(%d groups, %d roles)", len(r.Groups), len(r.Roles)+len(r.RawRoles))
}

// GoString is String.
func (r ConnectReply) GoString() string { return r.String() }

// Format is String, whatever the verb.
func (r ConnectReply) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue is String.
func (r ConnectReply) LogValue() slog.Value { return slog.StringValue(r.String()) }

// Reply answers a user event. The zero value sends the client nothing; the
// others are made by [TextReply], [JSONReply], [BinaryReply] and [DataReply].
// Fields may be set on any of them.
//
// A reply is checked before it is sent; a mistake in it becomes a 500 and a log
// record that names the mistake.
type Reply struct {
	// State (ce-connectionState) sets the connection's state; see [State].
	State StateUpdate
	// Metadata (X-WebPubSub-Metadata-*) travels with the message to the client.
	// Names are HTTP tokens of at most 256 bytes and arrive in lower case, values
	// are printable ASCII of at most 1024 bytes, all together have at most 8192
	// bytes. A value has no comma, of whose parts the service keeps the last only,
	// and no space around it.
	Metadata map[string]string
	// MQTTUserProperties (mqtt-*) travel with the answer to an MQTT client, and are
	// a mistake for others.
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
)

// String returns the kind of the reply, and nothing of what it sends.
func (r Reply) String() string {
	return "webpubsub.Reply(" + [...]string{replyNone: "none", replyText: "text", replyJSON: "json", replyData: "data"}[r.kind] + ")"
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

// TextReply sends the client text (text/plain). The service sends no message
// for an empty one.
func TextReply(s string) Reply {
	return Reply{kind: replyText, contentType: contentText, text: s}
}

// JSONReply sends the client v as JSON (application/json), encoded by
// encoding/json when the reply is written. A value that cannot be encoded
// becomes a 500.
func JSONReply(v any) Reply {
	return Reply{kind: replyJSON, contentType: contentJSON, value: v}
}

// BinaryReply sends the client bytes (application/octet-stream). The service
// sends no message for empty ones. The handler does not change or keep data.
func BinaryReply(data []byte) Reply {
	return Reply{kind: replyData, contentType: contentBinary, data: data}
}

// DataReply sends the client a payload of any media type. An MQTT client
// receives the type as it is; for all other clients the service knows only
// text/plain, application/json and application/octet-stream, and anything else
// becomes a 500 here, as it would fail there.
func DataReply(contentType string, data []byte) Reply {
	return Reply{kind: replyData, contentType: contentType, data: data}
}
