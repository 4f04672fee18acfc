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
)

// door is where the chat hands out addresses of the service.
type door struct {
	url, secret string
	name        atomic.Value // nickname; whoever has the secret may change it
}

func newDoor(chat, name string) (*door, error) {
	address, err := url.JoinPath(chat, "login")
	d := &door{url: address, secret: rand.Text() + rand.Text()}
	d.name.Store(name)
	return d, err
}

// open is the client's credential. It is asked for each new connection, because
// the ticket in the address that it gives is short-lived.
func (d *door) open(ctx context.Context) (address string, err error) {
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
	res, err := http.DefaultTransport.RoundTrip(r) // follows no redirect, which would give the secret away
	if err != nil {
		return "", fmt.Errorf("no chat at %s: %w", d.url, err)
	}
	defer res.Body.Close()
	var answer struct{ URL, Reason string }
	err = json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&answer)
	switch {
	case answer.Reason != "":
		return "", errors.New(answer.Reason)
	case err != nil || answer.URL == "":
		return "", fmt.Errorf("no chat at %s: it answers %s", d.url, res.Status)
	}
	return answer.URL, nil
}
