// Package bench has the application whose cost is measured: one that uses the
// root package as its users do. The program in the folder server serves it for
// load generators, and the benchmarks here call it in their own process, beside
// a handler written by hand on net/http.
package bench

import (
	"context"

	"github.com/go-webpubsub/webpubsub"
)

// Message is the payload of the application's JSON event. Two of its fields have
// two rules each.
type Message struct {
	Type string `json:"type"`
	Room string `json:"room" validate:"required,max=64"`
	From string `json:"from"`
	Seq  int64  `json:"seq"`
	Text string `json:"text" validate:"required,max=4000"`
}

// Config is the application: it lets clients in who come from a page, with a
// user and a room, and sends their messages back to them.
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

// message handles the event of clients without a Web PubSub subprotocol, whose
// frames are JSON or text under the one name. The answer is the payload as it
// came, so that load generators can compare it.
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
