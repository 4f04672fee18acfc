package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/go-webpubsub/webpubsub/client"
)

// login is the credential of the client: it gets client URLs from the chat.
type login struct {
	url, secret string
	name        atomic.Value // the nickname, which the secret allows to change
}

func newLogin(chat, name string) (*login, error) {
	address, err := url.JoinPath(chat, "login")
	d := &login{url: address, secret: rand.Text() + rand.Text()}
	d.name.Store(name)
	return d, err
}

// open logs in and returns a client URL. The client calls it for each new
// connection, because the ticket in the URL is short-lived.
func (d *login) open(ctx context.Context) (address string, err error) {
	body, err := json.Marshal(map[string]any{"nickname": d.name.Load(), "secret": d.secret})
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultTransport.RoundTrip(r) // follows no redirect, which could reveal the secret
	if err != nil {
		return "", fmt.Errorf("no chat at %s: %w", d.url, err)
	}
	defer res.Body.Close()
	var answer struct{ URL, Reason string }
	err = json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&answer)
	switch {
	case answer.Reason != "" && res.StatusCode != http.StatusTooManyRequests:
		return "", client.Permanent(errors.New(answer.Reason)) // asking again does not help
	case answer.Reason != "":
		return "", errors.New(answer.Reason)
	case err != nil || answer.URL == "":
		return "", fmt.Errorf("no chat at %s: it responded with %s", d.url, res.Status)
	}
	return answer.URL, nil
}
