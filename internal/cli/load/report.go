package load

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Report sums up a run.
type Report struct {
	Planned, Sent, OK int
	// Took is the time of the whole run.
	Took time.Duration

	failures map[string]int
	statuses map[int]int
	times    []time.Duration // of all events with an answer
	sorted   bool
}

func (r *Report) add(s Shot) {
	r.Sent++
	if s.Failure == "" {
		r.OK++
	} else {
		if r.failures == nil {
			r.failures = make(map[string]int)
		}
		r.failures[s.Failure]++
	}
	if s.Status == 0 {
		return
	}
	if r.statuses == nil {
		r.statuses = make(map[int]int)
	}
	r.statuses[s.Status]++
	r.times, r.sorted = append(r.times, s.Took), false
}

// Rate returns the number of events for each second.
func (r *Report) Rate() float64 {
	if r.Took <= 0 {
		return 0
	}
	return float64(r.Sent) / r.Took.Seconds()
}

// Count is how often something occurred.
type Count[T any] struct {
	What  T
	Times int
}

// Failures returns the kinds of failures, the most frequent first.
func (r *Report) Failures() []Count[string] { return counts(r.failures) }

// Statuses returns the statuses of answers, the most frequent first.
func (r *Report) Statuses() []Count[int] { return counts(r.statuses) }

func counts[T cmp.Ordered](in map[T]int) []Count[T] {
	out := make([]Count[T], 0, len(in))
	for _, what := range slices.Sorted(maps.Keys(in)) {
		out = append(out, Count[T]{what, in[what]})
	}
	slices.SortStableFunc(out, func(a, b Count[T]) int { return cmp.Compare(b.Times, a.Times) })
	return out
}

// Answered returns the number of events that had an answer.
func (r *Report) Answered() int { return len(r.times) }

// Percentile returns the time within which so many percent of the answers came: the
// smallest time that is at least as long as that part of all times. It is zero if there
// was no answer.
func (r *Report) Percentile(percent int) time.Duration {
	if len(r.times) == 0 {
		return 0
	}
	if !r.sorted {
		slices.Sort(r.times)
		r.sorted = true
	}
	rank := (percent*len(r.times) + 99) / 100 // rounded up
	return r.times[min(max(rank, 1), len(r.times))-1]
}
