package prove

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/examples/chat/replicas/stack"
	"github.com/go-webpubsub/webpubsub/redis"
)

// result is what the proof has found.
type result struct {
	options
	events          *deliveries
	kills, restarts int
	took            time.Duration
	spent           figures // while the clients talked

	acknowledged, refused int // messages
	failures              []error
	lost, twice           []string // messages that were acknowledged and are not in the history once
	extra                 int      // messages in the history that no client sent
	heard, heardAgain     int      // messages that clients received, and received again

	differences, remaining int           // of presence and the service's list, at first and at last
	repairedAfter          time.Duration // until there was none
}

// countHistory compares the messages in Redis with what clients were told.
func (r *result) countHistory(ctx context.Context, s *stack.Stack, crowd *crowd) error {
	client, err := dial(s)
	if err != nil {
		return err
	}
	defer client.Close()
	history, err := redis.NewHistory(redis.Config{Client: client, Prefix: "chat", Timeout: patience}, redis.HistoryLimits{MaxEntries: r.messages + 1})
	if err != nil {
		return err
	}
	times := make(map[string]int)
	for _, room := range r.roomNames() {
		entries, err := history.Last(ctx, room, r.messages+1)
		if err != nil {
			return err
		}
		for _, e := range entries {
			var said struct{ Text string }
			if err := json.Unmarshal(e.Data, &said); err != nil {
				return err
			}
			times[said.Text]++
		}
	}
	for text, acknowledged := range crowd.told {
		switch n := times[text]; {
		case n > 1:
			r.twice = append(r.twice, text)
		case n == 0 && acknowledged:
			r.lost = append(r.lost, text)
		}
		if acknowledged {
			r.acknowledged++
		} else {
			r.refused++
		}
		delete(times, text)
	}
	r.extra, r.failures = len(times), crowd.failed
	for _, c := range crowd.clients {
		r.heard += len(c.heard)
		r.heardAgain += c.repeated
	}
	return nil
}

func (r *result) print(out io.Writer) {
	r.events.mu.Lock()
	events, repeats, statuses := r.events.events, r.events.repeats, maps.Clone(r.events.statuses)
	r.events.mu.Unlock()
	n := float64(max(1, r.spent.events))
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / n }
	fmt.Fprintf(out, `
replicas                      %d, killed %d times; Redis restarted %d times
clients, rooms                %d, %d
messages acknowledged         %d of %d in %.0f s: %.0f a second
in the history once           %d; lost %d, twice %d, of nobody %d
received by clients           %d; again, and dropped by their id: %d
events of the service         %d, delivered again %d times; did not end in 2xx: %v
answers                       %s
presence                      %d differences at first, %d after %.1f s (interval %v)
processor time for each event replicas %.0f µs, nginx %.0f µs, Redis %.0f µs
Redis for each event          %s
`, r.replicas, r.kills, r.restarts, r.clients, r.rooms,
		r.acknowledged, r.messages, r.took.Seconds(), float64(r.acknowledged)/r.took.Seconds(),
		r.acknowledged-len(r.lost)-len(r.twice), len(r.lost), len(r.twice), r.extra,
		r.heard, r.heardAgain,
		events, repeats, r.events.failed(), list(statuses),
		r.differences, r.remaining, r.repairedAfter.Seconds(), r.interval,
		per(r.spent.replicas), per(r.spent.nginx), per(r.spent.redis),
		r.spent.redisFor(r.restarts))
}

// list returns the statuses and their numbers, in order.
func list(statuses map[int]int) string {
	var out []string
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		name := fmt.Sprint(status)
		if status == 0 {
			name = "none"
		}
		out = append(out, fmt.Sprintf("%s: %d", name, statuses[status]))
	}
	return strings.Join(out, ", ")
}

// verdict returns an error unless all is as promised.
func (r *result) verdict() error {
	var all []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			all = append(all, fmt.Errorf(format, args...))
		}
	}
	check(len(r.lost) == 0, "messages were lost: %d", len(r.lost))
	check(len(r.twice) == 0, "messages are in the history twice: %d", len(r.twice))
	check(r.extra == 0, "messages that no client sent are in the history: %d", r.extra)
	check(r.refused == 0, "messages failed: %d, the first with %w", r.refused, errors.Join(r.failures...))
	check(len(r.events.failed()) == 0, "events did not end in success, by status: %v", r.events.failed())
	check(r.remaining == 0, "presence differs from the service after %v: %d", r.repairedAfter, r.remaining)
	return errors.Join(all...)
}
