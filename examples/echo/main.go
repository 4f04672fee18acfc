// Command echo sends what clients of the hub "chat" say back to them. Without
// WEBPUBSUB_CONNECTION_STRING it believes the emulator, whose key everybody
// knows: keep it on the loopback interface then.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

type Said struct {
	Text string `json:"text" validate:"required,max=4000"`
}

func echo[T any](ctx context.Context, ev *webpubsub.UserEvent, in T) (T, error) { return in, nil }

func main() {
	service := cmp.Or(os.Getenv("WEBPUBSUB_CONNECTION_STRING"), httptest.ConnectionString)
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{service},
		OnConnect: func(ctx context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			return &webpubsub.ConnectReply{Groups: []string{"lobby"}}, nil
		},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": webpubsub.Text(echo[string]),
			"say":     webpubsub.JSON(echo[Said]),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/eventhandler", h) // for every method: validation comes by OPTIONS
	ln, err := net.Listen("tcp", cmp.Or(os.Getenv("ADDR"), "127.0.0.1:3000"))
	if err != nil {
		log.Fatal(err)
	}
	url := "http://" + ln.Addr().String() + "/eventhandler"
	curl, err := httptest.New(nil, &httptest.Options{ConnectionString: service, URL: url}).Curl("message", "hello")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(curl)
	srv := http.Server{ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(srv.Serve(ln))
}
