package client_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// TestSilentNetwork: the network drops everything without a word. The service
// notices after 2 seconds, and lets the connection go 30 seconds later; the client
// is back before that with its defaults, and no message is lost.
func TestSilentNetwork(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{KeepAlive: time.Second})
		bobs := newNetwork(t, r.server, nil)
		ann, bob := r.client("ann", nil), newClient(t, bobs, address(t, "bob", allRoles), nil)
		seen := record(ann)
		require.NoError(t, ann.Start(t.Context()))
		require.NoError(t, bob.Start(t.Context()))
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		pass(time.Minute)
		r.network.last().silence()
		want := []string{"connected ann", "recovering", "recovered"}
		for i := range 10 {
			_, err := bob.SendToGroup(t.Context(), "g", client.Text(strconv.Itoa(i)), nil)
			require.NoError(t, err)
			want = append(want, "g/bob: "+strconv.Itoa(i))
			pass(time.Second)
		}
		pass(5 * time.Minute)
		assert.Equal(t, want, seen.settled())
	})
}

// TestSilenceIsNoticed: with any options the client pings more often than it takes
// silence for the end, and with the defaults it notices the end in time.
func TestSilenceIsNoticed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name              string
		opts              client.Options
		ping, first, last time.Duration // ping 0: none
	}{
		{"defaults", client.Options{}, 10 * time.Second, 15 * time.Second, 20 * time.Second},
		{"interval", client.Options{KeepAliveInterval: time.Minute}, time.Minute, 90 * time.Second, 2 * time.Minute},
		{"short interval", client.Options{KeepAliveInterval: time.Second}, time.Second, 15 * time.Second, 20 * time.Second},
		{"timeout", client.Options{KeepAliveTimeout: 6 * time.Second}, 4 * time.Second, 6 * time.Second, 8 * time.Second},
		{"long timeout", client.Options{KeepAliveTimeout: time.Minute}, 10 * time.Second, time.Minute, 80 * time.Second},
		{"without pings", client.Options{KeepAliveInterval: -1}, 0, 2 * time.Minute, 160 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				lost := make(chan time.Time, 1)
				c := f.lively(&tt.opts)
				p := f.start(c)
				start := time.Now()
				c.OnRecovering(func(context.Context, client.RecoveringEvent) { lost <- time.Now() })
				if tt.ping > 0 {
					for range 20 {
						p.expect(`{"type":"ping"}`)
						assert.Zero(t, time.Since(start)%tt.ping)
						p.send(`{"type":"pong"}`)
					}
				}
				assert.Empty(t, lost, "while the service answers")
				start = time.Now()
				go p.drain()
				noticed := (<-lost).Sub(start)
				assert.GreaterOrEqual(t, noticed, tt.first)
				assert.LessOrEqual(t, noticed, tt.last)
			})
		})
	}
}

// TestServiceStandsStill: the service answers nothing for 13 seconds, in which the
// client gives up one try to recover and begins another. Then the service serves
// both, the later one first. No message is lost, and the connection is the same.
func TestServiceStandsStill(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		const messages = 200
		r := newRig(t, emulator.Config{})
		tries := make(chan chan struct{}, 10)
		n := newNetwork(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Query().Has("awps_connection_id") {
				serve := make(chan struct{})
				tries <- serve
				<-serve
			}
			r.server.ServeHTTP(w, req)
		}), nil)
		ann, bob := newClient(t, n, address(t, "ann", allRoles), nil), r.started("bob", nil)
		seen := record(ann)
		require.NoError(t, ann.Start(t.Context()))
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		id := ann.ConnectionID()
		sent := make(chan struct{})
		var want []string
		go func() {
			defer close(sent)
			for i := range messages {
				if _, err := bob.SendToGroup(t.Context(), "g", client.Text(strconv.Itoa(i)), nil); err != nil {
					return
				}
				want = append(want, "g/bob: "+strconv.Itoa(i))
				<-time.After(100 * time.Millisecond)
			}
		}()
		pass(time.Second)
		n.cut()
		pass(13 * time.Second)
		earlier, later := <-tries, <-tries
		require.Empty(t, tries)
		close(later)
		pass(time.Second)
		close(earlier)
		pass(5 * time.Second)
		for len(tries) > 0 { // once more, if the client was thrown out after all
			close(<-tries)
			pass(5 * time.Second)
		}
		<-sent
		var got []string
		for _, note := range seen.settled() {
			if strings.HasPrefix(note, "g/") {
				got = append(got, note)
			}
		}
		require.Len(t, want, messages)
		assert.Equal(t, want, got)
		assert.Equal(t, id, ann.ConnectionID())
	})
}

// TestDisplacedByOwnTry: a try to recover that the client has given up may reach the
// service late, and displace the link that the client has by then. That is a link
// lost, not the end.
func TestDisplacedByOwnTry(t *testing.T) {
	t.Parallel()
	const displaced, refused = "The connection was taken up by another client.", "The connection could not be recovered."
	// giveUp lets the client give up a try to recover that the service has not answered.
	giveUp := func(f *fake) {
		p := <-f.peers
		p.expect(`{"type":"ping"}`)
		p.drain()
	}
	for name, tt := range map[string]struct {
		run  func(t *testing.T, f *fake, p *peer)
		want []string
	}{
		"in use": {func(_ *testing.T, f *fake, p *peer) {
			p.drop()
			giveUp(f)
			p = f.recovered("id-1")
			p.close(websocket.StatusPolicyViolation, displaced)
			p = f.recovered("id-1")
			p.close(websocket.StatusPolicyViolation, displaced) // there was one try
			f.greet("id-2")
		}, []string{"connected ann", "recovering", "recovered", "recovering", "recovered", "disconnected", "connected ann"}},
		"in use, twice": {func(_ *testing.T, f *fake, p *peer) {
			p.drop()
			giveUp(f)
			giveUp(f)
			for range 2 {
				p = f.recovered("id-1")
				p.close(websocket.StatusPolicyViolation, "for any reason")
			}
			f.recovered("id-1")
		}, []string{"connected ann", "recovering", "recovered", "recovering", "recovered", "recovering", "recovered"}},
		"while recovering": {func(_ *testing.T, f *fake, p *peer) {
			p.drop()
			giveUp(f)
			p = <-f.peers
			p.expect(`{"type":"ping"}`)
			p.close(websocket.StatusPolicyViolation, displaced)
			f.recovered("id-1")
		}, []string{"connected ann", "recovering", "recovered"}},
		"refused": {func(_ *testing.T, f *fake, p *peer) {
			p.drop()
			giveUp(f)
			p = <-f.peers
			p.expect(`{"type":"ping"}`)
			p.close(websocket.StatusPolicyViolation, refused)
			f.greet("id-2")
		}, []string{"connected ann", "recovering", "disconnected", "connected ann"}},
		"timed out in between": {func(_ *testing.T, f *fake, p *peer) {
			var answered atomic.Bool
			f.answer = func(w http.ResponseWriter, r *http.Request) {
				if answered.Swap(true) {
					f.accept(w, r)
					return
				}
				w.WriteHeader(http.StatusGatewayTimeout)
			}
			p.drop()
			p = f.recovered("id-1")
			p.close(websocket.StatusPolicyViolation, displaced)
			f.recovered("id-1")
		}, []string{"connected ann", "recovering", "recovered", "recovering", "recovered"}},
		"tries that ended": {func(_ *testing.T, f *fake, p *peer) {
			f.network.setDown(true)
			p.drop()
			pass(3500 * time.Millisecond)
			f.network.setDown(false)
			p = <-f.peers
			p.expect(`{"type":"ping"}`)
			p.close(websocket.StatusInternalError, "later")
			p = f.recovered("id-1")
			p.close(websocket.StatusPolicyViolation, displaced)
			f.greet("id-2")
		}, []string{"connected ann", "recovering", "recovered", "disconnected", "connected ann"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c := f.client(nil)
				seen := record(c)
				p := f.start(c)
				pass(15 * time.Second)
				tt.run(t, f, p)
				assert.Equal(t, tt.want, seen.settled())
			})
		})
	}
}
