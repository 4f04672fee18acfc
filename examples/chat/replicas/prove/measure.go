package prove

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-webpubsub/webpubsub/examples/chat/replicas/stack"
	"github.com/go-webpubsub/webpubsub/redis"
)

// figures are what the stack has used until now.
type figures struct {
	replicas, nginx, redis time.Duration // processor time
	commands               int           // of Redis, those in scripts included
	calls                  int           // scripts of Redis
	events                 int           // of the service
}

func (f figures) minus(other figures) figures {
	return figures{
		f.replicas - other.replicas, f.nginx - other.nginx, f.redis - other.redis,
		f.commands - other.commands, f.calls - other.calls, f.events - other.events,
	}
}

func (r *result) measure(ctx context.Context, s *stack.Stack) (f figures, err error) {
	f.replicas, f.nginx, f.redis = s.CPU()
	r.events.mu.Lock()
	f.events = r.events.events
	r.events.mu.Unlock()
	client, err := dial(s)
	if err != nil {
		return f, err
	}
	defer client.Close()
	stats, err := client.Do(ctx, client.B().Info().Section("commandstats").Build()).ToString()
	if err != nil {
		return f, err
	}
	for line := range strings.Lines(stats) {
		name, values, _ := strings.Cut(strings.TrimSpace(line), ":calls=")
		calls, _, _ := strings.Cut(values, ",")
		n, _ := strconv.Atoi(calls) // a line without calls is a heading
		f.commands += n
		if name == "cmdstat_evalsha" || name == "cmdstat_eval" {
			f.calls += n
		}
	}
	return f, nil
}

// redisFor returns the calls of Redis for each event. Redis that restarts counts anew.
func (f figures) redisFor(restarts int) string {
	if restarts > 0 {
		return "not counted, since it restarted"
	}
	n := float64(max(1, f.events))
	return fmt.Sprintf("%.2f scripts, of %.1f commands", float64(f.calls)/n, float64(f.commands-f.calls)/n)
}

func dial(s *stack.Stack) (rueidis.Client, error) {
	opt, err := redis.ParseURL(s.RedisURL)
	if err != nil {
		return nil, err
	}
	return rueidis.NewClient(opt)
}
