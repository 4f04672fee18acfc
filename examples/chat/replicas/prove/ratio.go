package prove

import (
	"context"
	"fmt"
	"io"
)

// compare runs one, two and three replicas, without kills, and prints throughput and
// processor time as ratios to one replica.
func compare(ctx context.Context, o options, stdout io.Writer) error {
	o.killEvery, o.restartRedis = 0, false
	var rate, cost float64
	for o.replicas = 1; o.replicas <= 3; o.replicas++ {
		r, err := o.run(ctx, io.Discard)
		if err != nil {
			return err
		}
		if err := r.verdict(); err != nil {
			return err
		}
		events := float64(r.spent.events)
		each := float64((r.spent.replicas + r.spent.nginx + r.spent.redis).Microseconds()) / events
		if o.replicas == 1 {
			rate, cost = events/r.took.Seconds(), each
		}
		fmt.Fprintf(stdout, "%d replicas: %.0f events a second (%.2f), processor time of replicas, nginx and Redis %.0f µs an event (%.2f); replicas alone %.0f µs\n",
			o.replicas, events/r.took.Seconds(), events/r.took.Seconds()/rate, each, each/cost, float64(r.spent.replicas.Microseconds())/events)
	}
	return nil
}
