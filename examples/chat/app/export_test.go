package app

import (
	"context"
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
	client, err := service.NewClientFromConnectionString(connectionString, Hub, nil)
	if err != nil {
		return nil, err
	}
	everybody := newPeople()
	everybody.absence = time.Hour
	c := newChat(client, Stores{People: everybody}, key, options{logins: 1, rooms: rooms}, log.New(out, "", 0))
	c.joins = newLimits(0, 8)
	return c.handler(connectionString)
}

var rooms = []string{"lobby", "go", "music", "random"}

// Mount registers the chat in a mux.
func Mount(mux *http.ServeMux, connectionString string, logins int, stores Stores, out *log.Logger) error {
	client, err := service.NewClientFromConnectionString(connectionString, Hub, nil)
	if err != nil {
		return err
	}
	return mount(mux, client, connectionString, stores, options{logins: logins, rooms: rooms}, out)
}

// NewMemory returns an empty history.
func NewMemory() History { return newMemory() }

// Claims are those of a ticket.
func Claims(p Person, registered jwt.RegisteredClaims) jwt.Claims { return claims{p, registered} }

// Network returns the key by which logins are limited.
var Network = network

// Nicknames admits people of a chat without a service.
type Nicknames struct{ c *Chat }

// NewNicknames returns a chat without people.
func NewNicknames() Nicknames { return Nicknames{&Chat{Stores: Stores{}.complete()}} }

// Connect admits a person who arrives.
func (n Nicknames) Connect(who Person) error { return n.c.admit(context.Background(), &who, true) }

// Ask checks a nickname.
func (n Nicknames) Ask(who Person) error { return n.c.admit(context.Background(), &who, false) }

// Leave removes a connection.
func (n Nicknames) Leave(connection string) {
	_ = n.c.People.Leave(context.Background(), Person{Connection: connection}) // never fails
}

// MaxAbsent is the number of reserved nicknames.
const MaxAbsent = maxAbsent

// Limits is a rate limit per key.
type Limits struct{ *limits }

// NewLimits returns unused limits.
func NewLimits(perSecond float64, burst int) Limits { return Limits{newLimits(perSecond, burst)} }

// Allow reports whether a key may call now.
func (l Limits) Allow(key string) bool { return l.allow(key) }
