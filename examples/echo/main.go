package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/go-webpubsub/webpubsub"
)

func echo(_ context.Context, _ *webpubsub.UserEvent, text string) (string, error) { return text, nil }

func main() {
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{os.Getenv("WEBPUBSUB_CONNECTION_STRING")},
		UserEvents:        map[string]webpubsub.UserEventFunc{"message": webpubsub.Text(echo)},
	})
	if err != nil {
		log.Fatalf("WEBPUBSUB_CONNECTION_STRING: %v", err)
	}
	server := http.Server{
		Addr:              cmp.Or(os.Getenv("HOST"), "127.0.0.1") + ":" + cmp.Or(os.Getenv("PORT"), "3000"),
		Handler:           h, // an http.Handler: mount it in any router
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute, // the service waits 100 s for an answer
		IdleTimeout:       2 * time.Minute,
	}
	log.Println("listening on", server.Addr)
	log.Fatal(server.ListenAndServe())
}
