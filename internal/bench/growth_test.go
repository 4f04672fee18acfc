package bench_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/bench"
)

// growth is what grows, and the handler and request of a size.
type growth struct {
	name  string
	sizes []int
	at    func(size int) (webpubsub.Config, kind)
}

// growths are the dimensions along which an application may grow. The configured hub,
// key and function of the request are the last, where a search ends.
var growths = []growth{
	{"text-bytes", []int{128, 1 << 10, 16 << 10, 128 << 10, 1 << 20}, func(size int) (webpubsub.Config, kind) {
		k := userText
		k.body = strings.Repeat("x", size)
		k.answer = k.body
		return bench.Config(hub, accessKey), k
	}},
	{"json-bytes", []int{128, 1 << 10, 16 << 10, 128 << 10, 1 << 20}, func(size int) (webpubsub.Config, kind) {
		const empty = `{"lines":[""]}`
		k := userJSON
		k.body = `{"lines":["` + strings.Repeat(`a line of text","`, (size-len(empty))/len(`a line of text","`)) + `"]}`
		k.answer = ""
		k.status = http.StatusNoContent
		cfg := bench.Config(hub, accessKey)
		cfg.UserEvents = map[string]webpubsub.UserEventFunc{"message": webpubsub.JSON(func(_ context.Context, _ *webpubsub.UserEvent, in struct {
			Lines []string `json:"lines" validate:"min=1"`
		},
		) (webpubsub.Reply, error) {
			return webpubsub.Reply{}, nil
		})}
		return cfg, k
	}},
	{"claims", []int{0, 1, 10, 100}, func(size int) (webpubsub.Config, kind) {
		var claims strings.Builder
		for i := range size {
			fmt.Fprintf(&claims, `"https://claims.example.com/%d":["value-%d"],`, i, i)
		}
		k := connect
		k.body = strings.Replace(connectBody, `{"claims":{`, `{"claims":{`+claims.String(), 1)
		return bench.Config(hub, accessKey), k
	}},
	{"user-events", []int{1, 10, 100, 1000, 10_000}, func(size int) (webpubsub.Config, kind) {
		cfg := bench.Config(hub, accessKey)
		message := cfg.UserEvents["message"]
		for i := range size - 1 {
			cfg.UserEvents[fmt.Sprintf("event-%d", i)] = message
		}
		return cfg, userText
	}},
	{"keys", []int{1, 2, 4, 16}, func(size int) (webpubsub.Config, kind) {
		cfg := bench.Config(hub, accessKey)
		last := cfg.ConnectionStrings[0]
		cfg.ConnectionStrings = nil
		for i := range size - 1 {
			cfg.ConnectionStrings = append(cfg.ConnectionStrings, fmt.Sprintf("Endpoint=https://bench.webpubsub.azure.com;AccessKey=another-key-%d;Version=1.0;", i))
		}
		cfg.ConnectionStrings = append(cfg.ConnectionStrings, last)
		return cfg, userText
	}},
	{"connection-strings", []int{1, 10, 100, 1000}, func(size int) (webpubsub.Config, kind) {
		cfg := bench.Config(hub, accessKey)
		last := cfg.ConnectionStrings[0]
		cfg.ConnectionStrings = nil
		for i := range size - 1 {
			cfg.ConnectionStrings = append(cfg.ConnectionStrings, fmt.Sprintf("Endpoint=https://tenant-%d.webpubsub.azure.com;AccessKey=%s;Version=1.0;", i, accessKey))
		}
		cfg.ConnectionStrings = append(cfg.ConnectionStrings, last)
		return cfg, userText
	}},
}

func (g growth) handler(tb testing.TB, size int) (*webpubsub.Handler, kind) {
	tb.Helper()
	cfg, k := g.at(size)
	cfg.Logger = slog.New(slog.DiscardHandler)
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(tb, err)
	return h, k
}

// The handlers of all sizes must do the work that is measured.
func TestGrowthAnswers(t *testing.T) {
	t.Parallel()
	for _, g := range growths {
		for _, size := range g.sizes {
			h, k := g.handler(t, size)
			call := newCall(t, k)
			call.serve(h)
			call.check(t, k)
		}
	}
}

// BenchmarkGrowth measures how the cost of a request grows with its size and with the
// size of the configuration.
func BenchmarkGrowth(b *testing.B) {
	for _, g := range growths {
		for _, size := range g.sizes {
			b.Run(fmt.Sprintf("%s/%d", g.name, size), func(b *testing.B) {
				h, k := g.handler(b, size)
				call := newCall(b, k)
				b.ReportAllocs()
				for b.Loop() {
					call.serve(h)
				}
				call.check(b, k)
			})
		}
	}
}
