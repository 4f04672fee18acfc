package subprotocol_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/protoschema"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// message reads a message of Google's library by the names of its fields.
type message struct{ protoreflect.Message }

func (m message) field(name string) protoreflect.FieldDescriptor {
	return m.Descriptor().Fields().ByName(protoreflect.Name(name))
}

func (m message) has(name string) bool { return m.field(name) != nil && m.Has(m.field(name)) }

func (m message) get(name string) protoreflect.Value { return m.Get(m.field(name)) }

func (m message) text(name string) string { return m.get(name).String() }

func (m message) message(name string) message { return message{m.get(name).Message()} }

func (m message) unsigned(name string) *uint64 {
	if !m.has(name) {
		return nil
	}
	n := m.get(name).Uint()
	return &n
}

func (m message) pairs(name string) map[string]string {
	var out map[string]string
	m.get(name).Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		if out == nil {
			out = make(map[string]string)
		}
		out[k.String()] = v.String()
		return true
	})
	return out
}

// reference returns the request in an UpstreamMessage that Google's decoder has read. It
// reports false if the request is invalid.
func reference(m message) (hub.Request, bool) {
	which := m.WhichOneof(m.Descriptor().Oneofs().ByName("message"))
	if which == nil {
		return nil, false
	}
	in := message{m.Get(which).Message()}
	validID := func(name string) bool { return in.text(name) != "" && rule.CheckID("", in.text(name)) == nil }
	switch which.Name() {
	case "send_to_group_message":
		return referenceSend(in)
	case "event_message":
		data, ok := referenceData(in)
		return hub.SendEvent{Event: in.text("event"), AckID: in.unsigned("ack_id"), Message: data}, ok && rule.CheckEvent(in.text("event")) == nil && !in.has("stream")
	case "join_group_message":
		return hub.JoinGroup{Group: in.text("group"), AckID: in.unsigned("ack_id")}, rule.AcceptGroup(in.text("group")) == nil
	case "leave_group_message":
		return hub.LeaveGroup{Group: in.text("group"), AckID: in.unsigned("ack_id")}, rule.AcceptGroup(in.text("group")) == nil
	case "sequence_ack_message":
		return hub.SequenceAck{ID: in.get("sequence_id").Uint()}, true
	case "ping_message":
		return hub.Ping{}, true
	case "invoke_event_message":
		data, ok := &hub.Message{Type: hub.Text}, true
		if in.has("data") || len(in.pairs("metadata")) > 0 {
			data, ok = referenceData(in)
		}
		return hub.Invoke{ID: in.text("invocation_id"), Event: in.text("event"), Message: data}, ok && validID("invocation_id") && rule.CheckEvent(in.text("event")) == nil && !in.has("stream")
	case "cancel_invocation_message":
		return hub.CancelInvocation{ID: in.text("invocation_id")}, validID("invocation_id")
	case "stream_data_message":
		if !in.has("stream_sequence_id") && !in.has("data") {
			return hub.StreamData{ID: in.text("stream_id")}, validID("stream_id")
		}
		data, ok := referenceData(in)
		sequence := in.get("stream_sequence_id").Uint()
		return hub.StreamData{ID: in.text("stream_id"), Sequence: sequence, Message: data}, ok && sequence > 0 && validID("stream_id")
	case "set_group_state_message":
		out := hub.SetGroupState{Group: in.text("group"), AckID: in.unsigned("ack_id")}
		if in.has("state") {
			if out.State = in.message("state").pairs("entries"); out.State == nil {
				out.State = map[string]string{}
			}
		}
		return out, rule.AcceptGroup(in.text("group")) == nil
	case "subscribe_group_state_message":
		return hub.SubscribeGroupState{Group: in.text("group"), AckID: in.unsigned("ack_id")}, rule.AcceptGroup(in.text("group")) == nil
	case "unsubscribe_group_state_message":
		return hub.UnsubscribeGroupState{Group: in.text("group"), AckID: in.unsigned("ack_id")}, rule.AcceptGroup(in.text("group")) == nil
	case "stream_end_message":
		out := hub.StreamEnd{ID: in.text("stream_id")}
		if in.has("error") {
			failure := in.message("error")
			out.Error = &hub.RequestError{Name: "UserError", Message: failure.text("message"), UserErrorCode: failure.text("user_error_code")}
		}
		return out, validID("stream_id")
	}
	return nil, false
}

func referenceSend(in message) (hub.Request, bool) {
	group := in.text("group")
	valid := rule.AcceptGroup(group) == nil
	noEcho := in.get("no_echo").Bool()
	if in.has("stream") {
		start := in.message("stream")
		idle := start.unsigned("idle_timeout_ms")
		out := hub.StartStream{ID: start.text("stream_id"), Group: group, NoEcho: noEcho}
		if idle != nil {
			out.Idle = time.Duration(*idle) * time.Millisecond
		}
		return out, valid && out.ID != "" && rule.CheckID("", out.ID) == nil && (idle == nil || *idle > 0) && !in.has("data") && !in.has("ack_id")
	}
	data, ok := referenceData(in)
	ttl := in.get("ttl_seconds").Uint()
	if data != nil {
		data.Group = group
	}
	return hub.SendToGroup{Message: data, NoEcho: noEcho, TTL: time.Duration(ttl) * time.Second, AckID: in.unsigned("ack_id")}, valid && ok && ttl <= 300
}

func referenceData(in message) (*hub.Message, bool) {
	out := &hub.Message{Type: hub.Text, Data: []byte{}}
	if in.field("metadata") != nil {
		out.Metadata = in.pairs("metadata")
	}
	valid := rule.CheckMetadata(out.Metadata) == nil
	if !in.has("data") {
		return out, valid && len(out.Metadata) > 0
	}
	d := in.message("data")
	switch {
	case d.has("text_data"):
		out.Data = []byte(d.text("text_data"))
	case d.has("binary_data"):
		out.Type, out.Data = hub.Binary, d.get("binary_data").Bytes()
	case d.has("protobuf_data"):
		out.Type = hub.Protobuf
		out.Data, _ = proto.MarshalOptions{Deterministic: true}.Marshal(d.get("protobuf_data").Message().Interface())
	case d.has("json_data"):
		out.Type, out.Data = hub.JSON, []byte(d.text("json_data"))
		valid = valid && json.Valid(out.Data) && strings.TrimSpace(d.text("json_data")) != "null" && jsonscan.Check(d.text("json_data")) == nil
	default:
		return out, false
	}
	return out, valid
}

// messageOf returns the message of a request, or nil.
func messageOf(req hub.Request) *hub.Message {
	switch req := req.(type) {
	case hub.SendToGroup:
		return req.Message
	case hub.SendEvent:
		return req.Message
	case hub.Invoke:
		return req.Message
	case hub.StreamData:
		return req.Message
	}
	return nil
}

// canonical encodes the Any of a request as Google's encoder does: the request has it as
// the client has sent it.
func canonical(t *testing.T, req hub.Request) {
	t.Helper()
	m := messageOf(req)
	if m == nil || m.Type != hub.Protobuf {
		return
	}
	// The generated type would not keep unknown fields as they are.
	a, err := protoschema.Decode((*anypb.Any)(nil).ProtoReflect().Descriptor(), m.Data)
	require.NoError(t, err)
	m.Data, err = proto.MarshalOptions{Deterministic: true}.Marshal(a)
	require.NoError(t, err)
}

// FuzzProtobuf compares the decoder, and the encoder of messages, with Google's.
func FuzzProtobuf(f *testing.F) {
	for _, tt := range goldenRequests {
		f.Add(decodeBase64(f, tt.frame))
	}
	for _, tt := range protobufFrames {
		f.Add(upstream(f, tt.text))
	}
	for _, text := range invalidTexts() {
		f.Add(upstream(f, text))
	}
	for _, frame := range malformed(f) {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		req, violation := protobuf.Read(true, frame)
		decoded, err := protoschema.Decode(protoschema.Upstream(), frame)
		if errors.Is(err, protoschema.ErrUndecided) {
			return
		}
		var want hub.Request
		valid := false
		if err == nil {
			want, valid = reference(message{decoded})
		}
		if violation != nil {
			require.Nil(t, req)
			require.False(t, valid, "%v: %v", violation, decoded)
			return
		}
		require.NoError(t, err)
		require.True(t, valid, "%v", decoded)
		sent := messageOf(req)
		if sent != nil {
			for _, sequenceID := range []uint64{0, 1, 1<<63 - 1} {
				checkMessage(t, sent, sequenceID)
			}
			m := &hub.Message{Group: sent.Group, Type: sent.Type, Data: append([]byte{}, sent.Data...), Metadata: sent.Metadata}
			if m.Type == hub.JSON {
				m.Data = bytes.Trim(m.Data, " \t\r\n")
			}
			codec := subprotocol.JSON{}.Output().Codec
			assertSame(t, m, codec.AppendSequenced(nil, codec.Message(m).Data, 7)) // for a JSON client
		}
		if set, ok := req.(hub.SetGroupState); ok {
			checkState(t, set.State)
		}
		canonical(t, req)
		assert.Equal(t, want, req)
	})
}
