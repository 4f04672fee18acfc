package conformance

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Consent runs the checks that a handler must pass before the service sends it events. It
// returns the first that failed, or nil.
func Consent(target Target) (failed *Result, err error) {
	return newRun(target).require("url-braces", "reach", "redirect", "options-consent")
}

func newRun(target Target) *run {
	return &run{target: target, proof: proof{signature: true}, roots: make(map[string]string)}
}

// require runs some checks, and returns the first that failed; nil if none did.
func (r *run) require(ids ...string) (*Result, error) {
	for _, c := range Checks(false) {
		if !slices.Contains(ids, c.ID) {
			continue
		}
		result, err := r.check(c)
		if err != nil {
			return nil, err
		}
		if result.Status == Failed {
			return &result, nil
		}
	}
	return nil, nil
}

// Sighting is what the answer to an event shows.
type Sighting struct {
	// Event is the name of the event.
	Event string
	// Status of the answer; zero if there was none.
	Status int
	// Absent means that the handler refuses the event whatever it says, as one that has
	// no function for it.
	Absent bool
}

// Survey asks a handler for consent, and finds out which events it answers. It returns the
// check that failed and prevented that, or what it saw: connect, connected, disconnected,
// joined and left, and the target's user events.
func Survey(target Target) (seen []Sighting, failed *Result, err error) {
	r := newRun(target)
	failed, err = r.require("url-braces", "reach", "redirect", "options-consent", "signed")
	if failed != nil || err != nil {
		return nil, failed, err
	}
	p := &probe{run: r}
	group := `{"group":` + strconv.Quote(target.Group) + `}`
	events := []Event{
		p.connect(), connected(),
		{Type: wire.TypeDisconnected, Name: wire.NameDisconnected, Body: `{"reason":"bye"}`},
		{Type: wire.TypeGroupJoined, Name: wire.NameJoined, Body: group},
		{Type: wire.TypeGroupLeft, Name: wire.NameLeft, Body: group},
	}
	for _, name := range target.UserEvents {
		events = append(events, Event{Name: name, ContentType: wire.MediaText, Body: "hello"})
	}
	for _, ev := range events {
		s := Sighting{Event: ev.Name}
		if answer := p.send(ev.Name, p.event(ev)); answer != nil {
			s.Status, s.Absent = answer.Status, absent(ev, answer)
		}
		if p.err != nil {
			return nil, nil, p.err
		}
		seen = append(seen, s)
	}
	return seen, nil, nil
}

// absent reports whether an answer is that of a handler without a function for the event.
// A handler may refuse the client that connects, or a message. It cannot mean to refuse a
// notification.
func absent(ev Event, a *Answer) bool {
	switch a.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
		return true
	case http.StatusTooManyRequests:
		return false
	}
	notification := ev.Type != "" && ev.Type != wire.TypeConnect
	return a.redirects() || notification && a.refused()
}
