package subprotocol_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// FuzzJSON holds what is read of a frame to what the hub relies on, and writes
// its message again.
func FuzzJSON(f *testing.F) {
	for _, frame := range append(validFrames(), invalidFrames()...) {
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
			require.NoError(t, subprotocol.CheckGroup(req.Group))
		case subprotocol.SendToGroup:
			require.NoError(t, subprotocol.CheckGroup(req.Message.Group))
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
			require.NoError(t, subprotocol.CheckMetadata(m.Metadata))
			frame := p.Sequenced(m, p.Message(m), 7)
			assert.True(t, json.Valid(frame.Data), "%s", frame.Data)
		}
	})
}
