package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/go-webpubsub/webpubsub"
)

const hub = "auction"

// Bid is what a client sends with the event "bid".
type Bid struct {
	Amount int `json:"amount" validate:"min=1"`
}

// Price is the highest bid for a lot. Everyone at the lot receives it.
type Price struct {
	Lot    string `json:"lot"`
	Amount int    `json:"amount"`
	Bidder string `json:"bidder,omitempty"`
}

// Seat is the state of a connection: the lot that its client bids for.
type Seat struct {
	Lot string `json:"lot"`
}

var seat webpubsub.State[Seat]

// Auction keeps the prices of lots and announces each new price.
type Auction struct {
	announce func(context.Context, Price) error

	mu     sync.Mutex
	prices map[string]Price // by lot
}

// NewAuction returns an auction of some lots. It calls announce with each new price.
func NewAuction(announce func(context.Context, Price) error, lots ...string) *Auction {
	a := &Auction{announce: announce, prices: map[string]Price{}}
	for _, lot := range lots {
		a.prices[lot] = Price{Lot: lot}
	}
	return a
}

// Config returns the configuration of the event handler.
func (a *Auction) Config(connectionString string) webpubsub.Config {
	return webpubsub.Config{
		Hub:               hub,
		ConnectionStrings: []string{connectionString},
		OnConnect:         a.connect,
		UserEvents:        map[string]webpubsub.UserEventFunc{"bid": webpubsub.JSON(a.bid)},
		RefusalReply:      webpubsub.JSONRefusal, // so that the client sees why its bid was refused
	}
}

// connect accepts a client at the lot in the query of its URL.
func (a *Auction) connect(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	lot := ev.Query.Get("lot")
	if _, ok := a.Price(lot); !ok {
		return nil, webpubsub.NotFound("no such lot")
	}
	return &webpubsub.ConnectReply{
		Groups: []string{lot},
		State:  seat.Set(Seat{Lot: lot}),
	}, nil
}

// bid raises the price of the client's lot. The lock also keeps announcements in order.
func (a *Auction) bid(ctx context.Context, ev *webpubsub.UserEvent, in Bid) (Price, error) {
	s, err := seat.Get(ev)
	if err != nil {
		return Price{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	price, ok := a.prices[s.Lot]
	switch {
	case !ok:
		return Price{}, webpubsub.NotFound("no such lot")
	case in.Amount <= price.Amount:
		return Price{}, webpubsub.Conflict(fmt.Sprintf("the price is already %d", price.Amount))
	}
	price = Price{Lot: s.Lot, Amount: in.Amount, Bidder: ev.UserID}
	if err := a.announce(ctx, price); err != nil {
		return Price{}, err // 500: the service delivers the bid again
	}
	a.prices[s.Lot] = price
	return price, nil
}

// Price returns the price of a lot and reports whether there is such a lot.
func (a *Auction) Price(lot string) (price Price, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	price, ok = a.prices[lot]
	return price, ok
}
