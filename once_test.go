package webpubsub_test

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// TestOnce delivers 10,000 events one to four times each, in random order and
// concurrently, through two handlers that share a store. As the service does, it delivers
// again what was answered with a 5xx. Each event takes effect once, and all its answers are
// equal.
func TestOnce(t *testing.T) {
	t.Parallel()
	const events, connections, workers = 10_000, 100, 16
	var effects [events]atomic.Int32
	var failures, overlaps atomic.Int32
	f := func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		var n int
		if _, err := fmt.Sscan(ev.ID, &n); err != nil {
			return webpubsub.Reply{}, err
		}
		runtime.Gosched() // so that deliveries overlap
		if n%7 == 0 && !ev.Redelivered() {
			failures.Add(1)
			return webpubsub.Reply{}, webpubsub.Unavailable("fails at first, without an effect")
		}
		effects[n].Add(1)
		if n%5 == 0 {
			return webpubsub.Reply{}, webpubsub.Conflict(rand.Text())
		}
		reply := webpubsub.TextReply(rand.Text())
		reply.State = webpubsub.RawState(rand.Text())
		return reply, nil
	}
	now := time.Now() // no lease ends, however slow the machine is
	store := memoryStore(t, &webpubsub.MemoryStoreOptions{Now: func() time.Time { return now }})
	handlers := [2]*webpubsub.Handler{wireHandler(t, deduplicated(withFallback(f), store)), wireHandler(t, deduplicated(withFallback(f), store))}

	var deliveries []int
	for n := range events {
		for range 1 + n%4 {
			deliveries = append(deliveries, n)
		}
	}
	mathrand.New(mathrand.NewPCG(1, 2)).Shuffle(len(deliveries), func(i, j int) { deliveries[i], deliveries[j] = deliveries[j], deliveries[i] })
	// Some deliveries of an event follow each other at once, since those of a random order
	// seldom overlap.
	for i := 0; i+1 < len(deliveries); i += 10 {
		deliveries = append(deliveries, 0)
		copy(deliveries[i+1:], deliveries[i:])
	}
	queue := make(chan int, 2*len(deliveries))
	for _, n := range deliveries {
		queue <- n
	}
	var answers [events]atomic.Pointer[fullAnswer]
	var left atomic.Int64
	left.Store(int64(len(deliveries)))
	request := wireRequest(t, "user_text")
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for n := range queue {
				answer := deliverOnce(t, handlers[(worker+n)%2], request, n%connections, n)
				if answer.status >= http.StatusInternalServerError {
					overlaps.Add(1)
					queue <- n
					continue
				}
				if !answers[n].CompareAndSwap(nil, &answer) {
					assert.Equal(t, *answers[n].Load(), answer, n)
				}
				if left.Add(-1) == 0 {
					close(queue)
				}
			}
		})
	}
	group.Wait()
	for n := range events {
		require.EqualValues(t, 1, effects[n].Load(), "event %d", n)
	}
	assert.EqualValues(t, (events+6)/7, failures.Load())
	t.Logf("%d deliveries of %d events, %d with a 5xx", len(deliveries), events, overlaps.Load())
}

// deliverOnce delivers event n of a connection, made from the request of another.
func deliverOnce(t *testing.T, h http.Handler, from *http.Request, connection, n int) fullAnswer {
	t.Helper()
	id := fmt.Sprintf("connection-%d", connection)
	r := from.Clone(t.Context())
	wireBody("hello")(r)
	r.Header["Ce-Connectionid"] = []string{id}
	r.Header["Ce-Id"] = []string{fmt.Sprint(n)}
	r.Header["Ce-Signature"] = []string{webpubsub.Sign(wireKey, id)}
	return answerOf(h, r)
}
