// Package bench has an application that uses the root package as users do. The
// benchmarks here compare it with a handler written by hand on net/http, in one
// process. The program in the folder server serves it for load generators.
package bench

import (
	"context"

	"github.com/go-webpubsub/webpubsub"
)

// Message is the payload of the JSON event. Two of its fields have two validation
// rules each.
type Message struct {
	Type string `json:"type"`
	Room string `json:"room" validate:"required,max=64"`
	From string `json:"from"`
	Seq  int64  `json:"seq"`
	Text string `json:"text" validate:"required,max=4000"`
}

// Config returns the application: it accepts clients with the query parameters of a
// page, a user and a room, and sends their messages back.
func Config(hub, accessKey string) webpubsub.Config {
	return webpubsub.Config{
		Hub:               hub,
		ConnectionStrings: []string{"Endpoint=https://bench.webpubsub.azure.com;AccessKey=" + accessKey + ";Version=1.0;"},
		OnConnect:         connect,
		OnConnected:       connected,
		UserEvents:        map[string]webpubsub.UserEventFunc{"message": message},
	}
}

func connect(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	const nameID = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
	switch {
	case ev.Claims.Get(nameID) == "":
		return nil, webpubsub.Unauthorized("no user")
	case ev.Query.Get("room") == "":
		return nil, webpubsub.BadRequest("no room")
	case ev.Headers.Get("Origin") == "":
		return nil, webpubsub.Forbidden("no origin")
	}
	return &webpubsub.ConnectReply{UserID: "u", Groups: []string{"g"}}, nil
}

func connected(_ context.Context, ev *webpubsub.ConnectedEvent) error {
	if ev.UserID == "" {
		return webpubsub.BadRequest("no user")
	}
	return nil
}

// message handles the event of clients without a Web PubSub subprotocol, whose frames
// are JSON or text. It answers with the payload, so that load generators can compare.
func message(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
	if ev.DataType == webpubsub.DataJSON {
		var in Message
		if err := ev.DecodeJSON(&in); err != nil {
			return webpubsub.Reply{}, err
		}
		if in.Room != "lobby" {
			return webpubsub.Reply{}, webpubsub.NotFound("no such room")
		}
	}
	return webpubsub.DataReply("text/plain", ev.Data), nil
}
