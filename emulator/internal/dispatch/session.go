package dispatch

import (
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// session is the state that the events of one connection share.
type session struct {
	upstream.Session
	hubName      string
	connectionID string

	mu          sync.Mutex
	userID      string
	subprotocol string

	notices queue
}

// client returns the client as records name it.
func (s *session) client() trace.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return trace.Client{Hub: s.hubName, Connection: s.connectionID, User: s.userID}
}

// protocol returns the subprotocol, or "".
func (s *session) protocol() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subprotocol
}
