package app

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
)

// History stores the last messages of rooms.
type History interface {
	// Add stores a notice, unless it has one with the same ID.
	Add(ctx context.Context, said Notice) error
	// Last returns the notices of a room, oldest first.
	Last(ctx context.Context, room string) ([]Notice, error)
}

// Limits of a room's history. Everybody who joins receives all of it.
const (
	MaxNotices = 100
	MaxBytes   = 64 << 10 // of JSON
)

// memory is a History that a restart loses.
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
	for first > 0 && len(all)-first < MaxNotices && size+all[first-1].size <= MaxBytes {
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
