package client_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// TestManySendsAcrossRecovery loses the WebSocket, and all acks, while 1,500 sends
// are in flight. Each is sent again after the recovery and arrives once.
func TestManySendsAcrossRecovery(t *testing.T) {
	t.Parallel()
	over(t, recovering, func(t *testing.T, p client.Protocol) {
		const sends = 1500
		r := newRig(t, emulator.Config{}).over(p)
		bobs := newNetwork(t, r.server, nil)
		ann := r.started("ann", &client.Options{Protocol: client.ProtocolJSON})
		bob := newClient(t, bobs, address(t, "bob", allRoles), &client.Options{Protocol: p})
		require.NoError(t, bob.Start(t.Context()))
		times := make(map[string]int)
		ann.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { times[m.Data.String()]++ })
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		last := bobs.last()
		last.mu.Lock()
		last.mute = true
		last.mu.Unlock()
		var calls []*call
		for i := range sends {
			calls = append(calls, begin(func() (client.Result, error) {
				return bob.SendToGroup(t.Context(), "g", client.Text(fmt.Sprint(i)), nil)
			}))
		}
		synctest.Wait()
		bobs.cut()
		duplicates := 0
		for _, run := range calls {
			<-run.done
			require.NoError(t, run.err)
			if run.result.Duplicate {
				duplicates++
			}
		}
		synctest.Wait()
		require.NoError(t, ann.Stop(t.Context()))
		assert.Len(t, times, sends)
		twice := 0
		for _, n := range times {
			if n > 1 {
				twice++
			}
		}
		assert.Zero(t, twice, "arrived twice")
		assert.Equal(t, client.DefaultMaxInFlight, duplicates, "carried out before the cut")
	})
}

// TestMaxInFlight checks that requests wait while MaxInFlight of them, counted from
// the oldest one without an ack, are in flight.
func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]int{0: 500, 3: 3} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c, p := f.started(&client.Options{MaxInFlight: most, KeepAliveInterval: -1, KeepAliveTimeout: -1})
				frames := make(chan string, 4*want)
				go func() {
					for {
						_, data, err := p.conn.Read(t.Context())
						if err != nil {
							return
						}
						frames <- string(data)
					}
				}()
				sent := func(n int) (ids []uint64) {
					t.Helper()
					synctest.Wait()
					require.Len(t, frames, n)
					for range n {
						ids = append(ids, ackID(t, <-frames))
					}
					return ids
				}
				send := func(ctx context.Context, o *client.SendOptions) *call {
					run := begin(func() (client.Result, error) { return c.SendToGroup(ctx, "g", client.Text("x"), o) })
					synctest.Wait() // so that they begin in order
					return run
				}
				calls := make([]*call, 2*want)
				for i := range calls {
					calls[i] = send(t.Context(), nil)
				}
				ids := sent(want)

				// A request without an ack does not wait.
				send(t.Context(), &client.SendOptions{FireAndForget: true}).succeeds(t, client.Result{})
				require.Equal(t, []uint64{0}, sent(1))

				// The oldest one counts, and the others are sent in order.
				p.send(ack(ids[1], ""))
				calls[1].succeeds(t, client.Result{AckID: ids[1]})
				sent(0)
				p.send(ack(ids[0], ""))
				require.ElementsMatch(t, []uint64{ids[want-1] + 1, ids[want-1] + 2}, sent(2))

				// One that is refused blocks no other one until its retry.
				p.send(ack(ids[2], "Timeout"))
				sent(1)

				// One that waits for its place ends with its context and with the client.
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				send(ctx, nil).fails(t, context.DeadlineExceeded)
				late := send(t.Context(), nil)
				require.NoError(t, c.Stop(t.Context()))
				late.fails(t, client.ErrStopped)
			})
		})
	}
}
