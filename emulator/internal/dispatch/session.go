package dispatch

import (
	"sync"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// session is what the events of one connection have in common.
type session struct {
	upstream.Session
	hubName      string
	connectionID string

	mu          sync.Mutex
	userID      string
	subprotocol string

	notices queue
}
