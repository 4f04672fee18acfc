package e2e_test

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/service"
)

const lobby = "lobby"

// balancer passes events to replicas in turn, except to those that are down. If it loses events,
// it answers 400 to all but connect events, which the service does not repeat.
type balancer struct {
	replicas []http.Handler
	next     atomic.Uint32
	down     atomic.Int32 // how many of the first replicas
	lose     atomic.Bool
	lost     atomic.Int32
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.lose.Load() && r.Header.Get("ce-eventName") != "connect" {
		b.lost.Add(1)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	up := b.replicas[b.down.Load():]
	up[int(b.next.Add(1))%len(up)].ServeHTTP(w, r)
}

// stuck is a Lister whose calls do not return before their context ends.
type stuck struct {
	presence.Lister
	asked chan struct{}
	once  sync.Once
}

func (s *stuck) Connections(ctx context.Context, _ string) iter.Seq2[presence.Member, error] {
	return func(yield func(presence.Member, error) bool) {
		s.once.Do(func() { close(s.asked) })
		<-ctx.Done()
		yield(presence.Member{}, ctx.Err())
	}
}

// shared is a replica's access to a store, which ends with the replica.
type shared struct {
	presence.Store
	dead atomic.Bool
}

func (s *shared) Lead(ctx context.Context, hub, holder string, lease time.Duration) (bool, error) {
	if s.dead.Load() {
		return false, errDead
	}
	return s.Store.Lead(ctx, hub, holder, lease)
}

// presenceWorld is a world with two replicas that track presence in one store.
type presenceWorld struct {
	*world
	front    *balancer
	clock    atomic.Int64 // of the store, in seconds after now
	stores   []*shared
	trackers []*presence.Tracker
	stuck    *stuck
}

func newPresenceWorld(t *testing.T) *presenceWorld {
	t.Helper()
	p := &presenceWorld{front: new(balancer), stuck: &stuck{asked: make(chan struct{})}}
	p.world = newWorld(t, emulator.Config{Origin: "localhost", Hubs: map[string]emulator.Hub{hub: {EventHandlers: []emulator.EventHandler{emulator.InMemory(p.front)}}}})
	store, err := presence.NewMemoryStore(&presence.MemoryStoreOptions{
		Now: func() time.Time { return time.Now().Add(time.Duration(p.clock.Load()) * time.Second) },
	})
	require.NoError(t, err)
	for i := range 2 {
		lister := presence.FromService(p.client)
		if i == 0 {
			p.stuck.Lister = lister
			lister = p.stuck
		}
		p.stores = append(p.stores, &shared{Store: store})
		tracker, err := presence.NewTracker(presence.Config{
			Hub: hub, Store: p.stores[i], Lister: lister, Groups: []string{lobby}, Interval: time.Second, Lease: time.Hour,
			WatchInterval: 10 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		p.trackers = append(p.trackers, tracker)
		h, err := webpubsub.NewHandler(webpubsub.Config{
			Hub: hub, ConnectionStrings: []string{httptest.ConnectionString}, Logger: slog.New(slog.DiscardHandler),
			Interceptors: []webpubsub.Interceptor{tracker.Intercept},
		})
		require.NoError(t, err)
		p.front.replicas = append(p.front.replicas, h)
	}
	return p
}

// member connects a client of package client.
func (p *presenceWorld) member(user string) *client.Client {
	p.t.Helper()
	c, err := client.New(func(ctx context.Context) (string, error) {
		access, err := p.client.ClientAccess(ctx, &service.ClientAccessOptions{UserID: user, Roles: []string{service.RoleJoinLeaveAnyGroup}})
		return access.URL(), err
	}, nil)
	require.NoError(p.t, err)
	require.NoError(p.t, c.Start(p.t.Context()))
	p.t.Cleanup(func() { _ = c.Stop(context.WithoutCancel(p.t.Context())) })
	return c
}

func (p *presenceWorld) join(c *client.Client) {
	p.t.Helper()
	_, err := c.JoinGroup(p.t.Context(), lobby, nil)
	require.NoError(p.t, err)
}

// becomes waits until a tracker knows these users in the lobby, and no others.
func (p *presenceWorld) becomes(tracker *presence.Tracker, users ...string) {
	p.t.Helper()
	known := make(map[string]string)
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	for change, err := range tracker.Watch(ctx, lobby) {
		require.NoError(p.t, err)
		for _, m := range change.Left {
			delete(known, m.ConnectionID)
		}
		for _, m := range change.Joined {
			known[m.ConnectionID] = m.UserID
		}
		var got []string
		for _, user := range known {
			got = append(got, user)
		}
		if slices.Sort(got); slices.Equal(got, users) {
			return
		}
	}
}

// agree requires that all trackers know what the service lists.
func (p *presenceWorld) agree() {
	p.t.Helper()
	want := p.listed(lobby, nil)
	for _, tracker := range p.trackers {
		members, err := tracker.Members(p.t.Context(), lobby)
		require.NoError(p.t, err)
		got := []string{}
		for _, m := range members {
			got = append(got, m.ConnectionID)
		}
		assert.Equal(p.t, want, got)
	}
}

// TestPresenceByEvents: two replicas know who is in a group, whichever of them got the events.
func TestPresenceByEvents(t *testing.T) {
	t.Parallel()
	p := newPresenceWorld(t)
	ann, bob := p.member("ann"), p.member("bob")
	p.join(ann)
	p.join(bob)
	dan := p.user("dan", lobby) // by its token
	require.NoError(t, p.client.Group(lobby).AddConnection(t.Context(), p.user("eve").id))
	for _, tracker := range p.trackers {
		p.becomes(tracker, "ann", "bob", "dan", "eve")
	}
	p.agree()
	groups, err := p.trackers[0].Groups(t.Context(), dan.id)
	require.NoError(t, err)
	assert.Equal(t, []string{lobby}, groups)

	_, err = ann.LeaveGroup(t.Context(), lobby, nil)
	require.NoError(t, err)
	require.NoError(t, bob.Stop(t.Context()))
	require.NoError(t, p.client.Connection(dan.id).Close(t.Context(), nil))
	for _, tracker := range p.trackers {
		p.becomes(tracker, "eve")
		is(t, true, func(ctx context.Context) (bool, error) { return tracker.Online(ctx, "ann") })
	}
	p.agree()
}

// TestPresenceIsRepaired: a round repairs what lost events have missed.
func TestPresenceIsRepaired(t *testing.T) {
	t.Parallel()
	p := newPresenceWorld(t)
	ann, bob := p.member("ann"), p.member("bob")
	_, err := ann.JoinGroup(t.Context(), "a/b", nil)
	require.NoError(t, err)
	p.join(ann)
	p.join(bob)
	idle := p.member("idle") // in no group
	p.join(idle)
	p.becomes(p.trackers[1], "ann", "bob", "idle")
	_, err = idle.LeaveGroup(t.Context(), lobby, nil)
	require.NoError(t, err)
	p.becomes(p.trackers[1], "ann", "bob")

	p.front.lose.Store(true)
	require.NoError(t, bob.Stop(t.Context()))
	require.NoError(t, idle.Stop(t.Context()))
	dan := p.member("dan")
	p.join(dan)
	p.join(p.member("eve"))
	_, err = ann.LeaveGroup(t.Context(), lobby, nil)
	require.NoError(t, err)
	// connected, joined, left and disconnected of five clients; the emulator delivers them in the
	// background.
	require.Eventually(t, func() bool { return p.front.lost.Load() >= 8 }, 10*time.Second, time.Millisecond)
	p.front.lose.Store(false)
	p.becomes(p.trackers[0], "ann", "bob")

	round, err := p.trackers[1].Reconcile(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2, 2, 2}, []int{round.Groups, round.Added, round.Dropped, round.Ended})
	assert.Equal(t, 1, round.Skipped, "the group of ann, whose name no URL can have")
	p.becomes(p.trackers[0], "dan", "eve")
	p.agree()
	for user, want := range map[string]bool{"ann": true, "bob": false, "idle": false, "dan": true, "eve": true} {
		is(t, want, func(ctx context.Context) (bool, error) { return p.trackers[0].Online(ctx, user) })
	}
	_, err = dan.LeaveGroup(t.Context(), lobby, nil)
	require.NoError(t, err)
	p.becomes(p.trackers[0], "eve")
}

// TestPresenceReplicaDies: a replica dies in a round, with events that nobody gets. The other
// replica makes the round.
func TestPresenceReplicaDies(t *testing.T) {
	t.Parallel()
	p := newPresenceWorld(t)
	ann := p.member("ann")
	p.join(ann)
	p.becomes(p.trackers[1], "ann")

	ctx, cancel := context.WithCancel(t.Context())
	var runs sync.WaitGroup
	defer runs.Wait()
	defer cancel()
	runs.Go(func() { _ = p.trackers[0].Run(ctx) })
	<-p.stuck.asked
	p.front.lose.Store(true)
	require.NoError(t, ann.Stop(t.Context()))
	p.join(p.member("bob"))
	require.Eventually(t, func() bool { return p.front.lost.Load() >= 4 }, 10*time.Second, time.Millisecond)
	p.stores[0].dead.Store(true)
	p.front.down.Store(1)
	p.front.lose.Store(false)
	runs.Go(func() { _ = p.trackers[1].Run(ctx) })
	p.clock.Store(60) // the lead of the dead replica has ended
	p.becomes(p.trackers[1], "bob")
	p.join(p.member("dan"))
	p.becomes(p.trackers[1], "bob", "dan")
	p.agree()
}
