package subprotocol_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/protoschema"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// assertSame decodes a frame with encoding/json and compares it with its message.
func assertSame(t *testing.T, m *hub.Message, frame []byte) {
	t.Helper()
	var out struct {
		SequenceID uint64
		Type, From string
		Group      string
		DataType   string
		Data       json.RawMessage
		Metadata   map[string]string
	}
	require.NoError(t, json.Unmarshal(frame, &out), "%s", frame)
	assert.Equal(t, uint64(7), out.SequenceID)
	assert.Equal(t, m.Group, out.Group)
	if len(m.Metadata) > 0 || out.Metadata != nil {
		assert.Equal(t, m.Metadata, out.Metadata)
	}
	switch out.DataType {
	case "json":
		assert.Equal(t, string(m.Data), string(out.Data), "unchanged, also numbers that a float64 cannot represent")
	case "text":
		var text string
		require.NoError(t, json.Unmarshal(out.Data, &text))
		assert.Equal(t, string(m.Data), text)
	default:
		var data []byte
		require.NoError(t, json.Unmarshal(out.Data, &data))
		assert.Equal(t, m.Data, data)
	}
}

// checkState compares the frames of a state, in both formats, with encoding/json and with
// Google's decoder.
func checkState(t *testing.T, state map[string]string) {
	t.Helper()
	m := &hub.Message{Group: "g", States: &hub.GroupStates{Items: []hub.GroupState{{ConnectionID: "c", Entries: state, UpdatedAt: 1}}}}
	codec := subprotocol.JSON{}.Output().Codec
	var out struct {
		SequenceID uint64
		Items      []struct{ State map[string]string }
	}
	frame := codec.AppendSequenced(nil, codec.Message(m).Data, 7)
	require.NoError(t, json.Unmarshal(frame, &out), "%s", frame)
	require.Len(t, out.Items, 1)
	assert.Equal(t, state, out.Items[0].State)
	assert.Equal(t, uint64(7), out.SequenceID)

	decoded, err := protoschema.Decode(protoschema.Downstream(), sequenced(m, 7))
	require.NoError(t, err)
	update := message{decoded}.message("group_state_update_message")
	assert.Equal(t, uint64(7), update.get("sequence_id").Uint())
	item := message{update.get("items").List().Get(0).Message()}
	require.Equal(t, state != nil, item.has("state"))
	if len(state) > 0 {
		assert.Equal(t, state, item.message("state").pairs("entries"))
	}
}

// FuzzJSON checks what the hub relies on, and that messages survive encoding.
func FuzzJSON(f *testing.F) {
	for _, frame := range slices.Concat(validFrames(), invalidFrames()) {
		f.Add([]byte(frame))
	}
	p := subprotocol.Choose(wire.SubprotocolJSONReliable, subprotocol.Raw{})
	f.Fuzz(func(t *testing.T, data []byte) {
		req, violation := p.Read(false, data)
		if violation != nil {
			require.Nil(t, req)
			assert.Equal(t, hub.CloseInvalid, violation.Code)
			return
		}
		require.NotNil(t, req)
		var m *hub.Message
		switch req := req.(type) {
		case hub.JoinGroup:
			require.NoError(t, rule.AcceptGroup(req.Group))
		case hub.SendToGroup:
			require.NoError(t, rule.AcceptGroup(req.Message.Group))
			m = req.Message
		case hub.SendEvent:
			m = req.Message
		case hub.Invoke:
			m = req.Message
		case hub.StreamData:
			m = req.Message
		case hub.StartStream:
			assert.NotEmpty(t, req.ID)
			assert.GreaterOrEqual(t, req.Idle, time.Duration(0))
		}
		if m != nil {
			require.NoError(t, rule.CheckMetadata(m.Metadata))
			if m.Type == hub.JSON {
				require.NoError(t, jsonscan.Check(string(m.Data)), "clients can decode it")
			}
			codec := p.Output().Codec
			assertSame(t, m, codec.AppendSequenced(nil, codec.Message(m).Data, 7))
			checkMessage(t, m, 7) // for a protobuf client
		}
		if set, ok := req.(hub.SetGroupState); ok {
			checkState(t, set.State)
		}
	})
}
