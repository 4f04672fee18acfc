package app

import (
	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
)

// Stores are what the replicas of a chat share. The zero Stores are for a chat of one
// process, which keeps everything in memory.
type Stores struct {
	// History has the last messages of rooms.
	History History
	// People has the nicknames.
	People People
	// Presence tracks who is in which room. If it is nil, the service is asked.
	Presence *presence.Tracker
	// Events remembers the answers to events. If it is nil, an event that the service
	// repeats is handled again.
	Events webpubsub.DeduplicationStore
	// Close closes the stores. It may be nil.
	Close func()
}

func (s Stores) complete() Stores {
	if s.History == nil {
		s.History = newMemory()
	}
	if s.People == nil {
		s.People = newPeople()
	}
	if s.Close == nil {
		s.Close = func() {}
	}
	return s
}
