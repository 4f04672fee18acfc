package main

import (
	"context"
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

// memory is a History of 100 notices a room.
type memory struct {
	mu    sync.Mutex
	rooms map[string][]Notice
}

func (h *memory) Add(_ context.Context, said Notice) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.rooms[said.Room]
	if slices.ContainsFunc(all, func(old Notice) bool { return old.ID == said.ID }) {
		return nil
	}
	h.rooms[said.Room] = append(all[max(0, len(all)-99):], said)
	return nil
}

func (h *memory) Last(_ context.Context, room string) ([]Notice, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.rooms[room]), nil
}
