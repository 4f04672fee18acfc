package prove

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	mostReplicas = 3
	turns        = 3
)

// compare runs one, two and three replicas in turn, without kills, and prints the medians of
// throughput and processor time, and their ratios to one replica. The turns are
// interleaved, so that all see the same machine.
func compare(ctx context.Context, o options, stdout io.Writer) error {
	o.killEvery, o.restartRedis = 0, false
	var rates, costs, alone [mostReplicas][]float64
	for turn := range turns {
		for i := range mostReplicas {
			o.replicas = i + 1
			r, err := o.run(ctx, io.Discard)
			if err != nil {
				return err
			}
			if err := r.verdict(); err != nil {
				return err
			}
			rate, cost, own := r.perEvent()
			rates[i], costs[i], alone[i] = append(rates[i], rate), append(costs[i], cost), append(alone[i], own)
			fmt.Fprintf(stdout, "turn %d, %d replicas: %.0f events a second, %.0f µs an event, %.0f µs of it in replicas\n", turn+1, o.replicas, rate, cost, own)
		}
	}
	fmt.Fprintln(stdout, "\nmedians, and ratios to one replica")
	for i := range mostReplicas {
		rate, cost, own := median(rates[i]), median(costs[i]), median(alone[i])
		fmt.Fprintf(stdout, "%d replicas: %.0f events a second (%.2f), %.0f µs an event (%.2f), %.0f µs of it in replicas (%.2f)\n",
			i+1, rate, rate/median(rates[0]), cost, cost/median(costs[0]), own, own/median(alone[0]))
	}
	return nil
}

// perEvent returns the events per second, and the processor time of an event in
// microseconds: of replicas, nginx and Redis, and of replicas alone.
func (r *result) perEvent() (rate, cost, alone float64) {
	events := float64(max(1, r.spent.events))
	micros := func(d time.Duration) float64 { return float64(d.Microseconds()) / events }
	return events / r.took.Seconds(), micros(r.spent.replicas + r.spent.nginx + r.spent.redis), micros(r.spent.replicas)
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
