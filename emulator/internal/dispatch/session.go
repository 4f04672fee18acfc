package dispatch

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// Ids of events of one connection. The first two are kept for connect and
// connected, whether or not a handler asks for them.
const (
	idConnect   = "0"
	idConnected = "1"
	firstID     = 2
)

// session is what the events of one connection have in common.
type session struct {
	hubName      string
	connectionID string

	mu          sync.Mutex
	userID      string
	subprotocol string
	nextID      uint64
	state       *string
	cookies     *cookiejar.Jar // nil: none yet

	notices queue
}

// client returns the client as records name it.
func (s *session) client() trace.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return trace.Client{Hub: s.hubName, Connection: s.connectionID, User: s.userID}
}

// id gives the id of the next event.
func (s *session) id() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.nextID
	s.nextID++
	return strconv.FormatUint(id, 10)
}

// learnCookies keeps what a successful answer set, for the place that set it.
func (s *session) learnCookies(from *url.URL, cookies []*http.Cookie) {
	if len(cookies) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cookies == nil {
		s.cookies, _ = cookiejar.New(nil) // without options it has no error
	}
	s.cookies.SetCookies(from, cookies)
}
