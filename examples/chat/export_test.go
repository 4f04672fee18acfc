package main

import (
	"io"
	"log"
	"net/http"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-webpubsub/webpubsub/service"
)

// NewHandler makes an event handler whose tickets are signed with a key that the
// test knows, and which prints to out.
func NewHandler(connectionString string, key []byte, out io.Writer) (http.Handler, error) {
	client, err := service.NewClientFromConnectionString(connectionString, hub, nil)
	if err != nil {
		return nil, err
	}
	c := &Chat{
		service: client, key: key, log: log.New(out, "", 0),
		history: NewMemory(), people: make(map[string]Person),
	}
	return c.handler(connectionString)
}

// NewMemory makes an empty history.
func NewMemory() History { return &memory{rooms: make(map[string][]Notice)} }

// Claims are those of a ticket.
func Claims(p Person, registered jwt.RegisteredClaims) jwt.Claims { return claims{p, registered} }
