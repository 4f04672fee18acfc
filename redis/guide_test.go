package redis_test

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/redis"
)

// The functions of this file are the Go blocks of docs/redis.md.

func onceAcrossReplicas(connectionString string) (rueidis.Client, *webpubsub.Handler) {
	opt, err := redis.ParseURL(os.Getenv("REDIS_URL")) // its scheme is rediss, for TLS
	if err != nil {
		log.Fatal(err)
	}
	client, err := rueidis.NewClient(opt)
	if err != nil {
		log.Fatal(err)
	}
	store, err := redis.NewDeduplicationStore(redis.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{connectionString},
		Deduplication:     webpubsub.Deduplication{Store: store},
		UserEvents:        map[string]webpubsub.UserEventFunc{"pay": charge},
	})
	if err != nil {
		log.Fatal(err)
	}
	return client, h
}

func charge(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
	return webpubsub.TextReply("paid"), nil
}

func presenceOnRedis(client rueidis.Client, lister presence.Lister) *presence.Tracker {
	store, err := redis.NewPresenceStore(redis.Config{Client: client})
	if err != nil {
		log.Fatal(err)
	}
	tracker, err := presence.NewTracker(presence.Config{Hub: "chat", Store: store, Lister: lister})
	if err != nil {
		log.Fatal(err)
	}
	return tracker
}

func historyOnRedis(client rueidis.Client) func(ctx context.Context, ev *webpubsub.UserEvent, text string) (string, error) {
	history, err := redis.NewHistory(redis.Config{Client: client}, redis.HistoryLimits{MaxEntries: 200, MaxAge: time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	say := func(ctx context.Context, ev *webpubsub.UserEvent, text string) (string, error) {
		entry, err := history.AppendOnce(ctx, "lobby", ev.ConnectionID+"/"+ev.ID, []byte(text))
		return entry.ID, err
	}
	return say
}

// TestGuide: the Go blocks of docs/redis.md are code of this file.
func TestGuide(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("guide_test.go")
	require.NoError(t, err)
	code := strings.ReplaceAll(string(data), "\n\t", "\n") // the bodies of functions
	text, err := os.ReadFile(filepath.Join("..", "docs", "redis.md"))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)\n```go\n(.*?)\n```\n").FindAllStringSubmatch(string(text), -1)
	require.Len(t, blocks, 3)
	for _, block := range blocks {
		assert.Contains(t, code, "\n"+block[1]+"\n")
	}
}

// TestGuideCode runs the code of the guide.
func TestGuideCode(t *testing.T) {
	m := miniredis.RunT(t)
	t.Setenv("REDIS_URL", "redis://"+m.Addr())
	const connectionString = "Endpoint=https://contoso.webpubsub.azure.com;AccessKey=not a real key, only one for tests;Version=1.0;"
	client, h := onceAcrossReplicas(connectionString)
	t.Cleanup(client.Close)
	conn, err := httptest.New(h, &httptest.Options{ConnectionString: connectionString}).Connect(t.Context(), nil)
	require.NoError(t, err)
	for range 2 {
		_, err = conn.SendText(t.Context(), "pay", "5")
		require.NoError(t, err)
	}
	_, err = conn.Redeliver(t.Context())
	require.NoError(t, err)
	assert.Len(t, m.Keys(), 2, "events")

	members, err := presenceOnRedis(client, nil).Members(t.Context(), "lobby")
	require.NoError(t, err)
	assert.Empty(t, members)

	ev := &webpubsub.UserEvent{}
	ev.ConnectionID, ev.ID = "c1", "2"
	say := historyOnRedis(client)
	first, err := say(t.Context(), ev, "hello")
	require.NoError(t, err)
	again, err := say(t.Context(), ev, "hello")
	require.NoError(t, err)
	assert.Equal(t, first, again)
}
