package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/service"
)

func main() {
	app, err := NewApp(os.Getenv("WEBPUBSUB_CONNECTION_STRING"))
	if err != nil {
		log.Fatalf("WEBPUBSUB_CONNECTION_STRING: %v", err)
	}
	go func() { _ = app.people.Run(context.Background()) }()
	server := http.Server{
		Addr:              "127.0.0.1:" + cmp.Or(os.Getenv("PORT"), "3000"),
		Handler:           app.Routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute, // the service waits 100 s for an answer
		IdleTimeout:       2 * time.Minute,
	}
	log.Println("listening on", server.Addr)
	log.Fatal(server.ListenAndServe())
}

// App is the auction with what it needs from the service.
type App struct {
	auction *Auction
	events  *webpubsub.Handler // receives events
	service *service.Client    // sends messages, makes URLs for clients
	people  *presence.Tracker  // knows who is at which lot
}

// NewApp connects the parts for the service of a connection string.
func NewApp(connectionString string) (*App, error) {
	client, err := service.NewClientFromConnectionString(connectionString, hub, nil)
	if err != nil {
		return nil, err
	}
	store, err := presence.NewMemoryStore(nil)
	if err != nil {
		return nil, err
	}
	people, err := presence.NewTracker(presence.Config{Hub: hub, Store: store, Lister: presence.FromService(client)})
	if err != nil {
		return nil, err
	}
	auction := NewAuction(func(ctx context.Context, p Price) error {
		return client.Group(p.Lot).SendJSON(ctx, p, nil)
	}, "clock", "painting")
	cfg := auction.Config(connectionString)
	cfg.Interceptors = []webpubsub.Interceptor{people.Intercept}
	events, err := webpubsub.NewHandler(cfg)
	if err != nil {
		return nil, err
	}
	return &App{auction, events, client, people}, nil
}

// Routes returns the HTTP handler of the application.
func (a *App) Routes() http.Handler {
	r := chi.NewRouter()
	r.Handle("/eventhandler", a.events) // all methods: the service asks for consent with OPTIONS
	r.Get("/lots/{lot}", a.show)
	r.Post("/lots/{lot}/enter", a.enter)
	return r
}

// enter answers with the URL at which a client takes part. It takes anyone's word for
// their name: ask for a password here.
func (a *App) enter(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("name")
	if name == "" {
		http.Error(w, "name is missing", http.StatusBadRequest)
		return
	}
	access, err := a.service.ClientAccess(r.Context(), &service.ClientAccessOptions{UserID: name})
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		log.Println("enter:", err)
		return
	}
	fmt.Fprint(w, access.URL()+"&lot="+url.QueryEscape(chi.URLParam(r, "lot")))
}

// show answers with the price of a lot and the names of those who are there.
func (a *App) show(w http.ResponseWriter, r *http.Request) {
	price, ok := a.auction.Price(chi.URLParam(r, "lot"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	members, err := a.people.Members(r.Context(), price.Lot)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		log.Println("show:", err)
		return
	}
	present := []string{}
	for _, m := range members {
		present = append(present, m.UserID)
	}
	slices.Sort(present)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"price": price, "present": present})
}
