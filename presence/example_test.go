package presence_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/presence/presencetest"
	"github.com/go-webpubsub/webpubsub/service"
)

// The functions of this file are the Go blocks of docs/presence.md.

func serve(connectionString string) (*presence.Tracker, http.Handler) {
	client, err := service.NewClientFromConnectionString(connectionString, "chat", nil)
	if err != nil {
		log.Fatal(err)
	}
	store, err := presence.NewMemoryStore(nil) // for one process; see below
	if err != nil {
		log.Fatal(err)
	}
	tracker, err := presence.NewTracker(presence.Config{
		Hub:    "chat",
		Store:  store,
		Lister: presence.FromService(client),
		Groups: []string{"lobby"}, // listed even if no event has named it
	})
	if err != nil {
		log.Fatal(err)
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{connectionString},
		Interceptors:      []webpubsub.Interceptor{tracker.Intercept},
	})
	if err != nil {
		log.Fatal(err)
	}
	return tracker, h
}

func run(ctx context.Context, tracker *presence.Tracker) {
	go func() { _ = tracker.Run(ctx) }() // on every replica, until ctx ends
}

func ask(ctx context.Context, tracker *presence.Tracker) error {
	members, err := tracker.Members(ctx, "lobby")
	if err != nil {
		return err
	}
	for _, m := range members {
		fmt.Println(m.ConnectionID, m.UserID)
	}
	groups, err := tracker.Groups(ctx, "c1")
	if err != nil {
		return err
	}
	online, err := tracker.Online(ctx, "ann")
	if err != nil {
		return err
	}
	fmt.Println(groups, online)
	return nil
}

func follow(ctx context.Context, tracker *presence.Tracker) error {
	for change, err := range tracker.Watch(ctx, "lobby") {
		if err != nil {
			return err // of the store, or of ctx
		}
		for _, m := range change.Left {
			fmt.Println(m.UserID, "has left")
		}
		for _, m := range change.Joined { // all members, the first time
			fmt.Println(m.UserID, "is here")
		}
	}
	return nil
}

func observe(cfg presence.Config, failed func()) presence.Config {
	cfg.Observe = func(r presence.Round) {
		if r.Err != nil {
			failed()
		}
		slog.Info("presence", "groups", r.Groups, "added", r.Added, "dropped", r.Dropped, "ended", r.Ended, "took", r.Took)
	}
	return cfg
}

func ExampleTracker() {
	tracker, h := serve(httptest.ConnectionString)
	svc := httptest.New(h, &httptest.Options{Hub: "chat"})
	ctx := context.Background()
	conn, err := svc.Connect(ctx, &httptest.Client{ConnectionID: "c1", UserID: "ann"})
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range []func() error{
		func() error { return conn.Connected(ctx) },
		func() error { return conn.JoinedGroup(ctx, "lobby") },
		func() error { return ask(ctx, tracker) },
		func() error { return conn.Disconnect(ctx, "") },
		func() error { return ask(ctx, tracker) },
	} {
		if err := event(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// c1 ann
	// [lobby] true
	// [] false
}

func ExampleTracker_Watch() {
	tracker, h := serve(httptest.ConnectionString)
	svc := httptest.New(h, &httptest.Options{Hub: "chat"})
	conn, err := svc.Connect(context.Background(), &httptest.Client{UserID: "ann"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(conn.JoinedGroup(context.Background(), "lobby"))
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	fmt.Println(follow(ctx, tracker))
	// Output:
	// <nil>
	// ann is here
	// context deadline exceeded
}

// TestGuideCode runs the rest of the guide's code.
func TestGuideCode(t *testing.T) {
	t.Parallel()
	tracker, _ := serve(httptest.ConnectionString)
	ended, end := context.WithCancel(t.Context())
	end()
	run(ended, tracker)
	failures := 0
	cfg := observe(presence.Config{}, func() { failures++ })
	cfg.Observe(presence.Round{Err: errAway})
	cfg.Observe(presence.Round{})
	assert.Equal(t, 1, failures)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	now := time.Now()
	store, err := presence.NewMemoryStore(&presence.MemoryStoreOptions{Now: func() time.Time { return now }})
	require.NoError(t, err)
	advance := func(d time.Duration) { now = now.Add(d) }
	require.NoError(t, presencetest.TestStore(t.Context(), advance, store))
}
