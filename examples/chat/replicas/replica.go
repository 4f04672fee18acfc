package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-webpubsub/webpubsub/examples/chat/app"
	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/redis"
	"github.com/go-webpubsub/webpubsub/service"
)

// options are the flags of a replica, in addition to those of the chat.
type options struct {
	redis    string
	entries  int
	interval time.Duration
}

// runReplica runs the chat with stores in Redis.
func runReplica(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	var o options
	return app.Run(ctx, args, getenv, stdout, app.Replica{
		AddFlags: func(flags *flag.FlagSet) {
			flags.StringVar(&o.redis, "redis", getenv("REDIS_URL"), "`URL` of Redis or Valkey, such as redis://127.0.0.1:6379; it may be in REDIS_URL instead, where other processes do not see its password")
			flags.IntVar(&o.entries, "history", app.MaxNotices, "`number` of messages that a room keeps")
			flags.DurationVar(&o.interval, "interval", presence.DefaultInterval, "`time` between rounds that compare presence with the service")
		},
		Open: func(_ context.Context, client *service.Client) (app.Stores, error) { return openStores(o, client) },
	})
}

// openStores connects to Redis.
func openStores(o options, client *service.Client) (app.Stores, error) {
	if o.redis == "" {
		return app.Stores{}, errors.New("-redis is empty: want a URL, such as redis://127.0.0.1:6379; for a chat of one process run examples/chat")
	}
	opt, err := redis.ParseURL(o.redis)
	if err != nil {
		return app.Stores{}, err
	}
	conn, err := rueidis.NewClient(opt)
	if err != nil {
		return app.Stores{}, err
	}
	stores, err := newStores(conn, o, client)
	if err != nil {
		conn.Close()
		return app.Stores{}, err
	}
	stores.Close = conn.Close
	return stores, nil
}

func newStores(conn rueidis.Client, o options, client *service.Client) (app.Stores, error) {
	cfg := redis.Config{Client: conn, Prefix: "chat"}
	messages, err := redis.NewHistory(cfg, redis.HistoryLimits{MaxEntries: o.entries})
	if err != nil {
		return app.Stores{}, err
	}
	events, err := redis.NewDeduplicationStore(cfg)
	if err != nil {
		return app.Stores{}, err
	}
	members, err := redis.NewPresenceStore(cfg)
	if err != nil {
		return app.Stores{}, err
	}
	tracker, err := presence.NewTracker(presence.Config{
		Hub: app.Hub, Store: members, Lister: presence.FromService(client), Interval: o.interval,
		Lease:              10 * o.interval, // a busy service may not answer every round
		RepeatIfStoreFails: true,            // Redis that restarts is back before the last delivery
	})
	if err != nil {
		return app.Stores{}, err
	}
	return app.Stores{History: history{messages}, People: newPeople(conn), Presence: tracker, Events: events}, nil
}
