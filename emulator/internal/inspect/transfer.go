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
	for r.Context().Err() == nil {
		page, _ = h.cfg.List.After(page, after, pageSize)
		lines = lines[:0]
		for i := range page {
			if page[i].N >= status.Next {
				break
			}
			lines = append(appendRecord(lines, &page[i]), '\n')
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
	size := 0 // of records
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		rec, ok := h.parse(string(line))
		if !ok {
			out.Skipped++
			continue
		}
		if out.Imported == h.cfg.List.maxRecords {
			return fail(http.StatusRequestEntityTooLarge, "there are more than %d records, the maximum", h.cfg.List.maxRecords)
		}
		records = append(records, rec)
		out.Imported++
		for size += rec.sizeWithFrame(); size > h.cfg.List.maxBytes; records = records[1:] { // the list would drop it
			size -= records[0].sizeWithFrame()
			records[0] = Record{}
		}
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

// parse reads a record.
func (h *Handler) parse(line string) (Record, bool) {
	var rec Record
	if json.Unmarshal([]byte(h.cfg.Trace.Hide(line)), &rec) != nil || !isKind(rec.Kind) || rec.members() > 1 {
		return Record{}, false
	}
	if rec.Level != levelWarn && rec.Level != levelError {
		rec.Level = levelInfo
	}
	return rec, true
}
