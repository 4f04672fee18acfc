package inspect

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// Defaults of the limits of a [List].
const (
	DefaultMaxRecords = 20_000
	DefaultMaxBytes   = 32 << 20
)

// recordSize is the memory of a record without its texts, as counted.
const recordSize = 512

// List holds the newest records. It drops the oldest ones that exceed its limits, whether
// readers have seen them or not: nothing that is recorded waits for a reader. It is a
// [trace.Sink], and safe for concurrent use.
type List struct {
	maxRecords, maxBytes int

	paused  atomic.Bool
	reading atomic.Int32 // readers

	mu           sync.Mutex
	pending      []pendingFrame // newer than the ring
	pendingBytes int
	ring         []Record
	oldest       int // index in ring
	count        int
	bytes        int
	next         uint64 // number of the next record
	changes      int    // by clear, pause and import
	readers      []*Reader
	quotas       map[trace.Kind]*quota // of refused requests
}

// NewList returns an empty list of at most that many records and bytes.
func NewList(maxRecords, maxBytes int) *List {
	return &List{maxRecords: maxRecords, maxBytes: maxBytes, next: 1, quotas: make(map[trace.Kind]*quota)}
}

// lock locks the list and moves pending frames to the ring.
func (l *List) lock() {
	l.mu.Lock()
	l.settleLocked()
}

// Add adds a record under the next number and returns the number.
func (l *List) Add(r Record) uint64 {
	l.lock()
	defer l.mu.Unlock()
	l.wakeLocked()
	return l.addLocked(&r)
}

// addLocked adds a record, whose number it sets.
func (l *List) addLocked(r *Record) uint64 {
	r.N = l.next
	l.next++
	r.Frame.holdLocked(&l.bytes)
	l.bytes += r.size()
	l.pushLocked(r)
	for l.count > 0 && l.bytes > l.maxBytes {
		l.dropLocked()
	}
	return r.N
}

// pushLocked stores a record in place of the oldest one if there are enough. The ring
// grows as it is filled.
func (l *List) pushLocked(r *Record) {
	if l.count == l.maxRecords {
		l.dropLocked()
	}
	if l.count == len(l.ring) {
		grown := make([]Record, min(max(2*len(l.ring), 256), l.maxRecords))
		for i := range l.count {
			grown[i] = l.ring[(l.oldest+i)%len(l.ring)]
		}
		l.ring, l.oldest = grown, 0
	}
	l.ring[(l.oldest+l.count)%len(l.ring)] = *r
	l.count++
}

func (l *List) dropLocked() {
	r := &l.ring[l.oldest]
	l.bytes -= r.size()
	r.Frame.releaseLocked(&l.bytes)
	*r = Record{}
	l.oldest = (l.oldest + 1) % len(l.ring)
	l.count--
}

func (l *List) firstLocked() uint64 { return l.next - uint64(l.count) } //nolint:gosec // count is positive

// Get returns the record with a number.
func (l *List) Get(n uint64) (Record, bool) {
	l.lock()
	defer l.mu.Unlock()
	if first := l.firstLocked(); n >= first && n < l.next {
		return l.ring[(l.oldest+int(n-first))%len(l.ring)], true //nolint:gosec // less than count
	}
	return Record{}, false
}

// After returns up to most records after a number, the oldest first, and the number of
// the oldest record in the list. It uses the memory of buffer.
func (l *List) After(buffer []Record, n uint64, most int) (page []Record, first uint64) {
	page = buffer[:0]
	l.lock()
	defer l.mu.Unlock()
	first = l.firstLocked()
	from := max(n+1, first)
	for ; from < l.next && len(page) < most; from++ {
		page = append(page, l.ring[(l.oldest+int(from-first))%len(l.ring)]) //nolint:gosec // less than count
	}
	return page, first
}

// Status describes a list.
type Status struct {
	First   uint64 `json:"first"`
	Next    uint64 `json:"next"`
	Records int    `json:"records"`
	Bytes   int    `json:"bytes"`
	Paused  bool   `json:"paused"`
}

// Status returns the status, and a number that changes by clear, pause and import.
func (l *List) Status() (s Status, changes int) {
	l.lock()
	defer l.mu.Unlock()
	return Status{First: l.firstLocked(), Next: l.next, Records: l.count, Bytes: l.bytes, Paused: l.paused.Load()}, l.changes
}

// Clear drops all records. Their numbers are not used again.
func (l *List) Clear() {
	l.lock()
	defer l.mu.Unlock()
	for l.count > 0 {
		l.dropLocked()
	}
	l.ring, l.oldest = nil, 0
	l.changedLocked()
}

// Pause stops or continues recording. A list that is paused wants no records.
func (l *List) Pause(paused bool) {
	l.paused.Store(paused)
	l.lock()
	defer l.mu.Unlock()
	l.changedLocked()
}

// Import adds records of another list under new numbers.
func (l *List) Import(records []Record) {
	l.lock()
	defer l.mu.Unlock()
	for i := range records {
		records[i].Imported = true
		l.addLocked(&records[i])
	}
	l.changedLocked()
}

func (l *List) changedLocked() {
	l.changes++
	l.wakeLocked()
}

func (l *List) wakeLocked() {
	for _, reader := range l.readers {
		reader.wake()
	}
}

// Reader is woken when a list changes.
type Reader struct {
	list *List
	// Changed receives a value after a change. It has room for one.
	Changed chan struct{}
}

// Read returns a reader, to be closed.
func (l *List) Read() *Reader {
	r := &Reader{l, make(chan struct{}, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers = append(l.readers, r)
	l.reading.Add(1)
	return r
}

// Close removes the reader.
func (r *Reader) Close() {
	r.list.mu.Lock()
	defer r.list.mu.Unlock()
	r.list.readers = slices.DeleteFunc(r.list.readers, func(other *Reader) bool { return other == r })
	r.list.reading.Add(-1)
}

func (r *Reader) wake() {
	select {
	case r.Changed <- struct{}{}:
	default:
	}
}
