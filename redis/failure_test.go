package redis_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/redis"
)

// stores are all stores of a client, with much time for each call.
type stores struct {
	events   *redis.DeduplicationStore
	presence *redis.PresenceStore
	history  *redis.History
}

func newStores(tb testing.TB, client rueidis.Client) *stores {
	tb.Helper()
	return storesWith(tb, redis.Config{Client: client, Timeout: time.Minute})
}

func storesWith(tb testing.TB, cfg redis.Config) *stores {
	tb.Helper()
	events, err := redis.NewDeduplicationStore(cfg)
	require.NoError(tb, err)
	present, err := redis.NewPresenceStore(cfg)
	require.NoError(tb, err)
	history, err := redis.NewHistory(cfg, redis.HistoryLimits{})
	require.NoError(tb, err)
	return &stores{events, present, history}
}

const hub = "chat"

var ann = presence.Member{ConnectionID: "c1", UserID: "ann"}

func joins(m presence.Member, group string) presence.Event {
	return presence.Event{Kind: webpubsub.EventKindGroupJoined, Member: m, Group: group, Order: 1}
}

// calls are all calls of the stores. They can be repeated, and have the same result then.
func (s *stores) calls() map[string]func(ctx context.Context) (any, error) {
	const lease = time.Hour
	return map[string]func(ctx context.Context) (any, error){
		"Begin": func(ctx context.Context) (any, error) {
			state, _, err := s.events.Begin(ctx, "begin", "a", lease)
			return state, err
		},
		"Finish": func(ctx context.Context) (any, error) {
			return nil, s.events.Finish(ctx, "finish", "a", []byte("answer"), lease)
		},
		"Abandon": func(ctx context.Context) (any, error) { return nil, s.events.Abandon(ctx, "abandon", "a", lease) },
		"AppendOnce": func(ctx context.Context) (any, error) {
			e, err := s.history.AppendOnce(ctx, "once", "k", []byte("data"))
			return string(e.Data), err
		},
		"Last":   func(ctx context.Context) (any, error) { return s.history.Last(ctx, "none", 5) },
		"Delete": func(ctx context.Context) (any, error) { return nil, s.history.Delete(ctx, "none") },
		"Apply": func(ctx context.Context) (any, error) {
			return nil, s.presence.Apply(ctx, hub, joins(ann, "apply"), lease, lease)
		},
		"Repair": func(ctx context.Context) (any, error) {
			return nil, s.presence.Repair(ctx, hub, presence.Repair{Group: "repair", Add: []presence.Member{ann}}, lease, lease)
		},
		"Members": func(ctx context.Context) (any, error) {
			snapshot, err := s.presence.Members(ctx, hub, "none", 0)
			return snapshot.Members, err
		},
		"Groups":      func(ctx context.Context) (any, error) { return s.presence.Groups(ctx, hub, "none") },
		"Connections": func(ctx context.Context) (any, error) { return s.presence.Connections(ctx, hub, "none") },
		"GroupNames":  func(ctx context.Context) (any, error) { return s.presence.GroupNames(ctx, hub, "z", 5) },
		"Leases":      func(ctx context.Context) (any, error) { return s.presence.Leases(ctx, hub, time.Second, 5) },
		"Lead":        func(ctx context.Context) (any, error) { return s.presence.Lead(ctx, hub, "a", lease) },
	}
}

// errors returns how often a server has answered with an error.
func errorsOf(t *testing.T, client rueidis.Client, code string) int {
	t.Helper()
	info, err := do(t, client, "INFO", "errorstats").ToString()
	require.NoError(t, err)
	m := regexp.MustCompile(`errorstat_` + code + `:count=(\d+)`).FindStringSubmatch(info)
	if m == nil {
		return 0
	}
	return must(strconv.Atoi(m[1]))
}

// The answer to a call is lost: it has taken effect, is repeated, and has the same result.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := startProxy(t, server)
	through, direct := newStores(t, p.client(t)), newStores(t, server.client(t))
	want := make(map[string]any)
	for name, call := range direct.calls() {
		result, err := call(t.Context())
		require.NoError(t, err, name)
		want[name] = result
	}
	do(t, server.client(t), "FLUSHALL")
	_, _, err := direct.events.Begin(t.Context(), "abandon", "a", time.Hour)
	require.NoError(t, err)
	for name, call := range through.calls() {
		p.loseAnswer(hub)
		if name != "Apply" && name != "Repair" {
			p.loseAnswer("webpubsub:")
		}
		result, err := call(t.Context())
		require.NoError(t, err, name)
		assert.Equal(t, want[name], result, name)
		assert.Equal(t, 1, p.answersLost(), name)
	}
	assert.Equal(t, []string{"data"}, last(t, direct.history, "once", 9), "once")
}

// An Append whose answer was lost is not repeated: it could append twice.
func TestLostAppend(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := startProxy(t, server)
	s := newStores(t, p.client(t))
	appendTo(t, s.history, "r", "first")
	p.loseAnswer("second")
	_, err := s.history.Append(t.Context(), "r", []byte("second"))
	require.Error(t, err)
	assert.Equal(t, 1, p.answersLost())
	assert.Equal(t, []string{"first", "second"}, last(t, s.history, "r", 9))
}

// Connections that are cut between calls are made anew.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := startProxy(t, server)
	s := newStores(t, p.client(t))
	for name, call := range s.calls() {
		p.cut()
		_, err := call(t.Context())
		require.NoError(t, err, name)
	}
}

// A server that starts again without its data is an empty store. A call that finds no
// server waits for it, within its deadline.
func TestRestartWithoutData(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := newStores(t, server.client(t))
	require.NoError(t, s.events.Finish(t.Context(), "k", "a", []byte("answer"), time.Hour))
	require.NoError(t, s.presence.Apply(t.Context(), hub, joins(ann, "g"), time.Hour, time.Hour))
	before, err := s.presence.Members(t.Context(), hub, "g", 0)
	require.NoError(t, err)
	require.Len(t, before.Members, 1)
	first := appendTo(t, s.history, "r", "1")

	server.kill()
	result := make(chan webpubsub.ClaimState)
	go func() {
		state, _, err := s.events.Begin(t.Context(), "k", "b", time.Hour)
		assert.NoError(t, err)
		result <- state
	}()
	require.NoError(t, server.start())
	assert.Equal(t, webpubsub.ClaimGranted, <-result)

	after1, err := s.presence.Members(t.Context(), hub, "g", before.Revision)
	require.NoError(t, err)
	assert.Empty(t, after1.Members)
	assert.False(t, after1.Unchanged)
	require.NoError(t, s.presence.Apply(t.Context(), hub, joins(presence.Member{ConnectionID: "c2"}, "g"), time.Hour, time.Hour))
	after2, err := s.presence.Members(t.Context(), hub, "g", before.Revision)
	require.NoError(t, err)
	assert.False(t, after2.Unchanged, "the revision does not start again")
	assert.Greater(t, after2.Revision, before.Revision)

	_, err = after(t, s.history, "r", first[0])
	require.ErrorIs(t, err, redis.ErrEntryGone)
}

// A server that starts again with its data knows what was answered, also while it loads.
func TestRestartWithData(t *testing.T) {
	t.Parallel()
	server := startServer(t, "--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024")
	client := server.client(t)
	s := newStores(t, client)
	for i := range 50 {
		require.NoError(t, s.events.Finish(t.Context(), fmt.Sprint("k", i), "a", []byte(strings.Repeat("answer", 1000)), time.Hour))
	}
	require.NoError(t, s.presence.Apply(t.Context(), hub, joins(ann, "g"), time.Hour, time.Hour))
	appendTo(t, s.history, "r", "1")
	do(t, client, "SAVE")
	server.kill()

	started := make(chan error)
	go func() { started <- server.start() }()
	state, answer, err := s.events.Begin(t.Context(), "k1", "b", time.Hour)
	require.NoError(t, err)
	assert.Equal(t, webpubsub.ClaimDone, state)
	assert.Len(t, answer, 6000)
	require.NoError(t, <-started)
	assert.Positive(t, errorsOf(t, client, "LOADING"))
	snapshot, err := s.presence.Members(t.Context(), hub, "g", 0)
	require.NoError(t, err)
	assert.Equal(t, []presence.Member{ann}, snapshot.Members)
	assert.Equal(t, []string{"1"}, last(t, s.history, "r", 9))
}

// A server can forget scripts at any time.
func TestScriptsAreForgotten(t *testing.T) {
	t.Parallel()
	client := startServer(t).client(t)
	s := newStores(t, client)
	for name, call := range s.calls() {
		before := errorsOf(t, client, "NOSCRIPT")
		for range 2 {
			do(t, client, "SCRIPT", "FLUSH")
			_, err := call(t.Context())
			require.NoError(t, err, name)
		}
		if !slices.Contains([]string{"Connections", "Delete", "Last", "Members"}, name) { // these have none
			assert.Greater(t, errorsOf(t, client, "NOSCRIPT"), before, name)
		}
	}
}

// A server that does not answer delays a call until its deadline, or the Timeout.
func TestServerHangs(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	client := server.client(t)
	patient, hasty := newStores(t, client), storesWith(t, redis.Config{Client: client, Timeout: 50 * time.Millisecond})
	_, err := patient.calls()["Begin"](t.Context())
	require.NoError(t, err)
	require.NoError(t, server.process.Process.Signal(syscall.SIGSTOP))
	for name, call := range hasty.calls() {
		_, err := call(context.Background())
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
	}
	for name, call := range patient.calls() {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := call(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
		cancel()
	}
	require.NoError(t, server.process.Process.Signal(syscall.SIGCONT))
	for name, call := range patient.calls() {
		_, err := call(t.Context())
		require.NoError(t, err, name)
	}
}

// A server without memory refuses what needs some, and forgets nothing. What frees memory
// still works.
func TestServerIsFull(t *testing.T) {
	t.Parallel()
	client := startServer(t, "--maxmemory-policy", "noeviction").client(t)
	s := newStores(t, client)
	ctx, full := t.Context(), "OOM command not allowed"
	require.NoError(t, s.events.Finish(ctx, "done", "a", []byte("answer"), time.Hour))
	require.NoError(t, s.presence.Apply(ctx, hub, joins(ann, "g"), time.Hour, time.Hour))
	do(t, client, "CONFIG", "SET", "maxmemory", "1")

	_, _, err := s.events.Begin(ctx, "k", "a", time.Hour)
	require.ErrorContains(t, err, full)
	require.ErrorContains(t, s.events.Finish(ctx, "k", "a", nil, time.Hour), full)
	state, _, err := s.events.Begin(ctx, "done", "b", time.Hour)
	require.NoError(t, err)
	assert.Equal(t, webpubsub.ClaimDone, state)
	_, err = s.history.Append(ctx, "r", nil)
	require.ErrorContains(t, err, full)
	bob := presence.Member{ConnectionID: "c2", UserID: "bob"}
	require.ErrorIs(t, s.presence.Apply(ctx, hub, joins(bob, "g"), time.Hour, time.Hour), presence.ErrStoreFull)
	require.ErrorIs(t, s.presence.Repair(ctx, hub, presence.Repair{Group: "g", Add: []presence.Member{bob}}, time.Hour, time.Hour), presence.ErrStoreFull)
	require.NoError(t, s.presence.Apply(ctx, hub, presence.Event{Kind: webpubsub.EventKindDisconnected, Member: ann}, time.Hour, time.Hour))

	do(t, client, "CONFIG", "SET", "maxmemory", "0")
	snapshot, err := s.presence.Members(ctx, hub, "g", 0)
	require.NoError(t, err)
	assert.Empty(t, snapshot.Members, "a refused call has changed nothing")
	require.NoError(t, s.presence.Apply(ctx, hub, joins(bob, "g"), time.Hour, time.Hour))
}

// Of many replicas that get the deliveries of an event at once, one handles it.
func TestRaceForAnEvent(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	var replicas []*redis.DeduplicationStore
	for range 6 {
		replicas = append(replicas, deduplicationStore(t, server.client(t)))
	}
	for round := range 50 {
		var group sync.WaitGroup
		var mu sync.Mutex
		states := make(map[webpubsub.ClaimState]int)
		start := make(chan struct{})
		for i := range 24 {
			group.Go(func() {
				<-start
				state, _, err := replicas[i%len(replicas)].Begin(t.Context(), fmt.Sprint(round), fmt.Sprint("claim", i), time.Minute)
				if err != nil {
					state = 0 // no state
				}
				mu.Lock()
				defer mu.Unlock()
				states[state]++
			})
		}
		close(start)
		group.Wait()
		require.Equal(t, map[webpubsub.ClaimState]int{webpubsub.ClaimGranted: 1, webpubsub.ClaimRunning: 23}, states)
	}
}
