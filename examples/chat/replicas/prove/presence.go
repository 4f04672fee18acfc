package prove

import (
	"context"
	"time"

	"github.com/go-webpubsub/webpubsub/examples/chat/app"
	"github.com/go-webpubsub/webpubsub/examples/chat/replicas/stack"
	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/redis"
	"github.com/go-webpubsub/webpubsub/service"
)

// deadLead is how long a replica that was killed in a round keeps others from making one.
const deadLead = 30 * time.Second

// comparePresence compares presence in Redis with the service's list until there is no
// difference. The replicas have a round for it.
func (r *result) comparePresence(ctx context.Context, s *stack.Stack) error {
	client, err := dial(s)
	if err != nil {
		return err
	}
	defer client.Close()
	store, err := redis.NewPresenceStore(redis.Config{Client: client, Prefix: "chat"})
	if err != nil {
		return err
	}
	tracker, err := presence.NewTracker(presence.Config{Hub: app.Hub, Store: store})
	if err != nil {
		return err
	}
	rest, err := service.NewClientFromConnectionString(s.ConnectionString, app.Hub, nil)
	if err != nil {
		return err
	}
	start := time.Now()
	for first := true; ; first = false {
		n, err := r.compareRooms(ctx, tracker, rest)
		if err != nil {
			return err
		}
		if first {
			r.differences = n
		}
		r.remaining, r.repairedAfter = n, time.Since(start)
		if n == 0 || r.repairedAfter > r.interval+deadLead {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// compareRooms returns how many connections are in a room for only one of the two.
func (r *result) compareRooms(ctx context.Context, tracker *presence.Tracker, rest *service.Client) (n int, err error) {
	for _, room := range r.roomNames() {
		members, err := tracker.Members(ctx, room)
		if err != nil {
			return 0, err
		}
		tracked := make(map[string]bool, len(members))
		for _, m := range members {
			tracked[m.ConnectionID] = true
		}
		for m, err := range rest.Group(room).Connections(ctx, nil) {
			if err != nil {
				return 0, err
			}
			if !tracked[m.ConnectionID] {
				n++
			}
			delete(tracked, m.ConnectionID)
		}
		n += len(tracked)
	}
	return n, nil
}
