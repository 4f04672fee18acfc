package redis_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/redis"
)

// connect returns a client of a server for an example.
func connect() (rueidis.Client, func(), error) {
	server, err := miniredis.Run()
	if err != nil {
		return nil, nil, err
	}
	opt, err := redis.ParseURL("redis://" + server.Addr())
	if err != nil {
		return nil, nil, err
	}
	client, err := rueidis.NewClient(opt)
	return client, server.Close, err
}

// A store for the handlers of all replicas.
func ExampleNewDeduplicationStore() {
	client, stop, err := connect() // rueidis.NewClient(redis.ParseURL(…))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	defer client.Close()
	store, err := redis.NewDeduplicationStore(redis.Config{Client: client})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{"Endpoint=https://contoso.webpubsub.azure.com;AccessKey=a key;Version=1.0;"},
		Deduplication:     webpubsub.Deduplication{Store: store},
	})
	fmt.Println(h != nil, err)
	// Output: true <nil>
}

// A client that comes gets the last entries, and one that comes back those that it has
// missed.
func ExampleHistory() {
	client, stop, err := connect() // rueidis.NewClient(redis.ParseURL(…))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	defer client.Close()
	history, err := redis.NewHistory(redis.Config{Client: client}, redis.HistoryLimits{MaxEntries: 200, MaxAge: time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	seen, err := history.Append(ctx, "lobby", []byte("hello"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 { // the event is delivered twice
		if _, err := history.AppendOnce(ctx, "lobby", "connection/7", []byte("how are you?")); err != nil {
			fmt.Println(err)
			return
		}
	}
	entries, err := history.Last(ctx, "lobby", 10)
	fmt.Println(len(entries), err)
	for e, err := range history.After(ctx, "lobby", seen.ID) {
		if err != nil { // redis.ErrEntryGone: show what Last returns
			fmt.Println(err)
			return
		}
		fmt.Println(string(e.Data))
	}
	// Output:
	// 2 <nil>
	// how are you?
}
