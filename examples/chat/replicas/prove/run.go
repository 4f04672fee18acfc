// Package prove shows what the chat promises on several replicas: while clients talk, it
// kills replicas and restarts Redis, and then compares what the clients were told with
// what Redis has, and presence with the service.
package prove

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/examples/chat/replicas/stack"
)

// options are the flags.
type options struct {
	clients, messages, rooms, replicas int
	killEvery, interval, pause         time.Duration
	restartRedis, ratio                bool
}

func parse(args []string, stdout io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("prove", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.IntVar(&o.clients, "clients", 2000, "`number` of clients")
	flags.IntVar(&o.messages, "messages", 100_000, "`number` of messages of all clients together")
	flags.IntVar(&o.rooms, "rooms", 0, "`number` of rooms, over which the clients are spread (default a room for 20 clients)")
	flags.IntVar(&o.replicas, "replicas", 3, "`number` of replicas")
	flags.DurationVar(&o.pause, "pause", 0, "`time` that a client waits after each of its messages")
	// An event that was cut is handled again 4 and 9 seconds later. The last delivery is in
	// the middle of two kills.
	flags.DurationVar(&o.killEvery, "kill", 6*time.Second, "`time` between the kills of replicas; 0 for none")
	flags.BoolVar(&o.restartRedis, "restart-redis", true, "restart Redis once, after half of the messages")
	flags.DurationVar(&o.interval, "interval", 30*time.Second, "`time` between rounds that compare presence with the service")
	flags.BoolVar(&o.ratio, "ratio", false, "compare one, two and three replicas instead, without kills")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.rooms == 0 {
		o.rooms = max(1, o.clients/20)
	}
	if o.clients < 1 || o.messages < o.clients || o.rooms < 1 || o.replicas < 1 {
		return o, errors.New("want at least one client, room and replica, and a message of each client")
	}
	return o, nil
}

// Run runs the proof and prints its figures. It returns an error if anything was lost, or
// happened twice.
func Run(ctx context.Context, args []string, stdout io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if o.ratio {
		return compare(ctx, o, stdout)
	}
	r, err := o.run(ctx, stdout)
	if err != nil {
		return err
	}
	r.print(stdout)
	return r.verdict()
}

// roomNames returns the names of the rooms. Everybody starts in the first, and leaves it.
func (o options) roomNames() []string {
	names := []string{"lobby"}
	for i := range o.rooms {
		names = append(names, fmt.Sprintf("room%d", i))
	}
	return names
}

// run runs the stack and the clients.
func (o options) run(ctx context.Context, stdout io.Writer) (r *result, err error) {
	events := newDeliveries()
	s, err := stack.Start(ctx, stack.Config{
		Replicas:  o.replicas,
		Transport: events,
		Args: []string{
			"-rooms", strings.Join(o.roomNames(), ","),
			"-history", fmt.Sprint(o.messages + 1),
			"-interval", o.interval.String(),
		},
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	r = &result{options: o, events: events}
	crowd, err := connectAll(ctx, s, o)
	defer crowd.close()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	fmt.Fprintf(stdout, "%d clients in %d rooms are connected\n", o.clients, o.rooms)
	crowd.progress = func(said int) {
		fmt.Fprintf(stdout, "%d messages after %.0f s\n", said, time.Since(start).Seconds())
	}
	if err := r.talk(ctx, s, crowd); err != nil {
		return nil, err
	}
	crowd.leave()
	if err := r.countHistory(ctx, s, crowd); err != nil {
		return nil, err
	}
	return r, r.comparePresence(ctx, s)
}

// talk lets all clients talk while replicas are killed, and measures.
func (r *result) talk(ctx context.Context, s *stack.Stack, crowd *crowd) error {
	before, err := r.measure(ctx, s)
	if err != nil {
		return err
	}
	start := time.Now()
	quiet, stop := context.WithCancel(ctx)
	trouble := make(chan error, 1)
	go func() { trouble <- r.cause(quiet, s, crowd) }()
	err = crowd.talk(ctx)
	r.took = time.Since(start)
	stop()
	if failed := <-trouble; err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	after, err := r.measure(ctx, s)
	r.spent = after.minus(before)
	return err
}

// cause kills a replica after the other, and once restarts Redis instead, until the context
// ends.
func (r *result) cause(ctx context.Context, s *stack.Stack, crowd *crowd) error {
	if r.killEvery == 0 {
		return nil
	}
	tick := time.NewTicker(r.killEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if r.restartRedis && r.restarts == 0 && crowd.said.Load() > int64(r.messages/2) {
			if err := s.RestartRedis(context.WithoutCancel(ctx)); err != nil {
				return fmt.Errorf("restart Redis: %w", err)
			}
			r.restarts++
			continue
		}
		if err := s.Kill(context.WithoutCancel(ctx), r.kills%r.replicas); err != nil {
			return fmt.Errorf("kill a replica: %w", err)
		}
		r.kills++
	}
}
