package inspect

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	// pageSize and pagePause limit the records that a reader gets in a second, and what
	// their encoding costs the emulator.
	pageSize  = 256
	pagePause = 50 * time.Millisecond
	// statusPause is the time between status events while records arrive.
	statusPause = time.Second
	// heartbeat is the time between comments.
	heartbeat = 15 * time.Second
	// slowReader is how long a page may take to receive writeSize bytes.
	slowReader = 30 * time.Second
	writeSize  = 64 << 10
)

// stream serves the records as server-sent events.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request) error {
	after := uint64(0)
	if text := r.URL.Query().Get("after"); text != "" {
		var err error
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			return fmt.Errorf("after: want a number")
		}
	}
	select {
	case h.streams <- struct{}{}:
		defer func() { <-h.streams }()
	default:
		return fail(http.StatusTooManyRequests, "there are %d open streams, the maximum: close another page", maxStreams)
	}
	reader := h.cfg.List.Read()
	defer reader.Close()
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	s := &subscriber{list: h.cfg.List, w: w, after: after}
	status, changes := s.list.Status()
	if s.changes = changes; s.after >= status.Next {
		s.after = 0 // a number of an emulator that has stopped
	}
	if err := s.event("hello", hello{h.start, status, h.cfg.List.maxRecords, h.cfg.List.maxBytes, slices.Sorted(slices.Values(h.cfg.Hubs.Names()))}); err != nil {
		return nil // the page has gone
	}
	s.run(r, reader, h.stopped)
	return nil
}

// hello is the first event of a stream.
type hello struct {
	Start string `json:"start"`
	Status
	MaxRecords int      `json:"maxRecords"`
	MaxBytes   int      `json:"maxBytes"`
	Hubs       []string `json:"hubs"`
}

// subscriber is a page that reads a stream.
type subscriber struct {
	list    *List
	w       http.ResponseWriter
	after   uint64
	buffer  []byte
	records []Record
	last    lastFrame

	changes int // of the last status event
	told    Status
	next    time.Time // of the next status event
	late    bool      // a status event is due then
}

// run writes until the page or the emulator ends. It reads from the list at its own pace.
func (s *subscriber) run(r *http.Request, reader *Reader, stopped <-chan struct{}) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	var changed <-chan struct{} // nil during a pause
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-stopped:
			_ = s.event("error", map[string]string{"error": "the emulator has stopped"})
			return
		case <-beat.C:
			err = deliver(s.w, []byte(": \n\n"))
		case <-changed:
			changed = nil
			pause.Reset(pagePause)
		case <-pause.C:
			var more bool
			more, err = s.page()
			switch {
			case more:
				pause.Reset(pagePause)
			case s.late:
				pause.Reset(time.Until(s.next))
				fallthrough
			default:
				changed = reader.Changed
			}
		}
		if err != nil {
			return // the page has gone, or does not read
		}
	}
}

// page writes the next records and reports whether there may be more.
func (s *subscriber) page() (more bool, err error) {
	records, first := s.list.After(s.records, s.after, pageSize)
	s.buffer = s.buffer[:0]
	next := first
	if len(records) > 0 {
		next = records[0].N
	} else if status, _ := s.list.Status(); status.First > s.after {
		next = status.First // cleared
	}
	if next > s.after+1 {
		s.buffer = appendEvent(s.buffer, "lost", lost{next - s.after - 1, s.after, next})
		s.after = next - 1
	}
	for i := range records {
		s.record(&records[i])
		s.after = records[i].N
	}
	more = len(records) == pageSize
	clear(records)
	s.records = records
	s.status()
	if len(s.buffer) > 0 {
		err = deliver(s.w, s.buffer)
	}
	return more, err
}

// record appends a record.
func (s *subscriber) record(r *Record) {
	s.buffer = strconv.AppendUint(append(s.buffer, "id: "...), r.N, 10)
	s.buffer = s.last.appendRecord(append(s.buffer, "\ndata: "...), r)
	s.buffer = append(s.buffer, "\n\n"...)
}

// lost are numbers of records that the page does not get.
type lost struct {
	Count  uint64 `json:"count"`
	After  uint64 `json:"after"`
	Before uint64 `json:"before"`
}

// status appends a status event if the list has changed, at most once in statusPause.
func (s *subscriber) status() {
	status, changes := s.list.Status()
	now := time.Now()
	changed := changes != s.changes
	s.late = !changed && status != s.told && now.Before(s.next)
	if s.late || !changed && status == s.told {
		return
	}
	s.changes, s.told, s.next = changes, status, now.Add(statusPause)
	s.buffer = appendEvent(s.buffer, "status", status)
}

func (s *subscriber) event(name string, v any) error {
	return deliver(s.w, appendEvent(nil, name, v))
}

func appendEvent(b []byte, name string, v any) []byte {
	data, _ := json.Marshal(v) // never fails
	return fmt.Appendf(b, "event: %s\ndata: %s\n\n", name, data)
}

// deliver writes and flushes. It fails if the page does not read for a time.
func deliver(w http.ResponseWriter, p []byte) error {
	control := http.NewResponseController(w)
	for part := range slices.Chunk(p, writeSize) {
		_ = control.SetWriteDeadline(time.Now().Add(slowReader)) // not all writers have deadlines
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return control.Flush()
}
