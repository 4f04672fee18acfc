package main

import (
	"io"
	"log"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-webpubsub/webpubsub/service"
)

// NewHandler returns an event handler that prints to out. The test knows the key of
// its tickets. However slow the test is, a connection can join eight times only, and
// nicknames stay reserved.
func NewHandler(connectionString string, key []byte, out io.Writer) (http.Handler, error) {
	client, err := service.NewClientFromConnectionString(connectionString, hub, nil)
	if err != nil {
		return nil, err
	}
	c := newChat(client, key, 1, log.New(out, "", 0))
	c.joins, c.people.absence = newLimits(0, 8), time.Hour
	return c.handler(connectionString)
}

// Mount registers the chat in a mux.
var Mount = mount

// NewMemory returns an empty history.
func NewMemory() History { return newMemory() }

// Claims are those of a ticket.
func Claims(p Person, registered jwt.RegisteredClaims) jwt.Claims { return claims{p, registered} }

// Network returns the key by which logins are limited.
var Network = network

// People are the connected users, and those who may reconnect.
type People struct{ *people }

// NewPeople returns no people.
func NewPeople() People { return People{newPeople()} }

// Connect admits a person who arrives.
func (p People) Connect(who Person) error { return p.admit(&who, true) }

// Ask checks a nickname.
func (p People) Ask(who Person) error { return p.admit(&who, false) }

// Leave removes a connection.
func (p People) Leave(connection string) { p.leave(connection) }

// Limits of reserved nicknames.
const (
	Absence   = absence
	MaxAbsent = maxAbsent
)

// Limits is a rate limit per key.
type Limits struct{ *limits }

// NewLimits returns unused limits.
func NewLimits(perSecond float64, burst int) Limits { return Limits{newLimits(perSecond, burst)} }

// Allow reports whether a key may call now.
func (l Limits) Allow(key string) bool { return l.allow(key) }
