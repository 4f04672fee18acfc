package main

import "github.com/go-webpubsub/webpubsub/client"

// NewLogin returns a credential of the chat.
func NewLogin(chat, name string) (client.Credential, error) {
	d, err := newLogin(chat, name)
	return d.open, err
}
