package inspector_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/browser/rig"
	"github.com/go-webpubsub/webpubsub/service"
)

// order is the payload of an event of the café, and of the message to its kitchen.
type order struct {
	Drink string `json:"drink" validate:"required"`
	Cups  int    `json:"cups" validate:"min=1,max=20"`
	From  string `json:"from,omitempty"`
}

// guest is the state of a connection.
type guest struct {
	Orders int    `json:"orders"`
	Last   string `json:"last,omitempty"`
}

// cafe is an application with an event that fails, and one that needs a second attempt.
type cafe struct {
	t    *testing.T
	emu  *emulator.TestServer
	down atomic.Bool
}

func openCafe(t *testing.T) *cafe {
	t.Helper()
	c, mux := &cafe{t: t}, http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	c.emu = emulator.Start(t, emulator.Config{
		Hubs:      map[string]emulator.Hub{"cafe": {EventHandlers: []emulator.EventHandler{emulator.AtURL(web.URL + "/eventhandler")}}},
		Inspector: &emulator.Inspector{},
		Logger:    slog.New(slog.DiscardHandler),
	})
	kitchen, err := service.NewClientFromConnectionString(c.emu.ConnectionString, "cafe", nil)
	require.NoError(t, err)
	var state webpubsub.State[guest]
	events, err := webpubsub.NewHandler(webpubsub.Config{
		Hub: "cafe", ConnectionStrings: []string{c.emu.ConnectionString},
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			return &webpubsub.ConnectReply{Groups: []string{"guests"}, State: state.Set(guest{})}, nil
		},
		OnConnected: func(context.Context, *webpubsub.ConnectedEvent) error { return nil },
		UserEvents: map[string]webpubsub.UserEventFunc{
			"order": webpubsub.JSON(func(ctx context.Context, ev *webpubsub.UserEvent, in order) (webpubsub.Reply, error) {
				s, err := state.Get(ev)
				if err != nil {
					return webpubsub.Reply{}, err
				}
				s.Orders, s.Last, in.From = s.Orders+1, in.Drink, ev.UserID
				reply := webpubsub.JSONReply(map[string]int{"waiting": s.Orders})
				reply.State = state.Set(s)
				return reply, kitchen.Group("kitchen").SendJSON(ctx, in, nil)
			}),
		},
	})
	require.NoError(t, err)
	mux.HandleFunc("/eventhandler", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && c.down.CompareAndSwap(true, false) {
			http.Error(w, "The kitchen is starting.", http.StatusServiceUnavailable)
			return
		}
		events.ServeHTTP(w, r)
	})
	return c
}

// enter connects a guest or the kitchen.
func (c *cafe) enter(name, group string, protocol client.Protocol) *client.Client {
	c.t.Helper()
	address := c.emu.ClientURL("cafe", &emulator.ClientOptions{UserID: name, Roles: []string{"webpubsub.joinLeaveGroup." + group, "webpubsub.sendToGroup.guests"}})
	guest, err := client.New(client.StaticURL(address), &client.Options{Protocol: protocol})
	require.NoError(c.t, err)
	require.NoError(c.t, guest.Start(c.t.Context()))
	c.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.t.Context()), 5*time.Second)
		defer cancel()
		_ = guest.Stop(ctx)
	})
	_, err = guest.JoinGroup(c.t.Context(), group, nil)
	require.NoError(c.t, err)
	return guest
}

// TestPictures takes pictures of a lively session.
func TestPictures(t *testing.T) {
	t.Parallel()
	c := openCafe(t)
	url := c.emu.InspectorURL(c.emu.Endpoint)
	b := rig.Open(t, rig.Launch(t), url, "^"+c.emu.Endpoint+"/inspector/")
	b.Screenshots = *screenshots
	b.Shows("#state-text", "Live")
	kitchen := c.enter("kitchen", "kitchen", client.ProtocolProtobufReliable)
	ann, ben, mira := c.enter("ann", "table-1", client.ProtocolJSONReliable), c.enter("ben", "table-2", client.ProtocolJSON), c.enter("mira", "table-2", client.ProtocolJSON)
	ask := func(who *client.Client, drink string, cups int) error {
		_, err := who.SendEvent(t.Context(), "order", client.JSON(order{Drink: drink, Cups: cups}), nil)
		return err
	}
	require.NoError(t, ask(ann, "Cappuccino", 2))
	require.NoError(t, ask(ben, "Espresso", 1))
	c.down.Store(true)
	require.NoError(t, ask(mira, "Flat white", 1))
	_, err := ann.SendToGroup(t.Context(), "guests", client.Text("Is that seat free?"), nil)
	require.NoError(t, err)
	require.NoError(t, ask(ann, "Ristretto", 1))
	require.Error(t, ask(ben, "Tea", 40))
	_, err = kitchen.JoinGroup(t.Context(), "elsewhere", nil)
	require.Error(t, err)
	b.Await(`[...document.querySelectorAll(".record")].some(r => r.record.kind === "ack" && r.record.user === "kitchen" && r.record.failed)`)

	picture := func(name, scheme string, width, height int64, scale float64) {
		t.Helper()
		data := b.Shoot(name, scheme, width, height, scale)
		if *pictures != "" && (name == "inspector" || name == "inspector-phone") {
			require.NoError(t, os.WriteFile(filepath.Join(*pictures, name+".png"), data, 0o600))
		}
	}
	picture("lively", "light", 1440, 860, 1)
	picture("lively-dark", "dark", 1440, 860, 1)
	picture("inspector-phone", "dark", 390, 780, 2)
	picture("phone-light", "light", 390, 780, 2)
	b.Resize(1440, 860, 1)
	pick := func(condition string) {
		t.Helper()
		b.Await(`[...document.querySelectorAll(".record")].some(r => %s)`, condition)
		rig.Eval[chromedp.Void](b, `[...document.querySelectorAll(".record")].find(r => %s).click()`, condition)
	}
	pick(`r.record.kind === "event.refused"`)
	picture("inspector", "light", 1440, 860, 2)
	picture("refused-dark", "dark", 1440, 860, 1)
	picture("refused-phone", "light", 390, 780, 2)
	b.Resize(1440, 860, 1)
	search(b, "is:event user:mira")
	pick(`r.record.attempts > 1`)
	picture("retried", "light", 1440, 860, 1)
	b.Click("#tab-clients")
	b.Await(`document.querySelectorAll("#clients tbody tr").length === 4`)
	picture("open-clients", "light", 1440, 860, 1)
	picture("open-clients-phone", "dark", 390, 780, 2)
}
