package presence_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/service"
)

// TestRound: all that a round repairs.
func TestRound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &lister{exists: map[string]bool{"idle": true}}
		tracker := newTracker(t, presence.Config{Lister: service, Groups: []string{"named", "named"}, Parallel: 1})
		tell(t, tracker,
			joined("c1", "ann", "g", "2"), joined("gone", "bob", "g", "2"), joined("gone", "bob", "h", "3"),
			connected("idle", "dan"), connected("ended", "eve"))
		<-time.After(time.Second)
		service.set("g", member("c1", "ann"), member("c2", "zoe"), member("c1", "ann")) // a page can repeat one
		service.set("named", member("c3", "fay"))
		round, err := tracker.Reconcile(t.Context())
		require.NoError(t, err)
		assert.Equal(t, presence.Round{Groups: 3, Checked: 3, Added: 2, Dropped: 2, Ended: 2}, round)
		calls := service.asked()
		assert.Equal(t, []string{"list named", "list g", "list h"}, calls[:3])
		assert.ElementsMatch(t, []string{"exists gone", "exists idle", "exists ended"}, calls[3:])
		assert.Equal(t, []string{"c1", "c2"}, membersOf(t, tracker, "g"))
		assert.Empty(t, membersOf(t, tracker, "h"))
		assert.Equal(t, []string{"c3"}, membersOf(t, tracker, "named"))
		assert.Equal(t, []bool{true, false, true, false, true, true},
			[]bool{online(t, tracker, "ann"), online(t, tracker, "bob"), online(t, tracker, "dan"), online(t, tracker, "eve"), online(t, tracker, "zoe"), online(t, tracker, "fay")})
		tell(t, tracker, connected("ended", "eve"), joined("gone", "bob", "g", "4"))
		assert.False(t, online(t, tracker, "eve"), "what a round has ended stays ended")
		assert.Equal(t, []string{"c1", "c2"}, membersOf(t, tracker, "g"))
	})
}

// TestLeasesEnd: connections end that no event or round renews, and no others.
func TestLeasesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &lister{exists: map[string]bool{"idle": true}}
		tracker := newTracker(t, presence.Config{Lister: service, Interval: time.Minute})
		tell(t, tracker, joined("c1", "ann", "g", "2"), connected("idle", "dan"))
		service.set("g", member("c1", "ann"))
		for range 20 {
			<-time.After(time.Minute)
			_, err := tracker.Reconcile(t.Context())
			require.NoError(t, err)
		}
		assert.Equal(t, []string{"c1"}, membersOf(t, tracker, "g"))
		assert.True(t, online(t, tracker, "dan"))
		<-time.After(2 * time.Minute)
		assert.Equal(t, []string{"c1"}, membersOf(t, tracker, "g"), "two rounds are missing")
		<-time.After(30 * time.Second)
		assert.Empty(t, membersOf(t, tracker, "g"))
		assert.False(t, online(t, tracker, "dan"))
	})
}

func TestLeaseWithoutLister(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracker := newTracker(t, presence.Config{})
		tell(t, tracker, connected("c1", "ann"))
		<-time.After(presence.DefaultLease - time.Second)
		assert.True(t, online(t, tracker, "ann"))
		tell(t, tracker, joined("c1", "ann", "g", "2"))
		<-time.After(presence.DefaultLease - time.Second)
		assert.True(t, online(t, tracker, "ann"))
		<-time.After(time.Second)
		assert.False(t, online(t, tracker, "ann"))
	})
	_, err := newTracker(t, presence.Config{}).Reconcile(t.Context())
	require.EqualError(t, err, "presence: Lister is nil: set it, for example to the result of FromService")
	require.EqualError(t, newTracker(t, presence.Config{}).Run(t.Context()), err.Error())
}

// TestEventsDuringARound: what events change after the store was read is not undone, although the
// listing is older.
func TestEventsDuringARound(t *testing.T) {
	t.Parallel()
	service := &lister{exists: map[string]bool{"stays": true, "leaves": true, "back": true, "new": true, "short": true, "device1": true}}
	tracker := newTracker(t, presence.Config{Lister: service, Groups: []string{"g"}})
	tell(t, tracker, joined("stays", "", "g", "2"), joined("leaves", "", "g", "2"), joined("ends", "", "g", "2"), joined("back", "", "g", "2"))
	service.set("g", member("stays", ""), member("leaves", ""), member("ends", ""), member("unknown", ""), member("short", ""), member("device1", ""))
	meanwhile := []webpubsub.Event{
		joined("short", "", "g", "2"), left("short", "", "g", "3"), mqtt(left("device1", "", "g", "3"), "s1"),
		left("leaves", "", "g", "3"), disconnected("ends", ""), joined("new", "", "g", "2"), joined("back", "", "g", "4"),
	}
	service.disturb(func(context.Context) { tell(t, tracker, meanwhile...) }) //nolint:contextcheck // events do not end with the round
	_, err := tracker.Reconcile(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"back", "new", "stays", "unknown"}, membersOf(t, tracker, "g"))
}

// TestOtherUser: an MQTT client has connected again as another user.
func TestOtherUser(t *testing.T) {
	t.Parallel()
	service := &lister{exists: map[string]bool{"device1": true}}
	tracker := newTracker(t, presence.Config{Lister: service})
	tell(t, tracker, mqtt(joined("device1", "ann", "g", "2"), "s1"), joined("c2", "", "g", "2"), joined("c3", "dan", "g", "2"))
	service.set("g", member("device1", "bob"), member("c2", "zoe"), member("c3", ""))
	_, err := tracker.Reconcile(t.Context())
	require.NoError(t, err)
	members, err := tracker.Members(t.Context(), "g")
	require.NoError(t, err)
	assert.Equal(t, []presence.Member{member("c2", "zoe"), member("c3", "dan"), member("device1", "bob")}, members)
}

// TestLargeRound: groups with more members than a call of the store has, and more groups than
// one call returns.
func TestLargeRound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := new(lister)
		tracker := newTracker(t, presence.Config{Lister: service})
		var members []presence.Member
		for i := range 1001 {
			members = append(members, member(fmt.Sprintf("c%04d", i), ""))
			tell(t, tracker, joined(fmt.Sprintf("c%04d", i), "", "g", "2"), joined(fmt.Sprintf("c%04d", i), "", fmt.Sprint("g", i), "3"))
			service.set(fmt.Sprint("g", i), members[i])
		}
		<-time.After(time.Second)
		service.set("g", slices.Concat(members[:500], []presence.Member{member("x", "")})...)
		round, err := tracker.Reconcile(t.Context())
		require.NoError(t, err)
		assert.Equal(t, presence.Round{Groups: 1002, Added: 1, Dropped: 501}, round)
		assert.Len(t, membersOf(t, tracker, "g"), 501)
		service.set("g")
		round, err = tracker.Reconcile(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 501, round.Dropped)
		assert.Empty(t, membersOf(t, tracker, "g"))
	})
}

// TestMaxChecks: connections that were not checked come first in the next round.
func TestMaxChecks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &lister{exists: map[string]bool{"c1": true, "c2": true, "c3": true}}
		tracker := newTracker(t, presence.Config{Lister: service, MaxChecks: 2})
		for _, id := range []string{"c1", "c2", "c3"} {
			tell(t, tracker, connected(id, id))
			<-time.After(time.Second)
		}
		for _, want := range []string{"exists c1, exists c2", "exists c3, exists c1"} {
			_, err := tracker.Reconcile(t.Context())
			require.NoError(t, err)
			assert.ElementsMatch(t, strings.Split(want, ", "), service.asked())
			<-time.After(time.Second)
			tell(t, tracker, connected("c2", "c2")) // an event renews, too
			<-time.After(time.Second)
		}
	})
}

// TestServiceFails: what the service does not list stays.
func TestServiceFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &lister{err: errAway}
		tracker := newTracker(t, presence.Config{Lister: service})
		tell(t, tracker, joined("c1", "ann", "g", "2"), joined("c2", "ann", "g", "2"))
		<-time.After(time.Second)
		service.set("g", member("c1", "ann"))
		round, err := tracker.Reconcile(t.Context())
		require.ErrorIs(t, err, errAway)
		assert.Equal(t, err, round.Err)
		assert.Equal(t, 3, round.Failed, "a group and two connections")
		assert.Zero(t, round.Groups+round.Added+round.Dropped+round.Ended)
		assert.Equal(t, []string{"c1", "c2"}, membersOf(t, tracker, "g"))
	})
}

// TestServiceIsAway: a round gives up after some failures in a row.
func TestServiceIsAway(t *testing.T) {
	t.Parallel()
	service := &lister{err: errAway}
	tracker := newTracker(t, presence.Config{Lister: service, Parallel: 1})
	for i := range 100 {
		tell(t, tracker, joined("c1", "ann", fmt.Sprint("g", i), fmt.Sprint(i)))
	}
	round, err := tracker.Reconcile(t.Context())
	require.ErrorIs(t, err, errAway)
	assert.Equal(t, 10, round.Failed)
	assert.Len(t, service.asked(), 10)
}

// TestOneGroupFails: the others are repaired.
func TestOneGroupFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := new(lister)
		var listed atomic.Int32
		service.pages = func(group string) ([]presence.Member, error) {
			listed.Add(1)
			if strings.HasSuffix(group, "/") { // the REST API refuses it
				return nil, errAway
			}
			return nil, nil
		}
		service.exists = map[string]bool{"c": true}
		tracker := newTracker(t, presence.Config{Lister: service, Parallel: 1})
		for i := range 40 {
			tell(t, tracker, joined("c", "ann", fmt.Sprintf("%02d", i), "2"), joined("c", "ann", fmt.Sprintf("%02d/", i), "3"))
		}
		<-time.After(time.Second)
		round, err := tracker.Reconcile(t.Context())
		require.ErrorIs(t, err, errAway)
		assert.Equal(t, []int{40, 40, 1}, []int{round.Failed, round.Dropped, round.Checked})
		assert.Empty(t, membersOf(t, tracker, "07"))
		assert.Equal(t, []string{"c"}, membersOf(t, tracker, "07/"))
	})
}

func TestStoreFailsInARound(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GroupNames", "Members", "Repair", "Leases"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, service := memory(t), &lister{exists: map[string]bool{"c1": true}}
				tracker := newTracker(t, presence.Config{Lister: service, Store: store})
				tell(t, tracker, joined("c1", "ann", "g", "2"))
				<-time.After(time.Second)
				store.fail(errAway, method)
				round, err := tracker.Reconcile(t.Context())
				require.ErrorIs(t, err, errAway)
				assert.Zero(t, round.Ended)
				store.fail(nil)
				assert.True(t, online(t, tracker, "ann"))
			})
		})
	}
}

// TestInvalidListing: a name that no store has to accept ends the listing of its group.
func TestInvalidListing(t *testing.T) {
	t.Parallel()
	service := &lister{exists: map[string]bool{"c1": true}}
	tracker := newTracker(t, presence.Config{Lister: service, Groups: []string{"g"}})
	tell(t, tracker, joined("c1", "ann", "g", "2"))
	service.set("g", member("c\x00", "ann"))
	round, err := tracker.Reconcile(t.Context())
	require.Error(t, err)
	assert.Equal(t, []int{1, 0}, []int{round.Failed, round.Dropped})
	assert.Equal(t, []string{"c1"}, membersOf(t, tracker, "g"))
}

func TestReconcileEndsWithItsContext(t *testing.T) {
	t.Parallel()
	service := new(lister)
	tracker := newTracker(t, presence.Config{Lister: service, Groups: []string{"a", "b", "c"}, Parallel: 1})
	ctx, cancel := context.WithCancel(t.Context())
	service.disturb(func(context.Context) { cancel() })
	_, err := tracker.Reconcile(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, len(service.asked()), 3)
}

// TestMaxListed: a round goes on where the one before has ended.
func TestMaxListed(t *testing.T) {
	t.Parallel()
	service := &lister{exists: map[string]bool{"c": true}}
	tracker := newTracker(t, presence.Config{Lister: service, Parallel: 1, MaxListed: 2})
	for _, group := range []string{"a", "b", "d", "e", "f"} {
		service.set(group, member("c", ""))
		tell(t, tracker, joined("c", "", group, "2"))
	}
	listed := func() string {
		_, err := tracker.Reconcile(t.Context())
		require.NoError(t, err)
		calls := slices.DeleteFunc(service.asked(), func(call string) bool { return call == "exists c" })
		return strings.Join(calls, ", ")
	}
	assert.Equal(t, "list a, list b", listed())
	assert.Equal(t, "list d, list e", listed())
	assert.Equal(t, "list f, list a", listed())
	tell(t, tracker, left("c", "", "b", "3"), left("c", "", "d", "3"))
	assert.Equal(t, "list e, list f", listed())
	tell(t, tracker, left("c", "", "f", "3"))
	assert.Equal(t, "list a, list e", listed(), "each once, and no more")
	assert.Equal(t, "list a, list e", listed())
}

// TestRefusedGroups: names that the service refuses do not end a round: clients choose the names of groups.
func TestRefusedGroups(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err             error
		failed, skipped int
		others          bool // are listed
	}{
		"not addressable": {fmt.Errorf("group: %w", presence.ErrNotAddressable), 0, 50, true},
		"400":             {&service.Error{StatusCode: http.StatusBadRequest}, 50, 0, true},
		"401":             {&service.Error{StatusCode: http.StatusUnauthorized}, 10, 0, false},
		"429":             {&service.Error{StatusCode: http.StatusTooManyRequests}, 10, 0, false},
		"503":             {&service.Error{StatusCode: http.StatusServiceUnavailable}, 10, 0, false},
		"no answer":       {&service.Error{Err: errAway}, 10, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &lister{exists: map[string]bool{"c": true}}
			l.pages = func(group string) ([]presence.Member, error) {
				if group == "z" {
					return nil, nil
				}
				return nil, tc.err
			}
			tracker := newTracker(t, presence.Config{Lister: l, Parallel: 1})
			for i := range 50 {
				tell(t, tracker, joined("c", "ann", fmt.Sprintf("%02d", i), "2"))
			}
			tell(t, tracker, joined("c", "ann", "z", "3"))
			round, err := tracker.Reconcile(t.Context())
			assert.Equal(t, []int{tc.failed, tc.skipped}, []int{round.Failed, round.Skipped})
			assert.Equal(t, tc.failed > 0, err != nil)
			assert.Equal(t, tc.others, len(membersOf(t, tracker, "z")) == 0)
			assert.Equal(t, []string{"c"}, membersOf(t, tracker, "07"))
		})
	}
}
