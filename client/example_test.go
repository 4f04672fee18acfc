package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/service"
)

// addressesFor stands in for the application's server, which has the connection
// string of the service and makes client URLs.
func addressesFor(user string) (credential client.Credential, stop func()) {
	emu, err := emulator.New(emulator.Config{Hubs: map[string]emulator.Hub{
		"chat": {EventHandlers: []emulator.EventHandler{emulator.InMemory(http.HandlerFunc(answer))}},
	}})
	must(err)
	srv := httptest.NewServer(emu)
	hub, err := service.NewClientFromConnectionString(emulator.ConnectionString(srv.URL, emulator.DefaultAccessKey), "chat", nil)
	must(err)
	credential = func(ctx context.Context) (string, error) {
		access, err := hub.ClientAccess(ctx, &service.ClientAccessOptions{
			UserID: user,
			Roles: []string{
				"webpubsub.joinLeaveGroup.lobby", "webpubsub.sendToGroup.lobby", "webpubsub.setGroupState.lobby", "webpubsub.getGroupState.lobby",
			},
		})
		if err != nil {
			return "", err
		}
		return access.URL(), nil
	}
	return credential, func() { emu.Close(); srv.Close() }
}

// answer is a handwritten event handler; package webpubsub makes better ones.
func answer(w http.ResponseWriter, r *http.Request) {
	switch r.Header.Get("ce-eventName") {
	case "":
		w.Header().Set("WebHook-Allowed-Origin", "*")
	case "add":
		w.Header().Set("Content-Type", "application/json")
		var in []int
		_ = json.NewDecoder(r.Body).Decode(&in)
		_ = json.NewEncoder(w).Encode(in[0] + in[1])
	case "shout":
		w.Header().Set("Content-Type", "text/plain")
		text, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append(text, '!'))
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// must panics on an error.
func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func Example() {
	type Notice struct {
		Text string `json:"text"`
	}
	ctx := context.Background()
	credential, stop := addressesFor("ann")
	defer stop()

	c, err := client.New(credential, nil)
	must(err)
	heard := make(chan struct{})
	client.OnGroupJSON(c, "lobby", func(_ context.Context, m *client.GroupMessage, n Notice) {
		fmt.Println(m.FromUserID, "says", n.Text)
		close(heard)
	})
	must(c.Start(ctx))
	_, err = c.JoinGroup(ctx, "lobby", nil)
	must(err)
	_, err = c.SendToGroup(ctx, "lobby", client.JSON(Notice{"doors open"}), nil)
	must(err)
	<-heard
	must(c.Stop(ctx))
	// Output: ann says doors open
}

func ExampleClient_GroupMessages() {
	ctx := context.Background()
	credential, stop := addressesFor("ann")
	defer stop()
	c, err := client.New(credential, nil)
	must(err)
	messages := c.GroupMessages(ctx) // from now on
	must(c.Start(ctx))
	defer func() { _ = c.Stop(ctx) }()
	_, err = c.JoinGroup(ctx, "lobby", nil)
	must(err)
	for _, text := range []string{"one", "two", "bye"} {
		_, err = c.SendToGroup(ctx, "lobby", client.Text(text), nil)
		must(err)
	}
	for m := range messages {
		fmt.Println(m.Data)
		if m.Data.String() == "bye" {
			break
		}
	}
	// Output:
	// one
	// two
	// bye
}

func ExampleClient_InvokeEvent() {
	ctx := context.Background()
	credential, stop := addressesFor("ann")
	defer stop()
	c, err := client.New(credential, nil)
	must(err)
	must(c.Start(ctx))
	defer func() { _ = c.Stop(ctx) }()
	answer, err := c.InvokeEvent(ctx, "shout", client.Text("hello"), nil)
	must(err)
	fmt.Println(answer)
	// Output: hello!
}

func ExampleClient_OpenGroupStream() {
	ctx := context.Background()
	credential, stop := addressesFor("ann")
	defer stop()
	c, err := client.New(credential, nil)
	must(err)
	over := make(chan struct{})
	c.OnGroupStream(func(_ context.Context, stream *client.StreamReader) {
		defer close(over)
		for piece, err := range stream.Pieces() {
			if err != nil {
				fmt.Println("broken:", err)
				return
			}
			fmt.Println(piece)
		}
		fmt.Println("the end")
	}, nil)
	must(c.Start(ctx))
	defer func() { _ = c.Stop(ctx) }()
	_, err = c.JoinGroup(ctx, "lobby", nil)
	must(err)
	stream, err := c.OpenGroupStream(ctx, "lobby", nil)
	must(err)
	for _, word := range []string{"token", "by", "token"} {
		must(stream.Write(ctx, client.Text(word)))
	}
	must(stream.Close(ctx))
	<-over
	// Output:
	// token
	// by
	// token
	// the end
}
