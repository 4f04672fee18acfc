package client_test

import (
	"context"
	"fmt"

	"github.com/go-webpubsub/webpubsub/client"
)

// A credential returns the URL at which the client connects. It is called for each new
// connection, and usually asks the application's server.
func ExampleNew() {
	credential, stop := addressesFor("ann")
	defer stop()
	c, err := client.New(credential, nil)
	must(err)
	must(c.Start(context.Background()))
	fmt.Println(c.UserID(), c.State())
	must(c.Stop(context.Background()))
	fmt.Println(c.State())
	// Output:
	// ann connected
	// stopped
}

// The answer of an event handler, decoded.
func ExampleInvokeJSON() {
	ctx := context.Background()
	credential, stop := addressesFor("ann")
	defer stop()
	c, err := client.New(credential, nil)
	must(err)
	must(c.Start(ctx))
	defer func() { _ = c.Stop(ctx) }()
	sum, err := client.InvokeJSON[int](ctx, c, "add", []int{1, 2}, nil)
	must(err)
	fmt.Println(sum)
	// Output: 3
}

// A client receives the messages of the groups that it has joined.
func ExampleClient_OnGroupMessage() {
	ctx := context.Background()
	credential, stop := addressesFor("ann")
	defer stop()
	c, err := client.New(credential, nil)
	must(err)
	heard := make(chan struct{})
	c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
		fmt.Println(m.Group, m.FromUserID, m.Data)
		close(heard)
	})
	must(c.Start(ctx))
	defer func() { _ = c.Stop(ctx) }()
	_, err = c.JoinGroup(ctx, "lobby", nil)
	must(err)
	_, err = c.SendToGroup(ctx, "lobby", client.Text("hello"), nil)
	must(err)
	<-heard
	// Output: lobby ann hello
}

// The text of a language model, streamed while it is made.
func ExampleClient_StreamText() {
	ctx := context.Background()
	credential, stop := addressesFor("ann")
	defer stop()
	c, err := client.New(credential, nil)
	must(err)
	must(c.Start(ctx))
	defer func() { _ = c.Stop(ctx) }()
	tokens := func(yield func(string, error) bool) { _ = yield("To", nil) && yield("kens", nil) }
	fmt.Println(c.StreamText(ctx, "lobby", func(_ context.Context, w *client.TextWriter) error {
		return w.WriteAll(tokens)
	}, nil))
	// Output: <nil>
}
