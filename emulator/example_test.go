package emulator_test

import (
	"context"
	"fmt"
	"log"
	nethttptest "net/http/httptest"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/service"
)

// shouter is an event handler that answers with an exclamation mark.
func shouter() *webpubsub.Handler {
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": webpubsub.Text(func(_ context.Context, _ *webpubsub.UserEvent, text string) (string, error) {
				return text + "!", nil
			}),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	return h
}

// The service for one hub, on a listener of your own. In a test, Start does all of this.
func ExampleNew() {
	ctx := context.Background()
	emu, err := emulator.New(emulator.Config{Hubs: map[string]emulator.Hub{"chat": {
		AllowAnonymous: true,
		EventHandlers:  []emulator.EventHandler{emulator.InMemory(shouter())},
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer emu.Close()
	server := nethttptest.NewServer(emu)
	defer server.Close()

	conn, _, err := websocket.Dial(ctx, server.URL+"/client/hubs/chat", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.CloseNow() //nolint:errcheck // the answer is here
	if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		fmt.Println(err)
		return
	}
	_, answer, err := conn.Read(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(answer))
	// Output: hello!
}

// A connection string for clients of the REST API.
func ExampleConnectionString() {
	emu, err := emulator.New(emulator.Config{AccessKeys: []string{"a key of your own, which is not public"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer emu.Close()
	server := nethttptest.NewServer(emu)
	defer server.Close()

	connectionString := emulator.ConnectionString(server.URL, "a key of your own, which is not public")
	c, err := service.NewClientFromConnectionString(connectionString, "chat", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	online, err := c.User("ann").Exists(context.Background())
	fmt.Println(online, err)
	// Output: false <nil>
}

// The settings of a hub can change while clients are connected.
func ExampleServer_SetHub() {
	emu, err := emulator.New(emulator.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer emu.Close()
	fmt.Println(emu.SetHub("chat", emulator.Hub{EventHandlers: []emulator.EventHandler{emulator.InMemory(shouter())}}))
	// Output: <nil>
}

// An event handler at a URL gets the events that its fields select.
func ExampleEventHandler() {
	events := emulator.AtURL("http://localhost:3000/{hub}/{event}")
	events.UserEventPattern = "say, room.*"
	events.SystemEvents = []string{"connect", "disconnected"}
	events.GroupEvents = nil // no joined and left

	emu, err := emulator.New(emulator.Config{
		Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{events}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	emu.Close()
	fmt.Println(events.UserEventPattern)
	// Output: say, room.*
}
