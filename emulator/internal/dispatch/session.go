package dispatch

import (
	"net/http"
	"strconv"
	"sync"
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
	cookies     map[string]string
	names       []string // of cookies, in the order in which they were set first

	notices queue
}

// id gives the id of the next event: 0 is connect, whether or not a handler asks
// for it.
func (s *session) id() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.nextID
	s.nextID++
	return strconv.FormatUint(id, 10)
}

// learn keeps what a successful answer set.
func (s *session) learn(state string, set bool, cookies []*http.Cookie) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if set {
		s.state = &state
	}
	for _, c := range cookies {
		_, known := s.cookies[c.Name]
		switch {
		case c.MaxAge < 0:
			delete(s.cookies, c.Name)
			continue
		case s.cookies == nil:
			s.cookies = make(map[string]string)
		}
		if !known {
			s.names = append(s.names, c.Name)
		}
		s.cookies[c.Name] = c.Value
	}
}

// cookieHeader writes the cookies for a request; empty if there are none.
func (s *session) cookieHeader() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := ""
	for _, name := range s.names {
		if v, ok := s.cookies[name]; ok {
			if line != "" {
				line += "; "
			}
			line += name + "=" + v
		}
	}
	return line
}

// queue runs the notifications of one connection one after the other, in a
// goroutine that is there only while there are any.
type queue struct {
	mu      sync.Mutex
	waiting []func()
	running bool
}

func (q *queue) add(start func(func()) bool, f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, f)
	if !q.running {
		q.running = start(q.run)
	}
}

func (q *queue) run() {
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 {
			q.running = false
			q.mu.Unlock()
			return
		}
		f := q.waiting[0]
		q.waiting = q.waiting[1:]
		q.mu.Unlock()
		f()
	}
}
