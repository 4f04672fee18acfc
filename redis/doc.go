// Package redis keeps what the replicas of a handler share in Redis or Valkey: which
// events were handled ([DeduplicationStore]), who is online and in which groups
// ([PresenceStore]), and what was said in each room ([History]).
//
//	opt, err := redis.ParseURL(os.Getenv("REDIS_URL")) // rediss://user:password@host:6379
//	...
//	client, err := rueidis.NewClient(opt)
//	...
//	defer client.Close()
//	store, err := redis.NewDeduplicationStore(redis.Config{Client: client})
//	...
//	h, err := webpubsub.NewHandler(webpubsub.Config{
//		Deduplication: webpubsub.Deduplication{Store: store},
//		...
//	})
//
// It needs Redis 6.2 or newer, or Valkey, on one server, behind Sentinel or as a cluster.
// Each call is atomic, and usually one round trip. Times are those of the server: the
// clocks of replicas do not matter.
//
// Redis holds messages and answers in the clear, and whoever can write to it can answer
// events. Protect it like the handler: use TLS and a user of its own. docs/redis.md lists
// the commands and keys that the user needs.
package redis
