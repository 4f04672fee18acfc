package upstream

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"sync"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Session is the service's record of a connection between events: the number of
// events, and the state and cookies that the handler has set. The zero value is a
// new connection. It is safe for concurrent use.
type Session struct {
	mu      sync.Mutex
	events  uint64 // apart from connect and connected
	state   *string
	cookies *cookiejar.Jar // nil if there are none
}

// EventID returns the id of the connection's next event, by its type: "0" for
// connect, "1" for connected, and "2", "3" and so on for all others.
func (s *Session) EventID(typ string) string {
	switch typ {
	case wire.TypeConnect:
		return "0"
	case wire.TypeConnected:
		return "1"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events++
	return strconv.FormatUint(s.events+1, 10)
}

// State returns the connection's state; ok is false if the handler has set none.
func (s *Session) State() (state string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return "", false
	}
	return *s.state, true
}

// AddCookies adds to an event's request the cookies that belong to its URL.
func (s *Session) AddCookies(req *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cookies == nil {
		return
	}
	for _, c := range s.cookies.Cookies(req.URL) {
		req.AddCookie(c)
	}
}

// Keep stores the state and cookies of a successful answer to a connect or user
// event, which was sent to u.
func (s *Session) Keep(u *url.URL, answer *Answer) {
	s.KeepCookies(u, answer)
	if state, ok := answer.State(); ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.state = &state
	}
}

// KeepCookies stores the cookies of a successful answer to a notification: it
// cannot set the state.
func (s *Session) KeepCookies(u *url.URL, answer *Answer) {
	cookies := answer.Cookies()
	if len(cookies) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cookies == nil {
		s.cookies, _ = cookiejar.New(nil) // returns no error without options
	}
	s.cookies.SetCookies(u, cookies)
}
