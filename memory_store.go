package webpubsub

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// MemoryStoreOptions are the limits of a [MemoryStore]. A nil *MemoryStoreOptions is all
// defaults.
type MemoryStoreOptions struct {
	// MaxEntries is the number of events that are remembered. Zero means
	// [DefaultStoreEntries].
	MaxEntries int
	// MaxBytes is the length of their keys, claims and answers. Zero means
	// [DefaultStoreBytes].
	MaxBytes int
	// Now returns the time. Nil means [time.Now].
	Now func() time.Time
}

// Defaults of [MemoryStoreOptions].
const (
	DefaultStoreEntries = 100_000
	DefaultStoreBytes   = 64 << 20
)

// ErrStoreFull is the error of a [MemoryStore] that has no room left although it has
// forgotten all answers: too many events are being handled, or an answer is too long.
var ErrStoreFull = errors.New("memory store is full")

// MemoryStore is a [DeduplicationStore] in memory, for handlers in one process. What it
// remembers ends with the process. If it is full, it forgets the answer that would expire
// first, but never a claim. It starts no goroutines and is safe for concurrent use.
type MemoryStore struct {
	maxEntries, maxBytes int
	now                  func() time.Time

	mu      sync.Mutex
	entries map[string]*memoryEntry
	claimed expiryHeap // their leases
	settled expiryHeap // the TTLs of answers and marks
	bytes   int
}

var _ DeduplicationStore = (*MemoryStore)(nil)

// NewMemoryStore returns an empty store, or an error that names the invalid option.
func NewMemoryStore(opts *MemoryStoreOptions) (*MemoryStore, error) {
	var o MemoryStoreOptions
	if opts != nil {
		o = *opts
	}
	switch {
	case o.MaxEntries < 0:
		return nil, fmt.Errorf("webpubsub: memory store: MaxEntries is %d, want 0 or more", o.MaxEntries)
	case o.MaxBytes < 0:
		return nil, fmt.Errorf("webpubsub: memory store: MaxBytes is %d, want 0 or more", o.MaxBytes)
	}
	s := &MemoryStore{maxEntries: o.MaxEntries, maxBytes: o.MaxBytes, now: o.Now, entries: make(map[string]*memoryEntry)}
	if s.maxEntries == 0 {
		s.maxEntries = DefaultStoreEntries
	}
	if s.maxBytes == 0 {
		s.maxBytes = DefaultStoreBytes
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

// String returns the number of events, and none of what is remembered of them.
func (s *MemoryStore) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("webpubsub.MemoryStore(%d of %d events)", len(s.entries), s.maxEntries)
}

// GoString is String.
func (s *MemoryStore) GoString() string { return s.String() }

// Format is String, whatever the verb.
func (s *MemoryStore) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String.
func (s *MemoryStore) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Begin implements [DeduplicationStore]. It returns [ErrStoreFull] if there is no room for
// a claim.
func (s *MemoryStore) Begin(_ context.Context, key, claim string, lease time.Duration) (ClaimState, []byte, error) {
	now, unlock := s.lock()
	defer unlock()
	e, abandoned := s.entry(key)
	switch {
	case e == nil:
		e = &memoryEntry{key: key, claim: claim, expires: now.Add(lease)}
		if err := s.makeRoom(1, e.size()); err != nil {
			return 0, nil, err
		}
		s.put(&s.claimed, e)
	case e.state == entryFinished:
		return ClaimDone, e.answer, nil
	case e.claim != claim:
		return ClaimRunning, nil, nil
	default:
		e.expires = now.Add(lease)
		heap.Fix(&s.claimed, e.index)
	}
	if abandoned {
		return ClaimAgain, nil, nil
	}
	return ClaimGranted, nil, nil
}

// Finish implements [DeduplicationStore]. It returns [ErrStoreFull] if there is no room for
// the answer; the key then stays as it is.
func (s *MemoryStore) Finish(_ context.Context, key, claim string, answer []byte, ttl time.Duration) error {
	now, unlock := s.lock()
	defer unlock()
	e, _ := s.entry(key)
	done := &memoryEntry{key: key, state: entryFinished, claim: claim, answer: answer, expires: now.Add(ttl)}
	entries, size := 1, done.size()
	switch {
	case e == nil:
	case e.claim != claim:
		return ErrClaimLost
	case e.state == entryFinished:
		return nil
	default:
		entries, size = 0, size-e.size()
	}
	if err := s.makeRoom(entries, size); err != nil {
		return err
	}
	if e != nil {
		s.remove(e)
	}
	s.put(&s.settled, done)
	return nil
}

// Abandon implements [DeduplicationStore].
func (s *MemoryStore) Abandon(_ context.Context, key, claim string, ttl time.Duration) error {
	now, unlock := s.lock()
	defer unlock()
	e := s.entries[key]
	switch {
	case e == nil || e.state == entryAbandoned:
		return nil
	case e.state != entryClaimed || e.claim != claim:
		return ErrClaimLost
	}
	s.remove(e)
	s.put(&s.settled, &memoryEntry{key: key, state: entryAbandoned, expires: now.Add(ttl)}) // shorter than the claim
	return nil
}

// entry returns the claim or answer of a key, nil if it is free. It removes the mark of a
// key that was abandoned.
func (s *MemoryStore) entry(key string) (e *memoryEntry, abandoned bool) {
	e = s.entries[key]
	if e != nil && e.state == entryAbandoned {
		s.remove(e)
		return nil, true
	}
	return e, false
}

// lock locks the store and removes what has expired.
func (s *MemoryStore) lock() (now time.Time, unlock func()) {
	s.mu.Lock()
	now = s.now()
	for _, h := range [...]*expiryHeap{&s.claimed, &s.settled} {
		for len(*h) > 0 && !now.Before((*h)[0].expires) {
			s.remove((*h)[0])
		}
	}
	return now, s.mu.Unlock
}

// makeRoom forgets answers and marks until there is room for more entries and bytes.
func (s *MemoryStore) makeRoom(entries, size int) error {
	for len(s.entries)+entries > s.maxEntries || s.bytes+size > s.maxBytes {
		if len(s.settled) == 0 {
			return ErrStoreFull
		}
		s.remove(s.settled[0])
	}
	return nil
}

func (s *MemoryStore) put(h *expiryHeap, e *memoryEntry) {
	s.entries[e.key] = e
	s.bytes += e.size()
	heap.Push(h, e)
}

func (s *MemoryStore) remove(e *memoryEntry) {
	delete(s.entries, e.key)
	s.bytes -= e.size()
	h := &s.settled
	if e.state == entryClaimed {
		h = &s.claimed
	}
	heap.Remove(h, e.index)
}

type entryState uint8

const (
	entryClaimed entryState = iota
	entryFinished
	entryAbandoned
)

// memoryEntry is what the store remembers of a key.
type memoryEntry struct {
	key     string
	state   entryState
	claim   string // if claimed or finished
	answer  []byte // if finished
	expires time.Time
	index   int // in its heap
}

func (e *memoryEntry) size() int { return len(e.key) + len(e.claim) + len(e.answer) }

// expiryHeap has the entry that expires first at index 0.
type expiryHeap []*memoryEntry

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].expires.Before(h[j].expires) }

func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *expiryHeap) Push(x any) {
	e, _ := x.(*memoryEntry)
	e.index = len(*h)
	*h = append(*h, e)
}

// Pop implements heap.Interface.
func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
