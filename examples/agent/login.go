package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// login is the credential of the client: it gets client URLs from the chat, as the
// chat's page does.
type login struct {
	url, name, secret string
}

func newLogin(chat, name string) (*login, error) {
	address, err := url.JoinPath(chat, "login")
	return &login{url: address, name: name, secret: rand.Text() + rand.Text()}, err
}

// open logs in and returns a client URL. The client calls it for each new connection.
func (d *login) open(ctx context.Context) (address string, err error) {
	body, err := json.Marshal(map[string]string{"nickname": d.name, "secret": d.secret})
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
	if err != nil || answer.URL == "" {
		return "", fmt.Errorf("no login at %s: %s %q", d.url, res.Status, answer.Reason)
	}
	return answer.URL, nil
}
