package main

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
)

// History keeps what was said last.
type History interface {
	// Add keeps a notice, once: one of the same ID may be there.
	Add(ctx context.Context, said Notice) error
	// Last gives the notices of a room, oldest first.
	Last(ctx context.Context, room string) ([]Notice, error)
}

// What memory keeps of a room. All of it goes to everybody who joins.
const (
	maxNotices = 100
	maxBytes   = 64 << 10 // of JSON
)

// memory is a History that a restart ends.
type memory struct {
	mu    sync.Mutex
	rooms map[string][]kept
}

type kept struct {
	Notice
	size int // in bytes of JSON
}

func newMemory() *memory { return &memory{rooms: make(map[string][]kept)} }

func (h *memory) Add(_ context.Context, said Notice) error {
	data, err := json.Marshal(said)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.rooms[said.Room]
	if slices.ContainsFunc(all, func(old kept) bool { return old.ID == said.ID }) {
		return nil
	}
	all = append(all, kept{said, len(data)})
	first, size := len(all), 0
	for first > 0 && len(all)-first < maxNotices && size+all[first-1].size <= maxBytes {
		first--
		size += all[first].size
	}
	h.rooms[said.Room] = slices.Delete(all, 0, first)
	return nil
}

func (h *memory) Last(_ context.Context, room string) ([]Notice, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []Notice
	for _, k := range h.rooms[room] {
		out = append(out, k.Notice)
	}
	return out, nil
}
