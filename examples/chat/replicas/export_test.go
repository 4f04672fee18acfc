package main

import (
	"github.com/go-webpubsub/webpubsub/examples/chat/app"
	"github.com/go-webpubsub/webpubsub/redis"
)

// NewPeople returns the nicknames in Redis.
var NewPeople = newPeople

// NewHistory returns the messages in Redis.
func NewHistory(h *redis.History) app.History { return history{h} }
