package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// TicketLifetime is the time in which a client must connect with a ticket.
const TicketLifetime = time.Minute

// Tickets makes and checks tickets: a user's name, an expiry and a signature. A
// browser cannot set headers on a WebSocket, so the ticket is in the query, which
// ends up in logs: hence the short lifetime. A ticket can be used more than once,
// since the service may repeat a connect event. It needs no store, so every replica
// can check it.
type Tickets struct{ key []byte }

// NewTickets returns Tickets with a key of 32 random bytes, which all replicas share.
func NewTickets(key []byte) (*Tickets, error) {
	if len(key) < 32 {
		return nil, fmt.Errorf("ticket key has %d bytes, want 32 random bytes or more", len(key))
	}
	return &Tickets{key: append([]byte(nil), key...)}, nil
}

// Issue returns a ticket for an authenticated user.
func (t *Tickets) Issue(user string, now time.Time) string {
	claim := base64.RawURLEncoding.EncodeToString([]byte(user)) + "." +
		strconv.FormatInt(now.Add(TicketLifetime).Unix(), 10)
	return claim + "." + base64.RawURLEncoding.EncodeToString(t.sign(claim))
}

// Check returns the user of a valid ticket. A nil *Tickets accepts none.
func (t *Tickets) Check(ticket string, now time.Time) (user string, ok bool) {
	dot := strings.LastIndexByte(ticket, '.')
	if t == nil || dot < 0 {
		return "", false
	}
	claim := ticket[:dot]
	signature, err := base64.RawURLEncoding.DecodeString(ticket[dot+1:])
	if err != nil || !hmac.Equal(signature, t.sign(claim)) {
		return "", false
	}
	// The signature is valid: this program wrote the rest.
	encoded, until, _ := strings.Cut(claim, ".")
	name, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || len(name) == 0 { // an empty user id would keep that of the token
		return "", false
	}
	seconds, err := strconv.ParseInt(until, 10, 64)
	if err != nil || !now.Before(time.Unix(seconds, 0)) {
		return "", false
	}
	return string(name), true
}

func (t *Tickets) sign(claim string) []byte {
	mac := hmac.New(sha256.New, t.key)
	mac.Write([]byte("webpubsub ticket " + claim)) // the prefix keeps other uses of the key apart
	return mac.Sum(nil)
}
