package frame_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/protoschema"
)

// FuzzProtobufDecode compares Decode with Google's decoder: which frames are valid, and
// what is in them.
func FuzzProtobufDecode(f *testing.F) {
	for _, tt := range protobufFrames {
		f.Add(downstream(f, tt.text))
	}
	f.Add([]byte("\x0a\x02\x08\x01\x0a\x02\x10\x01\x22\x00\x1a\x02\x12\x00"))
	f.Add([]byte("\x12\x14\x0a\x06server\x1a\x0a\x1a\x03\x0a\x01u\x1a\x03\x12\x01\x01"))
	f.Add([]byte("\x12\x1b\x0a\x06server\x1a\x02\x0a\x00\x2a\x05\x0a\x01k\x08\x01\x2a\x04\x12\x02vv"))
	f.Add([]byte(strings.Repeat("\x5b", 100) + strings.Repeat("\x5c", 100)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got frame.Frame
		err := frame.ProtobufCodec{}.Decode(b, &got)
		oracle, oracleErr := protoschema.Decode(protoschema.Downstream(), b)
		if errors.Is(oracleErr, protoschema.ErrUndecided) {
			return
		}
		if oracleErr != nil {
			require.Error(t, err, "%x: %v", b, oracleErr)
			return
		}
		want, valid := frameOf(message{oracle})
		if !valid {
			require.Error(t, err, "%x", b)
			require.Equal(t, want.Sequence, got.Sequence, "%x", b)
			return
		}
		require.NoError(t, err, "%x", b)
		if got.Kind == frame.Unknown {
			require.Equal(t, frame.Unknown, want.Kind, "%x", b)
			require.Equal(t, want.Sequence, got.Sequence, "%x", b)
			return
		}
		if got.Data.Type == frame.Protobuf { // two serialized messages may be one
			require.Equal(t, canonical(t, want.Data.Bytes), canonical(t, got.Data.Bytes))
			want.Data.Bytes, got.Data.Bytes = nil, nil
		}
		require.Equal(t, want, got, "%x", b)
	})
}

func canonical(t *testing.T, serialized []byte) []byte {
	t.Helper()
	var a anypb.Any
	require.NoError(t, proto.Unmarshal(serialized, &a))
	a.ProtoReflect().SetUnknown(nil)
	b, err := proto.Marshal(&a)
	require.NoError(t, err)
	return b
}

// frameOf returns the frame of a DownstreamMessage. It reports false if the message
// lacks a field that it requires.
func frameOf(m message) (f frame.Frame, valid bool) {
	switch one, _ := m.oneof("message"); one {
	case "ack_message":
		m = m.in(one)
		return frame.Frame{Kind: frame.Ack, AckID: m.number("ack_id"), Success: m.number("success") != 0, Failure: m.failure("error")}, true
	case "data_message":
		return dataFrameOf(m.in(one))
	case "system_message":
		m = m.in(one)
		switch one, _ := m.oneof("message"); one {
		case "connected_message":
			m = m.in(one)
			f = frame.Frame{Kind: frame.Connected, ID: m.text("connection_id"), UserID: m.text("user_id"), Token: m.text("reconnection_token")}
			return f, f.ID != ""
		case "disconnected_message":
			return frame.Frame{Kind: frame.Disconnected, Message: m.in(one).text("reason")}, true
		}
		return f, true
	case "pong_message":
		return frame.Frame{Kind: frame.Pong}, true
	case "invoke_response_message":
		m = m.in(one)
		f = frame.Frame{Kind: frame.InvokeResponse, ID: m.text("invocation_id"), Success: m.number("success") != 0, Failure: m.failure("error"), Metadata: m.entries("metadata")}
		if f.Success {
			f.Data = m.payload("data")
		}
		return f, f.ID != ""
	case "stream_ack_message":
		m = m.in(one)
		f = frame.Frame{Kind: frame.StreamAck, ID: m.text("stream_id"), Expected: m.number("expected_sequence_id")}
		return f, f.ID != ""
	case "stream_nack_message":
		m = m.in(one)
		failure := &frame.Failure{Name: m.text("name"), Message: m.text("message")}
		f = frame.Frame{Kind: frame.StreamNack, ID: m.text("stream_id"), Expected: m.number("expected_sequence_id"), Message: failure.Message, Failure: failure}
		return f, f.ID != ""
	case "stream_closed_message":
		m = m.in(one)
		f = frame.Frame{Kind: frame.StreamClosed, ID: m.text("stream_id"), Failure: m.failure("error")}
		return f, f.ID != ""
	case "group_state_update_message":
		return statesFrameOf(m.in(one), frame.GroupStateUpdate)
	case "group_state_snapshot_message":
		return statesFrameOf(m.in(one), frame.GroupStateSnapshot)
	}
	return f, true
}

func dataFrameOf(m message) (f frame.Frame, valid bool) {
	f = frame.Frame{Group: m.text("group"), Data: m.payload("data"), Sequence: m.number("sequence_id"), Metadata: m.entries("metadata")}
	switch m.text("from") {
	case "group":
		f.Kind = frame.GroupMessage
	case "server":
		f.Kind = frame.ServerMessage
	default:
		return f, true
	}
	if m.has("stream") {
		s := m.in("stream")
		f.Stream = &frame.Stream{ID: s.text("stream_id"), Sequence: s.number("stream_sequence_id"), End: s.number("end_of_stream") != 0, Failure: s.failure("error")}
		if f.Stream.End && f.Data.Type == frame.None {
			f.Data = text("")
		}
		if f.Stream.ID == "" || f.Stream.Sequence == 0 {
			return f, false
		}
	}
	return f, f.Data.Type != frame.None
}

func statesFrameOf(m message, kind frame.Kind) (f frame.Frame, valid bool) {
	f = frame.Frame{Kind: kind, Group: m.text("group"), Sequence: m.number("sequence_id")}
	valid = f.Group != ""
	for i, items := 0, m.m.Get(m.field("items")).List(); i < items.Len(); i++ {
		item := message{items.Get(i).Message()}
		s := frame.State{ConnectionID: item.text("connection_id"), UserID: item.text("user_id"), UpdatedAt: item.m.Get(item.field("updated_at")).Int()}
		if item.has("state") {
			if s.Entries = item.in("state").entries("entries"); s.Entries == nil {
				s.Entries = map[string]string{}
			}
		}
		f.States = append(f.States, s)
		valid = valid && s.ConnectionID != ""
	}
	return f, valid
}

// oneof returns the name of the field that is set; empty if none is.
func (m message) oneof(name string) (field string, ok bool) {
	f := m.m.WhichOneof(m.m.Descriptor().Oneofs().ByName(protoreflect.Name(name)))
	if f == nil {
		return "", false
	}
	return string(f.Name()), true
}

func (m message) has(name string) bool { return m.m.Has(m.field(name)) }

func (m message) text(name string) string { return m.m.Get(m.field(name)).String() }

func (m message) number(name string) uint64 {
	switch v := m.m.Get(m.field(name)).Interface().(type) {
	case uint64:
		return v
	case bool:
		if v {
			return 1
		}
	}
	return 0
}

func (m message) entries(name string) (out map[string]string) {
	m.m.Get(m.field(name)).Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		if out == nil {
			out = map[string]string{}
		}
		out[k.String()] = v.String()
		return true
	})
	return out
}

func (m message) failure(name string) *frame.Failure {
	if !m.has(name) {
		return nil
	}
	e := m.in(name)
	f := &frame.Failure{Name: e.text("name"), Message: e.text("message")}
	if e.field("user_error_code") != nil {
		f.UserErrorCode = e.text("user_error_code")
	}
	return f
}

func (m message) payload(name string) frame.Data {
	if !m.has(name) {
		return frame.Data{}
	}
	d := m.in(name)
	switch one, _ := d.oneof("data"); one {
	case "text_data":
		return text(d.text(one))
	case "json_data":
		return jsonOf(d.text(one))
	case "binary_data":
		return frame.Data{Type: frame.Binary, Bytes: append([]byte{}, d.m.Get(d.field(one)).Bytes()...)}
	case "protobuf_data":
		b, err := proto.Marshal(d.in(one).m.Interface())
		if err != nil {
			panic(err)
		}
		return frame.Data{Type: frame.Protobuf, Bytes: b}
	}
	return frame.Data{}
}
