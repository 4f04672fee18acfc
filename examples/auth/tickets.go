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

// TicketLifetime is the time from asking for a ticket to connecting with it.
const TicketLifetime = time.Minute

// Tickets makes and checks tickets: a user's name, until when, and a signature.
// A browser cannot set headers on a WebSocket, so a ticket travels in the query
// and ends up in logs; that is why it lives so briefly. It is not used up by its
// first use, since the service may deliver one connect event several times, and
// needs no store, so that every replica can check it.
type Tickets struct{ key []byte }

// NewTickets takes the key that all replicas share: 32 random bytes.
func NewTickets(key []byte) (*Tickets, error) {
	if len(key) < 32 {
		return nil, fmt.Errorf("ticket key has %d bytes, want 32 random ones", len(key))
	}
	return &Tickets{key: append([]byte(nil), key...)}, nil
}

// Issue makes a ticket for a user who has just shown who they are.
func (t *Tickets) Issue(user string, now time.Time) string {
	claim := base64.RawURLEncoding.EncodeToString([]byte(user)) + "." +
		strconv.FormatInt(now.Add(TicketLifetime).Unix(), 10)
	return claim + "." + base64.RawURLEncoding.EncodeToString(t.sign(claim))
}

// Check gives the user for whom a ticket was made. A nil Tickets accepts none.
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
	// From here on it is our own text.
	encoded, until, _ := strings.Cut(claim, ".")
	name, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || len(name) == 0 { // an empty user id would keep the token's
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
	mac.Write([]byte("webpubsub ticket " + claim)) // no other use of the key signs such a text
	return mac.Sum(nil)
}
