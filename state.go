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
// set, as a header. The service does not document a limit.
//
// Proxies in front of the handler accept less by default: nginx answers 502 if the
// header of an answer is longer than proxy_buffer_size (4 KiB, on some systems
// 8 KiB), and 400 if a line of an event's header, such as its state, is longer than a
// buffer of large_client_header_buffers (8 KiB). For states of up to MaxStateBytes set
//
//	proxy_buffer_size 16k;
//	proxy_buffers 8 16k;
//	large_client_header_buffers 4 16k;
//
// The handler logs a warning when an answer's header first exceeds 4 KiB.
const MaxStateBytes = 8 << 10

// StateCodec is an encoding of states. Both are base64 of a JSON object, with
// different members. In a sealed state the JSON object is encrypted instead.
type StateCodec uint8

const (
	// StateJSON encodes members as JSON, like npm's web-pubsub-express.
	StateJSON StateCodec = iota
	// StateDotNet encodes each member as base64 of its JSON, like .NET's
	// Microsoft.Azure.WebPubSub.AspNetCore. Use it to share connections with a .NET
	// handler. Neither library can decode the other's states.
	StateDotNet
)

// State decodes and encodes a connection's state as a T: a struct, a map, or another
// type that encodes to a JSON object. Declare one for each hub:
//
//	var session webpubsub.State[Session]
//
// The service keeps the state with the connection and sends it with every later
// event, so that servers need not store it. The reply to a connect or user event
// sets it. It ends with the connection.
//
// A state without Seal is not protected: anyone who can forge an event of the connection
// can choose it. See the package's notes on security before trusting it.
type State[T any] struct {
	// Codec is the encoding. The zero value is [StateJSON].
	Codec StateCodec
	// Seal encrypts the state and binds it to its hub and connection, so that only a
	// holder of the keys can read or make one. The header is then longer by 46 to 49 bytes.
	// Get returns an error for every other state: [ErrStateNotSealed],
	// [ErrStateKey], [ErrStateForged] or [ErrStateFormat]. Nil means that states are
	// not sealed.
	//
	// Get accepts an earlier state of the same connection, since a seal does not show its
	// age. It also accepts an event without a state, unless Required is set.
	Seal *SealKeys
	// InsecureReadUnsealed makes Get accept states without a seal although Seal is set.
	// It is for the time in which connections from before Seal are still open. Anyone who
	// can forge an event can then leave the seal out. [State.Set] always seals.
	InsecureReadUnsealed bool
	// Required makes Get return [ErrStateMissing] if the event has no state, instead of
	// the zero T. Set it if the reply to every connect event sets the state: a
	// forged event can leave the state out. A connect event never has a state.
	Required bool
}

// Get decodes the state of an event. Without a state it returns the zero T, unless
// Required is set. It returns a [*DecodeError] and the zero T if the state does not
// decode to a T, or its seal is not valid.
func (s State[T]) Get(ev Event) (T, error) {
	var v T
	m := ev.EventMeta()
	if m.RawState == "" && !s.Required {
		return v, nil
	}
	data, err := s.open(m)
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

// open returns the bytes of an event's state, as the codec encodes them.
func (s State[T]) open(m *Meta) ([]byte, error) {
	sealed := isSealed(m.RawState)
	switch {
	case m.RawState == "":
		return nil, ErrStateMissing
	case s.Seal != nil && (sealed || !s.InsecureReadUnsealed):
		return s.Seal.open(m, m.RawState)
	case sealed:
		return nil, errors.New("the state is sealed, but State.Seal is nil")
	}
	return decodeBase64(m.RawState)
}

// Set returns the update that replaces the whole state by v, for the State field of a
// [ConnectReply] or [Reply]. v is encoded, and sealed for the event's connection, when
// the reply is written. If it cannot be encoded, or is longer than [MaxStateBytes] as a
// header, the answer is a 500. Unlike web-pubsub-express's setState, Set does not keep
// members that v does not have.
func (s State[T]) Set(v T) StateUpdate {
	codec, seal, of := s.Codec, s.Seal, reflect.TypeFor[T]()
	if seal != nil {
		return StateUpdate{of: of, encode: func(m *Meta) (string, error) {
			data, err := codec.encode(v, reflect.TypeFor[T]())
			if err != nil {
				return "", err
			}
			return seal.seal(m, data)
		}}
	}
	return StateUpdate{of: of, encode: func(*Meta) (string, error) { // a smaller closure: most states have no seal
		data, err := codec.encode(v, reflect.TypeFor[T]())
		return base64.StdEncoding.EncodeToString(data), err
	}}
}

// Clear returns the update that sets the state to an empty object. A reply without an
// update keeps the state.
func (s State[T]) Clear() StateUpdate {
	if seal := s.Seal; seal != nil {
		return StateUpdate{of: reflect.TypeFor[T](), encode: func(m *Meta) (string, error) { return seal.seal(m, []byte("{}")) }}
	}
	return RawState(base64.StdEncoding.EncodeToString([]byte("{}")))
}

// StateUpdate is the effect of a reply on the connection's state. The zero value
// keeps the state. [State.Set], [State.Clear] and [RawState] return others.
type StateUpdate struct {
	encode func(*Meta) (string, error) // for the connection of an event
	of     reflect.Type                // of the state; nil for RawState
}

// RawState returns the update that sets the state to s, which must be printable ASCII
// of at most [MaxStateBytes].
func RawState(s string) StateUpdate {
	return StateUpdate{encode: func(*Meta) (string, error) { return s, nil }}
}

// Encode returns the state that the update sets for the connection of an event, as its
// header has it, and reports whether it sets one. It is for code that wraps the functions
// of a handler: [RawState] sets the state again.
func (u StateUpdate) Encode(ev Event) (state string, set bool, err error) {
	return u.header(ev.EventMeta())
}

// header returns the value of ce-connectionState for the connection of an event, and
// whether to send it.
func (u StateUpdate) header(m *Meta) (value string, set bool, err error) {
	if u.encode == nil {
		return "", false, nil
	}
	value, err = u.encode(m)
	if err != nil {
		return "", false, fmt.Errorf("encode connection state: %w", err)
	}
	if len(value) > MaxStateBytes {
		what := "given to RawState"
		if u.of != nil {
			what = "of type " + u.of.String()
		}
		return "", false, fmt.Errorf("connection state %s has %d bytes as a header, at most %d are sent: keep what is long in a store of your own, and its key in the state", what, len(value), MaxStateBytes)
	}
	if !rule.IsHeaderValue(value) {
		return "", false, errors.New("connection state is not printable ASCII without leading or trailing space")
	}
	return value, true, nil
}

// decodeBase64 decodes either alphabet, padded or not, like Node.
func decodeBase64(s string) ([]byte, error) {
	s = strings.TrimRight(s, "=")
	if strings.ContainsAny(s, "-_") {
		return base64.RawURLEncoding.DecodeString(s)
	}
	return base64.RawStdEncoding.DecodeString(s)
}

// encode returns the object that a state of a type encodes to, before base64.
func (c StateCodec) encode(v any, of reflect.Type) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if isObject(data) != nil {
		return nil, fmt.Errorf("a %s is not a JSON object, which web-pubsub-express and .NET expect; use a struct, or a map that is not nil", of)
	}
	if c == StateDotNet {
		return toDotNet(data)
	}
	return data, nil
}

func isObject(data []byte) error {
	if data = bytes.TrimLeft(data, " \t\r\n"); len(data) == 0 || data[0] != '{' {
		return errors.New("not a JSON object")
	}
	return nil
}

// fromDotNet returns the JSON of an object of base64 members. It keeps members that
// older versions of the .NET library wrote as JSON or text.
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

// dotNetMember returns the JSON value of a member. Bytes that are not text stay base64,
// which encoding/json decodes to a []byte. So does an older version's text that
// happens to be valid base64.
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
