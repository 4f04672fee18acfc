package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

func echo(_ context.Context, _ *webpubsub.UserEvent, text string) (string, error) { return text, nil }

func main() {
	service := cmp.Or(os.Getenv("WEBPUBSUB_CONNECTION_STRING"), httptest.ConnectionString)
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{service},
		UserEvents:        map[string]webpubsub.UserEventFunc{"message": webpubsub.Text(echo)},
	})
	if err != nil {
		log.Fatal(err)
	}
	addr := "127.0.0.1:" + cmp.Or(os.Getenv("PORT"), "3000")
	log.Println("try it:\n" + httptest.Curl("http://"+addr+"/eventhandler", service, "message", "hello"))
	log.Fatal(http.ListenAndServe(addr, h)) // h is an http.Handler: mount it in any router
}
