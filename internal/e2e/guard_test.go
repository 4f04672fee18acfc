package e2e_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// An interceptor that guards an event by its name cannot be passed by another
// spelling of the name.
func TestGuardOfAnEventName(t *testing.T) {
	t.Parallel()
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Logger:            slog.New(slog.DiscardHandler),
		ConnectionStrings: []string{httptest.ConnectionString},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"kick": webpubsub.Text(func(context.Context, *webpubsub.UserEvent, string) (string, error) { return "kicked", nil }),
		},
		Interceptors: []webpubsub.Interceptor{func(ctx context.Context, ev webpubsub.Event, next func(context.Context) error) error {
			if m := ev.EventMeta(); m.EventName == "kick" && m.UserID != "moderator" {
				return webpubsub.Forbidden("moderators only")
			}
			return next(ctx)
		}},
		RefusalReply: webpubsub.JSONRefusal,
	})
	require.NoError(t, err)
	w := newWorld(t, emulator.Config{Origin: "localhost", Hubs: map[string]emulator.Hub{hub: {EventHandlers: []emulator.EventHandler{emulator.InMemory(h)}}}})
	for user, answer := range map[string]string{
		"ann":       `{"type":"message","from":"server","dataType":"json","data":{"error":{"status":403,"message":"moderators only"}}}`,
		"moderator": `{"type":"message","from":"server","dataType":"text","data":"kicked"}`,
	} {
		p := w.user(user)
		for _, name := range []string{"kick", "Kick", "KICK"} {
			p.send(`{"type":"event","event":"` + name + `","dataType":"text","data":"bob"}`)
			require.JSONEq(t, answer, p.read(), name)
		}
	}
}
