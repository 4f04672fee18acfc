package hub_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

func TestLateStreamTimerDoesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock := &late{now: time.Now()}
		h := newHub(clock, &ends{})
		var frames []string
		c := connect(t, h, newLink(&frames))
		c.Do(hub.StartStream{ID: "s", Group: "nobody", NoEcho: true, Idle: time.Second})
		synctest.Wait()
		clock.now = clock.now.Add(999 * time.Millisecond)
		c.Do(hub.StreamData{ID: "s", Sequence: 1, Message: &hub.Message{Type: hub.Text}})
		synctest.Wait()
		clock.now = clock.now.Add(time.Millisecond)
		clock.fires[0]() // the timer of the start: the data was too late to stop it
		c.Do(hub.StreamData{ID: "s", Sequence: 2, Message: &hub.Message{Type: hub.Text}})
		synctest.Wait()
		var last map[string]any
		require.NoError(t, json.Unmarshal([]byte(frames[len(frames)-1]), &last))
		assert.Equal(t, map[string]any{"type": "streamAck", "streamId": "s", "expectedSequenceId": 3.0}, last)
	})
}
