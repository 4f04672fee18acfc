package service_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-webpubsub/webpubsub/service"
)

// The examples are what a newcomer meets first. They run against an emulator.

func ExampleNewClientFromConnectionString() {
	c, err := service.NewClientFromConnectionString("Endpoint=https://contoso.webpubsub.azure.com;AccessKey=secret;Version=1.0;", "chat", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c) // without the key
	// Output: service.Client(https://contoso.webpubsub.azure.com, hub "chat")
}

// Each connection of a user receives the message.
func ExampleUser() {
	ctx := context.Background()
	c, _, stop := runClient(ctx)
	defer stop()

	ann := c.User("ann")
	fmt.Println(ann.SendText(ctx, "hello", nil))
	fmt.Println(ann.Exists(ctx))
	// Output:
	// <nil>
	// true <nil>
}

// All clients in a group receive the message.
func ExampleGroup_SendJSON() {
	ctx := context.Background()
	c, _, stop := runClient(ctx)
	defer stop()

	type price struct {
		Lot    string `json:"lot"`
		Amount int    `json:"amount"`
	}
	fmt.Println(c.Group("clock").SendJSON(ctx, price{"clock", 12}, nil))
	// Output: <nil>
}

// Close ends a connection, and the client learns the reason.
func ExampleConnection_Close() {
	ctx := context.Background()
	c, connectionID, stop := runClient(ctx)
	defer stop()

	err := c.Connection(connectionID).Close(ctx, &service.CloseOptions{Reason: "the auction is over"})
	fmt.Println(err)
	// Output: <nil>
}
