package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// People keeps the nicknames of the connected users, and of those who may reconnect.
type People interface {
	// Admit reserves the nickname of a guest, or returns ErrHere or ErrAbsent if it
	// resembles that of another user. It stores a guest who arrives, and the new name of
	// one who is here. Otherwise it only asks.
	Admit(ctx context.Context, g Guest, arrives bool) error
	// Leave removes a connection. If no connection of the user has its nickname any more,
	// that stays reserved for the user for the time of Absence.
	Leave(ctx context.Context, p Person) error
	// Name sets the names of people by their connections and users. An unknown name
	// stays empty.
	Name(ctx context.Context, all []Person) error
}

// Guest is a person as others see their nickname. Two nicknames resemble each other if
// their first or their second looks are equal.
type Guest struct {
	Person
	Looks [2]string
}

// Errors of [People].
var (
	ErrHere   = errors.New("the nickname resembles that of somebody who is here")
	ErrAbsent = errors.New("the nickname resembles that of somebody who has just left")
)

// Absence is how long a nickname is reserved after the user's last connection has
// ended: the page may reconnect. It waits up to 15 seconds between tries.
const Absence = 30 * time.Second

// maxAbsent is how many nicknames are reserved. The oldest are dropped first.
const maxAbsent = 1000

// people are the People of one process. A restart forgets all nicknames.
type people struct {
	absence time.Duration

	mu     sync.Mutex
	here   map[string]Guest // by connection
	absent []absentee       // the last to leave is the last element
}

type absentee struct {
	Guest
	until time.Time // when the nickname becomes free
}

func newPeople() *people { return &people{absence: Absence, here: make(map[string]Guest)} }

func (p *people) Admit(_ context.Context, g Guest, arrives bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, other := range p.here {
		if g.resembles(other) {
			return ErrHere
		}
	}
	p.forget()
	if slices.ContainsFunc(p.absent, func(a absentee) bool { return g.resembles(a.Guest) }) {
		return ErrAbsent
	}
	if arrives {
		p.absent = slices.DeleteFunc(p.absent, func(a absentee) bool { return a.User == g.User })
	}
	if _, here := p.here[g.Connection]; here || arrives { // else the connection has ended already
		p.here[g.Connection] = g
	}
	return nil
}

func (p *people) Leave(_ context.Context, who Person) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, here := p.here[who.Connection]
	if !here {
		return nil
	}
	delete(p.here, who.Connection)
	for _, other := range p.here {
		if other.User == g.User {
			return nil
		}
	}
	p.forget()
	if len(p.absent) == maxAbsent {
		p.absent = slices.Delete(p.absent, 0, 1)
	}
	p.absent = append(p.absent, absentee{g, time.Now().Add(p.absence)})
	return nil
}

// forget drops those who have been absent for too long.
func (p *people) forget() {
	now := time.Now()
	kept := slices.IndexFunc(p.absent, func(a absentee) bool { return now.Before(a.until) })
	if kept < 0 {
		kept = len(p.absent)
	}
	p.absent = slices.Delete(p.absent, 0, kept)
}

func (p *people) Name(_ context.Context, all []Person) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, who := range all {
		all[i].Name = p.here[who.Connection].Name
	}
	return nil
}

func (g Guest) resembles(other Guest) bool {
	return g.User != other.User && (g.Looks[0] == other.Looks[0] || g.Looks[1] == other.Looks[1])
}
