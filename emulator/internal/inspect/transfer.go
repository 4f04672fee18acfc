package inspect

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
)

// maxLine is how many bytes a line of an import can have.
const maxLine = 1 << 20

// export writes all records as JSON lines, the oldest first.
func (h *Handler) export(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/jsonl")
	w.Header().Set("Content-Disposition", `attachment; filename="inspector.jsonl"`)
	status, _ := h.cfg.List.Status() // later records are left out
	var after uint64
	var lines []byte
	var page []Record
	var last lastFrame
	for r.Context().Err() == nil {
		page, _ = h.cfg.List.After(page, after, pageSize)
		lines = lines[:0]
		for i := range page {
			if page[i].N >= status.Next {
				break
			}
			lines = append(last.appendRecord(lines, &page[i]), '\n')
			after = page[i].N
		}
		if len(lines) == 0 {
			return nil
		}
		if err := deliver(w, lines); err != nil {
			return nil //nolint:nilerr // the page has gone, or does not read
		}
	}
	return nil
}

type imported struct {
	Imported int `json:"imported"`
	Skipped  int `json:"skipped"`
}

// importLines adds the records of an export. It skips lines that are no records. They may
// be another's: secrets in them are removed, too.
func (h *Handler) importLines(w http.ResponseWriter, r *http.Request) error {
	if !h.importing.TryLock() {
		return fail(http.StatusTooManyRequests, "another import is running")
	}
	defer h.importing.Unlock()
	lines := bufio.NewScanner(http.MaxBytesReader(w, r.Body, int64(h.cfg.List.maxBytes)))
	lines.Buffer(nil, maxLine)
	var records []Record
	var out imported
	var last lastFrame
	size := 0 // of records
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		rec, ok := h.parse(string(line), &last)
		if !ok {
			out.Skipped++
			continue
		}
		if out.Imported == h.cfg.List.maxRecords {
			return fail(http.StatusRequestEntityTooLarge, "there are more than %d records, the maximum", h.cfg.List.maxRecords)
		}
		records = append(records, rec)
		out.Imported++
		rec.Frame.holdLocked(&size) // no list has the frame yet
		size += rec.size()
		for size > h.cfg.List.maxBytes { // the list would drop it
			size -= records[0].size()
			records[0].Frame.releaseLocked(&size)
			records[0] = Record{}
			records = records[1:]
		}
	}
	for i := range records {
		records[i].Frame.releaseLocked(&size)
	}
	err := lines.Err()
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return fail(http.StatusRequestEntityTooLarge, "the lines have more than %d bytes, the maximum", h.cfg.List.maxBytes)
	}
	if err != nil {
		return fail(http.StatusBadRequest, "a line is incomplete, or has more than %d bytes", maxLine)
	}
	h.cfg.List.Import(records)
	writeJSON(w, http.StatusOK, out)
	return nil
}

// parse reads the next record of an export.
func (h *Handler) parse(line string, last *lastFrame) (Record, bool) {
	var in struct {
		Record
		SameFrame uint64 `json:"sameFrame"`
	}
	if json.Unmarshal([]byte(h.cfg.Trace.Hide(line)), &in) != nil || !isKind(in.Kind) || in.members() > 1 || !last.resolve(&in.Record, in.SameFrame) {
		return Record{}, false
	}
	rec := in.Record
	if rec.Level != levelWarn && rec.Level != levelError {
		rec.Level = levelInfo
	}
	return rec, true
}
