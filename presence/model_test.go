package presence_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
)

// chooser makes the decisions of a model.
type chooser interface {
	// IntN returns a number from 0 to n-1.
	IntN(n int) int
}

// bytesChooser makes the decisions of a fuzzer. It ends with 0.
type bytesChooser struct{ data []byte }

func (b *bytesChooser) IntN(n int) int {
	if len(b.data) == 0 {
		return 0
	}
	v := int(b.data[0]) % n
	b.data = b.data[1:]
	return v
}

const modelHub = "chat"

var modelGroups = []string{"a", "b", "c"}

// client is a connection of the service. MQTT clients use their id again.
type client struct {
	id, session, user string
	physical, next    int // of the next event
	mqtt              bool
	groups            map[string]bool
	told              bool // an event of it was delivered
}

// model is a service with clients, the truth, and events on their way to two trackers.
type model struct {
	t        *testing.T
	choose   chooser
	trackers []*presence.Tracker
	live     map[string]*client // by id
	sessions int
	mqtt     []string // ids of MQTT clients that are not connected
	pending  []delivery
	lossy    bool
	lost     int
	inRound  bool
	quiet    bool // nothing happens during a round
	log      []string
}

type delivery struct {
	ev webpubsub.Event
	of *client
}

func newModel(t *testing.T, choose chooser, lossy bool) *model {
	t.Helper()
	m := &model{t: t, choose: choose, lossy: lossy, live: make(map[string]*client), mqtt: []string{"mqtt1", "mqtt2"}}
	store, err := presence.NewMemoryStore(nil)
	require.NoError(t, err)
	for range 2 {
		tracker, err := presence.NewTracker(presence.Config{
			Hub: modelHub, Store: store, Lister: m, Groups: modelGroups, Parallel: 1,
			Interval: time.Hour, TTL: time.Hour, Logger: slog.New(slog.DiscardHandler), // longer than all of it takes
		})
		require.NoError(t, err)
		m.trackers = append(m.trackers, tracker)
	}
	return m
}

// run makes steps, and then delivers what is on its way.
func (m *model) run(steps int) {
	for range steps {
		m.step()
	}
	for len(m.pending) > 0 {
		m.deliver()
	}
}

func (m *model) note(format string, args ...any) {
	m.log = append(m.log, fmt.Sprintf(format, args...))
}

func (m *model) step() {
	<-time.After(time.Duration(m.choose.IntN(3)) * 400 * time.Millisecond)
	switch n := m.choose.IntN(20); {
	case n < 9:
		m.deliver()
	case n < 12:
		m.connect()
	case n < 14:
		m.disconnect()
	case n < 18:
		m.joinOrLeave()
	case n < 19:
		m.resume()
	case !m.inRound:
		m.round()
	}
}

// round makes a round, during which other things happen.
func (m *model) round() {
	m.inRound = true
	m.note("round begins")
	_, err := m.trackers[m.choose.IntN(2)].Reconcile(context.Background())
	require.NoError(m.t, err)
	m.note("round ends")
	m.inRound = false
}

// Connections implements presence.Lister.
func (m *model) Connections(_ context.Context, group string) iter.Seq2[presence.Member, error] {
	return func(yield func(presence.Member, error) bool) { //nolint:contextcheck // events do not end with the round
		m.disturb()
		members := m.members(group)
		m.note("listed %s: %v", group, members)
		for _, member := range members {
			m.disturb()
			if !yield(member, nil) {
				return
			}
		}
		m.disturb()
	}
}

// Exists implements presence.Lister.
func (m *model) Exists(_ context.Context, id string) (bool, error) {
	exists := m.live[id] != nil
	m.note("exists %s: %v", id, exists)
	m.disturb() //nolint:contextcheck // as above
	return exists, nil
}

func (m *model) disturb() {
	for m.inRound && !m.quiet && m.choose.IntN(2) == 1 {
		m.step()
	}
}

func (m *model) connect() {
	m.sessions++
	c := &client{id: fmt.Sprint("c", m.sessions), user: fmt.Sprint("user", m.sessions%3), groups: make(map[string]bool)}
	if len(m.mqtt) > 0 && m.choose.IntN(3) == 1 {
		c.mqtt, c.id, c.session = true, m.mqtt[0], fmt.Sprint("s", m.sessions)
		c.user = "user of " + c.id
		m.mqtt = m.mqtt[1:]
	}
	c.next = 1
	m.live[c.id] = c
	m.send(c, "connected", &webpubsub.ConnectedEvent{Meta: m.meta(c)})
}

// pick returns a live client, or nil.
func (m *model) pick() *client {
	if len(m.live) == 0 {
		return nil
	}
	return m.live[slices.Sorted(maps.Keys(m.live))[m.choose.IntN(len(m.live))]]
}

func (m *model) disconnect() {
	c := m.pick()
	if c == nil {
		return
	}
	delete(m.live, c.id)
	if c.mqtt {
		m.mqtt = append(m.mqtt, c.id)
	}
	m.send(c, "disconnected", &webpubsub.DisconnectedEvent{Meta: m.meta(c)})
}

func (m *model) joinOrLeave() {
	c := m.pick()
	if c == nil {
		return
	}
	group := modelGroups[m.choose.IntN(len(modelGroups))]
	if c.groups[group] {
		delete(c.groups, group)
		m.send(c, "left "+group, &webpubsub.GroupLeftEvent{Meta: m.meta(c), Group: group})
		return
	}
	c.groups[group] = true
	m.send(c, "joined "+group, &webpubsub.GroupJoinedEvent{Meta: m.meta(c), Group: group})
}

// resume makes an MQTT client use a new network connection, with a count of its own.
func (m *model) resume() {
	if c := m.pick(); c != nil && c.mqtt {
		<-time.After(time.Second)
		c.physical++
		c.next = 1
	}
}

func (m *model) meta(c *client) webpubsub.Meta {
	meta := webpubsub.Meta{ID: strconv.Itoa(c.next), Time: time.Now().Truncate(time.Second), Hub: "Chat", ConnectionID: c.id, UserID: c.user}
	if c.mqtt {
		meta.MQTT = &webpubsub.MQTTSession{SessionID: c.session, PhysicalConnectionID: fmt.Sprint("p", c.physical)}
	}
	c.next++
	return meta
}

// send puts an event on its way, or loses it.
func (m *model) send(c *client, what string, ev webpubsub.Event) {
	times := 1 + m.choose.IntN(8)/6
	if m.lossy && m.choose.IntN(4) == 1 {
		times = 0
		m.lost++
	}
	m.note("%s %s (session %q, id %s), to deliver %d times", c.id, what, c.session, ev.EventMeta().ID, times)
	for range times {
		m.pending = append(m.pending, delivery{ev, c})
	}
}

// deliver delivers one of the events on their way.
func (m *model) deliver() {
	if len(m.pending) == 0 {
		return
	}
	i := m.choose.IntN(len(m.pending))
	if m.choose.IntN(2) == 1 { // as most events are
		i = len(m.pending) - 1
	}
	d := m.pending[i]
	m.pending = slices.Delete(m.pending, i, i+1)
	d.of.told = true
	meta := d.ev.EventMeta()
	m.note("deliver %s of %s (session %q, id %s)", fmt.Sprintf("%T", d.ev), meta.ConnectionID, d.of.session, meta.ID)
	called := false
	err := m.trackers[m.choose.IntN(2)].Intercept(context.Background(), d.ev, func(context.Context) error { called = true; return nil })
	require.NoError(m.t, err)
	require.True(m.t, called)
}

// members returns who is in a group.
func (m *model) members(group string) []presence.Member {
	members := []presence.Member{}
	for _, id := range slices.Sorted(maps.Keys(m.live)) {
		if c := m.live[id]; c.groups[group] {
			members = append(members, presence.Member{ConnectionID: c.id, UserID: c.user})
		}
	}
	return members
}

// check compares what the trackers know with the truth.
func (m *model) check() {
	m.t.Helper()
	ctx := context.Background()
	for _, tracker := range m.trackers {
		for _, group := range modelGroups {
			got, err := tracker.Members(ctx, group)
			require.NoError(m.t, err)
			for i := range got {
				got[i].SessionID = ""
			}
			require.ElementsMatch(m.t, m.members(group), got, "members of %s", group)
		}
		online, known := make(map[string][]string), make(map[string][]string)
		for _, id := range slices.Sorted(maps.Keys(m.live)) {
			c := m.live[id]
			groups, err := tracker.Groups(ctx, id)
			require.NoError(m.t, err)
			require.ElementsMatch(m.t, slices.Collect(maps.Keys(c.groups)), groups, "groups of %s", id)
			online[c.user] = append(online[c.user], id)
			if c.told || len(c.groups) > 0 { // others are known only if an earlier round has listed them
				known[c.user] = append(known[c.user], id)
			}
		}
		for _, user := range []string{"user0", "user1", "user2", "user of mqtt1", "user of mqtt2"} {
			got, err := tracker.Connections(ctx, user)
			require.NoError(m.t, err)
			var ids []string
			for _, member := range got {
				ids = append(ids, member.ConnectionID)
			}
			require.Subset(m.t, online[user], ids, "connections of %s", user)
			require.Subset(m.t, ids, known[user], "connections of %s", user)
		}
	}
}

// onFailure prints what has happened.
func (m *model) onFailure(seed any) {
	if m.t.Failed() {
		m.t.Logf("seed %v", seed)
		for _, line := range m.log {
			m.t.Log(line)
		}
	}
}

func random(seed uint64) chooser {
	return rand.New(rand.NewPCG(seed, 1))
}
