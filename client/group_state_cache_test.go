package client_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// subscribed starts a client that has subscribed to the states of group g.
func subscribed(t *testing.T) (*fake, *client.Client, *peer, *recorder) {
	t.Helper()
	f := newFake(t)
	c := f.client(nil)
	seen := states(c, nil)
	p := f.start(c)
	run := begin(func() (client.Result, error) { return c.SubscribeGroupState(t.Context(), "g", nil) })
	p.expect(`{"type":"subscribeGroupState","group":"g","ackId":1}`)
	p.send(stateFrame("Snapshot", item("x", 1, "n=0"))) // it may come before the ack
	p.send(ack(1, ""))
	run.succeeds(t, client.Result{AckID: 1})
	require.Equal(t, []string{"snapshot of g x/ n=0"}, seen.settled())
	return f, c, p, seen
}

// stateFrame is a message about states in group g.
func stateFrame(kind string, items ...string) string {
	return fmt.Sprintf(`{"type":"groupState%s","group":"g","items":[%s]}`, kind, strings.Join(items, ","))
}

// item is a state of one entry, such as n=1; empty: a cleared state.
func item(id string, updatedAt int, entry string) string {
	if entry == "" {
		return fmt.Sprintf(`{"connectionId":%q,"updatedAt":%d}`, id, updatedAt)
	}
	name, value, _ := strings.Cut(entry, "=")
	return fmt.Sprintf(`{"connectionId":%q,"state":{%q:%q},"updatedAt":%d}`, id, name, value, updatedAt)
}

// TestGroupStateLatestCounts checks that an older state never replaces a later one.
func TestGroupStateLatestCounts(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		_, c, p, seen := subscribed(t)
		p.send(stateFrame("Update", item("a", 5, "n=5"), item("a", 4, "n=4"), item("a", 5, "n=6"), item("b", 1, "n=1")))
		assert.Equal(t, []string{"update of g a/ n=5 b/ n=1"}, seen.settled())
		p.send(stateFrame("Update", item("a", 5, "n=5")), stateFrame("Update", item("a", 5, "")))
		assert.Empty(t, seen.settled(), "nothing has changed")
		p.send(stateFrame("Update", item("a", 7, "")), stateFrame("Update", item("a", 6, "n=6")))
		assert.Equal(t, []string{"update of g a/-"}, seen.settled())
		p.send(stateFrame("Update", item("c", 1, "")))
		assert.Empty(t, seen.settled(), "there was no state")
		p.send(stateFrame("Snapshot", item("a", 6, "n=6"), item("b", 2, "n=2"), item("x", 1, "n=0")))
		assert.Equal(t, []string{"snapshot of g b/ n=2"}, seen.settled())
		assert.Equal(t, " b/ n=2 x/ n=0", list(c.GroupStates("g"), nil))
		p.send(strings.Replace(stateFrame("Update", item("a", 9, "n=9")), `"group":"g"`, `"group":"other"`, 1))
		assert.Empty(t, seen.settled(), "not subscribed")
		assert.Empty(t, c.GroupStates("other"))
	})
}

// TestGroupStateSnapshot checks that a snapshot ends the states that it lacks, except
// those of updates within five minutes.
func TestGroupStateSnapshot(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		_, c, p, seen := subscribed(t)
		p.send(stateFrame("Update", item("a", 1, "n=1")), stateFrame("Update", item("d", 1, "n=1")))
		seen.settled()
		pass(time.Minute)
		p.send(stateFrame("Update", item("b", 1, "n=1"), item("d", 2, "")))
		assert.Equal(t, []string{"update of g b/ n=1 d/-"}, seen.settled())
		pass(3*time.Minute + 59*time.Second)
		p.send(stateFrame("Snapshot", item("d", 1, "n=1")))
		assert.Equal(t, []string{"snapshot of g x/-"}, seen.settled(), "x was in a snapshot; d was cleared later")
		assert.Equal(t, " a/ n=1 b/ n=1", list(c.GroupStates("g"), nil))
		pass(time.Second)
		p.send(stateFrame("Snapshot"))
		assert.Equal(t, []string{"snapshot of g a/-"}, seen.settled(), "five minutes after its update")
		pass(time.Minute)
		p.send(stateFrame("Snapshot", item("d", 1, "n=1")))
		assert.Equal(t, []string{"snapshot of g d/ n=1 b/-"}, seen.settled(), "that d was cleared is forgotten")
		p.send(stateFrame("Snapshot"))
		assert.Equal(t, []string{"snapshot of g d/-"}, seen.settled())
		p.send(stateFrame("Snapshot"))
		assert.Equal(t, []string{"snapshot of g"}, seen.settled())
	})
}

// TestGroupStateClearedLimit checks that the latest 200 cleared states are kept, so
// that a late update does not set them again.
func TestGroupStateClearedLimit(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		_, c, p, seen := subscribed(t)
		for i := range 201 {
			p.send(stateFrame("Update", item(fmt.Sprintf("c%03d", i), 10, "n=1")), stateFrame("Update", item(fmt.Sprintf("c%03d", i), 20, "")))
			pass(time.Millisecond)
		}
		assert.Len(t, seen.settled(), 402)
		for i := range 201 {
			p.send(stateFrame("Update", item(fmt.Sprintf("c%03d", i), 15, "late=1")))
		}
		assert.Equal(t, []string{"update of g c000/ late=1"}, seen.settled(), "the oldest one was forgotten")
		assert.Equal(t, " c000/ late=1 x/ n=0", list(c.GroupStates("g"), nil))
	})
}

// TestGroupStateNewConnection checks that the snapshot of a new connection ends all
// states that it lacks: their ends may have been missed.
func TestGroupStateNewConnection(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f, c, p, seen := subscribed(t)
		p.send(stateFrame("Update", item("a", 1, "n=1"), item("b", 1, "n=1"), item("c", 1, "n=1"), item("c", 2, "")))
		seen.settled()
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		p.expect(`{"type":"subscribeGroupState","group":"g","ackId":2}`)
		assert.Equal(t, " a/ n=1 b/ n=1 x/ n=0", list(c.GroupStates("g"), nil))
		p.send(ack(2, ""), stateFrame("Snapshot", item("b", 1, "n=1"), item("c", 1, "n=1")))
		assert.Equal(t, []string{"snapshot of g c/ n=1 a/- x/-"}, seen.settled())
		assert.Equal(t, " b/ n=1 c/ n=1", list(c.GroupStates("g"), nil))
	})
}

// TestGroupStateNumbered checks that messages about states count in the sequence of a
// reliable connection.
func TestGroupStateNumbered(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f, _, p, seen := subscribed(t)
		numbered := strings.Replace(stateFrame("Update", item("a", 1, "n=1")), "{", `{"sequenceId":1,`, 1)
		p.send(numbered)
		pass(2 * time.Second)
		p.expect(`{"type":"sequenceAck","sequenceId":1}`)
		p.drop()
		p = f.recovered("id-1")
		p.send(numbered, strings.Replace(stateFrame("Update", item("a", 2, "n=2")), "{", `{"sequenceId":2,`, 1))
		assert.Equal(t, []string{"update of g a/ n=1", "update of g a/ n=2"}, seen.settled())
		p.expect(`{"type":"sequenceAck","sequenceId":1}`)
		p.expect(`{"type":"sequenceAck","sequenceId":2}`)
	})
}

// TestGroupStateLimit checks the maximum number of states of a group.
func TestGroupStateLimit(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		_, c, p, seen := subscribed(t)
		items := make([]string, 65_536)
		for i := range items {
			items[i] = item(fmt.Sprintf("y%d", i), 1, "n=1")
		}
		p.send(stateFrame("Snapshot", items...))
		seen.settled()
		assert.Len(t, c.GroupStates("g"), 65_535, "x was there before, and is not any more")
		p.send(stateFrame("Update", item("y65535", 1, "n=1"), item("z", 1, "n=1"), item("y1", 2, "n=2")))
		assert.Equal(t, []string{"update of g y65535/ n=1 y1/ n=2"}, seen.settled())
		assert.Len(t, c.GroupStates("g"), 65_536)
	})
}

// TestGroupStateUnsubscribeRefused checks that no update is lost when the service
// refuses to end a subscription.
func TestGroupStateUnsubscribeRefused(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		_, c, p, seen := subscribed(t)
		run := begin(func() (client.Result, error) { return c.UnsubscribeGroupState(t.Context(), "g", nil) })
		p.expect(`{"type":"unsubscribeGroupState","group":"g","ackId":2}`)
		p.send(stateFrame("Update", item("a", 1, "n=1")))
		assert.Equal(t, []string{"update of g a/ n=1"}, seen.settled())
		p.send(ack(2, "Forbidden"))
		run.fails(t, client.ErrForbidden)
		assert.Equal(t, " a/ n=1 x/ n=0", list(c.GroupStates("g"), nil))
	})
}

// TestGroupStateBytesLimit checks that members cannot fill the memory: a state beyond
// 16 MiB is taken for cleared, until others end.
func TestGroupStateBytesLimit(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		_, c, p, seen := subscribed(t)
		large := "n=" + strings.Repeat("x", 1<<20-1) // 1 MiB with its name
		for i := range 16 {
			p.send(stateFrame("Update", item(fmt.Sprintf("c%02d", i), 1, large)))
		}
		synctest.Wait()
		assert.Len(t, c.GroupStates("g"), 16, "15 of them, and x")
		seen.settled()
		p.send(stateFrame("Update", item("x", 2, large+"y"), item("d", 1, large+"y")))
		assert.Equal(t, []string{"update of g x/-"}, seen.settled())
		p.send(stateFrame("Update", item("c00", 2, ""), item("x", 3, "n=3")))
		assert.Equal(t, []string{"update of g c00/- x/ n=3"}, seen.settled())
		p.send(stateFrame("Update", item("c01", 2, large)))
		assert.Len(t, seen.settled(), 1)
		assert.Len(t, c.GroupStates("g"), 15)
	})
}
