package httptest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// checkLog returns what a handler logs while it is checked, and after an unexpected
// refusal.
func checkLog(t *testing.T, level slog.Level, change func(*webpubsub.Config)) (checked, afterwards string) {
	t.Helper()
	var log bytes.Buffer
	cfg := fullConfig()
	cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))
	change(&cfg)
	h := newHandler(t, cfg)
	log.Reset() // NewHandler warns of the public key
	_ = httptest.CheckHandler(t.Context(), h, nil)
	checked = log.String()

	log.Reset()
	stranger := httptest.New(h, &httptest.Options{ConnectionString: "Endpoint=http://localhost;AccessKey=another"})
	_, err := stranger.Connect(t.Context(), nil)
	require.Error(t, err)
	return checked, log.String()
}

func TestCheckHandlerIsQuiet(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*webpubsub.Config){
		"with all functions": func(*webpubsub.Config) {},
		"without functions": func(cfg *webpubsub.Config) {
			*cfg = webpubsub.Config{ConnectionStrings: cfg.ConnectionStrings, Logger: cfg.Logger}
		},
		"with functions that refuse": func(cfg *webpubsub.Config) {
			cfg.OnConnect = func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
				return nil, webpubsub.Forbidden("members only")
			}
			cfg.Fallback = func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.Reply{}, webpubsub.BadRequest("no")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checked, afterwards := checkLog(t, slog.LevelInfo, change)
			assert.Empty(t, checked)
			assert.Equal(t, 1, strings.Count(afterwards, "level=WARN"), "an unexpected refusal is logged as a warning: %s", afterwards)

			checked, _ = checkLog(t, slog.LevelDebug, change)
			assert.Contains(t, checked, "level=DEBUG msg=\"webpubsub: request not verified\"", "at level Debug")
		})
	}
}

func TestCheckHandlerDoesNotHideErrors(t *testing.T) {
	t.Parallel()
	checked, _ := checkLog(t, slog.LevelInfo, func(cfg *webpubsub.Config) {
		cfg.OnConnected = func(context.Context, *webpubsub.ConnectedEvent) error { return errors.New("no database") }
	})
	assert.Contains(t, checked, "level=ERROR msg=\"webpubsub: event failed\"")
	assert.Contains(t, checked, "no database")
	assert.NotContains(t, checked, "level=WARN")
}
