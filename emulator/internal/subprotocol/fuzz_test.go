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
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// assertSame reads a written message with a decoder that is not ours.
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
		assert.Equal(t, string(m.Data), string(out.Data), "as it came, numbers too long for a float as well")
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

// FuzzJSON holds what is read of a frame to what the hub relies on, and writes
// its message again.
func FuzzJSON(f *testing.F) {
	for _, frame := range slices.Concat(validFrames(), invalidFrames()) {
		f.Add([]byte(frame))
	}
	p := subprotocol.Choose(wire.SubprotocolJSONReliable)
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
		case subprotocol.JoinGroup:
			require.NoError(t, rule.AcceptGroup(req.Group))
		case subprotocol.SendToGroup:
			require.NoError(t, rule.AcceptGroup(req.Message.Group))
			m = req.Message
		case subprotocol.SendEvent:
			m = req.Message
		case subprotocol.Invoke:
			m = req.Message
		case subprotocol.StreamData:
			m = req.Message
		case subprotocol.StartStream:
			assert.NotEmpty(t, req.ID)
			assert.GreaterOrEqual(t, req.Idle, time.Duration(0))
		}
		if m != nil {
			require.NoError(t, rule.CheckMetadata(m.Metadata))
			if m.Type == hub.JSON {
				require.NoError(t, jsonscan.Check(string(m.Data)), "clients can read it")
			}
			frame := p.Sequenced(m, p.Message(m), 7)
			assertSame(t, m, frame.Data)
		}
	})
}
