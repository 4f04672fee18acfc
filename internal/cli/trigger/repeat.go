package trigger

import (
	"strconv"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// Repetition makes the events of a run that sends one event many times.
type Repetition struct {
	Connection *Connection
	Event      *Event
	// NewConnections sends each event as of a connection of its own. Otherwise all are of
	// the same, with an id (ce-id) of their own.
	NewConnections bool
}

// At returns the connection and the event with a number, from 0. No two events have the
// same connection and id, so that no handler takes one for the repetition of another.
func (r *Repetition) At(i int) (*Connection, *Event) {
	ev := *r.Event
	if r.NewConnections {
		return r.Connection.again(upstream.NewConnectionID()), &ev
	}
	first := 2
	switch ev.Kind {
	case Connect:
		first = 0
	case Connected:
		first = 1
	default:
	}
	ev.ID = strconv.Itoa(first + i)
	return r.Connection.again(r.Connection.ID), &ev
}
