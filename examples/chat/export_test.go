package main

import (
	"io"
	"log"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-webpubsub/webpubsub/service"
)

// NewHandler makes an event handler whose tickets are signed with a key that the
// test knows, and which prints to out. However slow the test is, a connection
// enters no more than eight rooms, and a nickname is kept.
func NewHandler(connectionString string, key []byte, out io.Writer) (http.Handler, error) {
	client, err := service.NewClientFromConnectionString(connectionString, hub, nil)
	if err != nil {
		return nil, err
	}
	c := newChat(client, key, 1, log.New(out, "", 0))
	c.joins, c.people.absence = newLimits(0, 8), time.Hour
	return c.handler(connectionString)
}

// Mount puts the chat into a mux.
var Mount = mount

// NewMemory makes an empty history.
func NewMemory() History { return newMemory() }

// Claims are those of a ticket.
func Claims(p Person, registered jwt.RegisteredClaims) jwt.Claims { return claims{p, registered} }

// Network is what logins are counted by.
var Network = network

// People are those who are here, and those who may come back.
type People struct{ *people }

// NewPeople makes nobody.
func NewPeople() People { return People{newPeople()} }

// Connect notes somebody who arrives.
func (p People) Connect(who Person) error { return p.admit(&who, true) }

// Ask asks whether somebody may come, or be called so.
func (p People) Ask(who Person) error { return p.admit(&who, false) }

// Leave notes the end of a connection.
func (p People) Leave(connection string) { p.leave(connection) }

// What bounds the nicknames of those who have left.
const (
	Absence   = absence
	MaxAbsent = maxAbsent
)

// Limits is a rate limit for each of many keys.
type Limits struct{ *limits }

// NewLimits makes one that nothing has been taken from.
func NewLimits(perSecond float64, burst int) Limits { return Limits{newLimits(perSecond, burst)} }

// Allow takes from the limit of a key.
func (l Limits) Allow(key string) bool { return l.allow(key) }
