package load

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Limits of a run.
const (
	MaxRepeat      = 1_000_000
	MaxConcurrency = 256
)

// Check returns an error unless a run is within the limits.
func Check(repeat, concurrency int) error {
	switch {
	case repeat < 1 || repeat > MaxRepeat:
		return fmt.Errorf("--repeat %d: want 1 to %d", repeat, MaxRepeat)
	case concurrency < 1 || concurrency > MaxConcurrency:
		return fmt.Errorf("--concurrency %d: want 1 to %d", concurrency, MaxConcurrency)
	}
	return nil
}

// Shot is the outcome of one event.
type Shot struct {
	// Failure is the kind of the failure; empty if there was none.
	Failure string
	// Status of the answer; zero without one.
	Status int
	Took   time.Duration
}

// Run calls send for each number below repeat, in up to concurrency goroutines, and
// reports each outcome to done, which it calls in one goroutine at a time. When ctx ends,
// Run starts no more calls, and does not count those that end after that.
func Run(ctx context.Context, repeat, concurrency int, send func(ctx context.Context, i int) Shot, done func()) *Report {
	out := &Report{Planned: repeat}
	start := time.Now()
	next := make(chan int)
	var mu sync.Mutex
	var senders sync.WaitGroup
	for range min(concurrency, repeat) {
		senders.Go(func() {
			for i := range next {
				shot := send(ctx, i)
				mu.Lock()
				if ctx.Err() == nil {
					out.add(shot)
					done()
				}
				mu.Unlock()
			}
		})
	}
	for i := 0; i < repeat && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	senders.Wait()
	out.Took = time.Since(start)
	return out
}
