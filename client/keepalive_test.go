package client_test

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

func TestKeepAlive(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var log bytes.Buffer
		c := f.lively(&client.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		seen := record(c)
		p := f.start(c)
		start := time.Now()
		for range 10 {
			p.expect(`{"type":"ping"}`)
			p.send(`{"type":"pong"}`)
		}
		assert.Equal(t, 100*time.Second, time.Since(start), "each 10 seconds")
		p.expect(`{"type":"ping"}`) // from now on it reads but does not answer
		assert.Equal(t, []string{"connected ann"}, seen.settled())
		pass(11 * time.Second) // 15 to 20 seconds after the last pong
		assert.Equal(t, []string{"recovering"}, seen.settled())
		assert.Contains(t, log.String(), "service is silent")
		f.recovered("id-1")
		assert.Equal(t, []string{"recovered"}, seen.settled())
	})
}

func TestKeepAliveOptions(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: time.Second, KeepAliveTimeout: 3 * time.Second})
		seen := record(c)
		p := f.start(c)
		start := time.Now()
		p.expect(`{"type":"ping"}`)
		assert.Equal(t, time.Second, time.Since(start))
		p.expect(`{"type":"ping"}`)
		p.expect(`{"type":"ping"}`)
		pass(time.Second)
		assert.Equal(t, []string{"connected ann", "recovering"}, seen.settled())
		require.NoError(t, c.Stop(t.Context()))
	})
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
		seen := record(c)
		p := f.start(c)
		p.quiet(time.Hour)
		assert.Equal(t, []string{"connected ann"}, seen.settled())
	})
}

// TestKeepAliveByService checks that pings of the service count as activity.
func TestKeepAliveByService(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: -1})
		seen := record(c)
		p := f.start(c)
		go p.drain()
		for range 30 {
			pass(20 * time.Second)
			require.NoError(t, p.conn.Ping(t.Context()))
		}
		assert.Equal(t, []string{"connected ann"}, seen.settled())
		pass(3 * time.Minute)
		assert.Equal(t, []string{"recovering"}, seen.settled())
	})
}

// TestSilentNetwork makes the network drop everything silently. The service notices
// after 2 seconds and forgets the connection 30 seconds later. With its defaults
// the client returns before that and loses no message.
func TestSilentNetwork(t *testing.T) {
	t.Parallel()
	over(t, recovering, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{KeepAlive: time.Second}).over(p)
		bobs := newNetwork(t, r.server, nil)
		ann, bob := r.client("ann", nil), newClient(t, bobs, address(t, "bob", allRoles), &client.Options{Protocol: p})
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
			want = append(want, "g/"+from(p, "bob")+": "+strconv.Itoa(i))
			pass(time.Second)
		}
		pass(5 * time.Minute)
		assert.Equal(t, want, seen.settled())
	})
}

// TestKeepAliveDetectsSilence checks that the client pings more often than its
// timeout with any options, and detects silence in time with the defaults.
func TestKeepAliveDetectsSilence(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name              string
		opts              client.Options
		ping, first, last time.Duration // ping 0: no pings
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
