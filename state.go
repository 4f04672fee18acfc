package webpubsub

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// MaxStateBytes is the length of the longest connection state that a reply can
// set, as it stands in the header. The service documents no limit.
//
// Proxies in front of the handler take less by default: nginx answers 502 if the
// header of an answer is longer than proxy_buffer_size (4 KiB, on some systems
// 8 KiB), and 400 if a line of an event's header, such as the state that comes
// back, is longer than a buffer of large_client_header_buffers (8 KiB). For states
// of up to MaxStateBytes set
//
//	proxy_buffer_size 16k;
//	proxy_buffers 8 16k;
//	large_client_header_buffers 4 16k;
//
// The handler logs a warning when an answer's header first exceeds 4 KiB.
const MaxStateBytes = 8 << 10

// StateCodec is the way in which a state is written. Both are base64 of a JSON
// object; they differ in its members.
type StateCodec uint8

const (
	// StateJSON writes plain JSON members, as npm's web-pubsub-express does.
	StateJSON StateCodec = iota
	// StateDotNet writes each member as base64 of its JSON, as .NET's
	// Microsoft.Azure.WebPubSub.AspNetCore does. Choose it to share connections
	// with a .NET handler; neither library can read the other's states.
	StateDotNet
)

// State reads and writes a connection's state as a T, which must be a struct or
// map, or whatever else encodes to a JSON object. Declare one for each hub:
//
//	var session webpubsub.State[Session]
//
// The service keeps the state with the connection and sends it with every later
// event, so that no server needs a memory of its own. It is set by the reply to
// a connect or user event that succeeds, and lost with the connection. It is
// not signed: see the package's notes on security before you trust it.
type State[T any] struct {
	// Codec is the way the state is written; the zero value is [StateJSON].
	Codec StateCodec
}

// Get reads the state that came with an event. Without one, it is the zero T. A
// state that is not a T, or was written by somebody else, is an error, and never
// one that fails the request by itself: the function that called Get decides.
func (s State[T]) Get(ev Event) (T, error) {
	var v T
	raw := ev.EventMeta().RawState
	if raw == "" {
		return v, nil
	}
	data, err := decodeBase64(raw)
	if err == nil && s.Codec == StateDotNet {
		data, err = fromDotNet(data)
	}
	if err == nil {
		err = isObject(data)
	}
	if err == nil {
		err = jsonscan.Unmarshal(data, &v)
	}
	if err != nil {
		var zero T
		return zero, &DecodeError{What: "connection state", Err: err}
	}
	return v, nil
}

// Set makes the update that replaces the whole state by v. It goes into the
// State field of a [ConnectReply] or [Reply]; v is encoded when the reply is
// written, and one that cannot be encoded, or is longer than [MaxStateBytes],
// makes the reply fail with 500. Members of the state that v does not have are
// gone, where web-pubsub-express's setState would keep them.
func (s State[T]) Set(v T) StateUpdate {
	return StateUpdate{encode: func() (string, error) {
		data, err := json.Marshal(v)
		if err != nil {
			return "", err
		}
		if isObject(data) != nil {
			return "", fmt.Errorf("a %s is not a JSON object, which web-pubsub-express and .NET expect; use a struct, or a map that is not nil", reflect.TypeFor[T]())
		}
		if s.Codec == StateDotNet {
			if data, err = toDotNet(data); err != nil {
				return "", err
			}
		}
		return base64.StdEncoding.EncodeToString(data), nil
	}, of: ofType[T]}
}

func ofType[T any]() string { return "of type " + reflect.TypeFor[T]().String() }

// Clear makes the update that empties the state: it is written as an empty
// object, since a reply without a state keeps the old one.
func (s State[T]) Clear() StateUpdate {
	return RawState(base64.StdEncoding.EncodeToString([]byte("{}")))
}

// StateUpdate is what a reply does to the connection's state. The zero value
// keeps it. [State.Set], [State.Clear] and [RawState] make the others.
type StateUpdate struct {
	encode func() (string, error)
	of     func() string // what the state is, for errors; nil: a text of the user's
}

// RawState sets the state to a string of one's own format: printable ASCII of at
// most [MaxStateBytes]. The empty string empties it.
func RawState(s string) StateUpdate {
	return StateUpdate{encode: func() (string, error) { return s, nil }}
}

// header returns the value of ce-connectionState, and whether to send it.
func (u StateUpdate) header() (value string, set bool, err error) {
	if u.encode == nil {
		return "", false, nil
	}
	value, err = u.encode()
	if err != nil {
		return "", false, fmt.Errorf("encode connection state: %w", err)
	}
	if len(value) > MaxStateBytes {
		return "", false, u.tooLong(len(value))
	}
	if !rule.IsHeaderValue(value) {
		return "", false, errors.New("connection state is not printable ASCII without leading or trailing space")
	}
	return value, true, nil
}

func (u StateUpdate) tooLong(size int) error {
	what := "given to RawState"
	if u.of != nil {
		what = u.of()
	}
	return fmt.Errorf("connection state %s has %d bytes as a header, at most %d are sent: keep what is long in a store of your own, and its key in the state", what, size, MaxStateBytes)
}

// decodeBase64 reads either alphabet, padded or not, as Node does.
func decodeBase64(s string) ([]byte, error) {
	s = strings.TrimRight(s, "=")
	if strings.ContainsAny(s, "-_") {
		return base64.RawURLEncoding.DecodeString(s)
	}
	return base64.RawStdEncoding.DecodeString(s)
}

func isObject(data []byte) error {
	if data = bytes.TrimLeft(data, " \t\r\n"); len(data) == 0 || data[0] != '{' {
		return errors.New("not a JSON object")
	}
	return nil
}

// fromDotNet makes plain JSON of an object of base64 members. Members of .NET's
// older versions, plain JSON or text, are taken as they are.
func fromDotNet(data []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := jsonscan.Unmarshal(data, &members); err != nil {
		return nil, err
	}
	for name, raw := range members {
		members[name] = dotNetMember(raw)
	}
	return json.Marshal(members)
}

// dotNetMember returns the JSON value that a member stands for. Bytes that are no
// text stay base64, which is how encoding/json reads a []byte; so does an older
// version's text that merely looks like base64.
func dotNetMember(raw json.RawMessage) json.RawMessage {
	var text *string
	if json.Unmarshal(raw, &text) != nil || text == nil {
		return raw
	}
	value, err := base64.StdEncoding.DecodeString(*text)
	if err != nil {
		value = []byte(*text)
	}
	if json.Valid(value) {
		return value
	}
	if err != nil || !utf8.Valid(value) {
		return raw
	}
	quoted, err := json.Marshal(string(value))
	if err != nil {
		return raw
	}
	return quoted
}

func toDotNet(data []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, err
	}
	encoded := make(map[string][]byte, len(members)) // encoding/json writes []byte as base64
	for name, raw := range members {
		encoded[name] = raw
	}
	return json.Marshal(encoded)
}
