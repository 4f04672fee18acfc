package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

func TestTwoBidders(t *testing.T) {
	emu := emulator.Start(t, emulator.Config{})
	app, err := NewApp(emu.ConnectionString)
	require.NoError(t, err)
	server := httptest.NewServer(app.Routes())
	t.Cleanup(server.Close)
	err = emu.SetHub(hub, emulator.Hub{EventHandlers: []emulator.EventHandler{emulator.AtURL(server.URL + "/eventhandler")}})
	require.NoError(t, err)

	ann, _ := enter(t, server.URL, "ann")
	_, benHears := enter(t, server.URL, "ben")

	answer, err := ann.InvokeEvent(t.Context(), "bid", client.JSON(Bid{Amount: 12}), nil)
	require.NoError(t, err)
	assert.JSONEq(t, `{"lot":"clock","amount":12,"bidder":"ann"}`, answer.String())
	assert.Equal(t, Price{Lot: "clock", Amount: 12, Bidder: "ann"}, <-benHears)

	present := 0
	for change, err := range app.people.Watch(t.Context(), "clock") {
		require.NoError(t, err)
		if present += len(change.Joined); present == 2 {
			break
		}
	}
	assert.JSONEq(t, `{"price":{"lot":"clock","amount":12,"bidder":"ann"},"present":["ann","ben"]}`, get(t, server.URL+"/lots/clock"))
}

// enter connects a client to the lot "clock". The channel receives the prices that it
// hears.
func enter(t *testing.T, app, name string) (*client.Client, <-chan Price) {
	t.Helper()
	c, err := client.New(func(ctx context.Context) (string, error) {
		return fetch(ctx, http.MethodPost, app+"/lots/clock/enter?name="+name)
	}, nil)
	require.NoError(t, err)
	prices := make(chan Price, 10)
	client.OnGroupJSON(c, "clock", func(_ context.Context, _ *client.GroupMessage, p Price) { prices <- p })
	require.NoError(t, c.Start(t.Context()))
	t.Cleanup(func() { _ = c.Stop(context.Background()) })
	return c, prices
}

func get(t *testing.T, url string) string {
	t.Helper()
	body, err := fetch(t.Context(), http.MethodGet, url)
	require.NoError(t, err)
	return body
}

func fetch(ctx context.Context, method, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}
