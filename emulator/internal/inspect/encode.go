package inspect

import (
	"encoding/json"
	"strconv"
	"time"
)

// appendRecord appends a record as JSON.
func appendRecord(b []byte, r *Record) []byte {
	if r.Frame == nil {
		data, _ := json.Marshal(r) // never fails
		return append(b, data...)
	}
	b = append(appendHead(b, r), `,"frame":`...)
	return append(append(b, r.Frame.json()...), '}')
}

// appendSame appends a record as JSON, with the number of the record whose frame it shares.
func appendSame(b []byte, r *Record, same uint64) []byte {
	b = append(appendHead(b, r), `,"sameFrame":`...)
	return append(strconv.AppendUint(b, same, 10), '}')
}

// appendHead appends the members of a record before its frame. Records of frames, which are
// many, are written by hand.
func appendHead(b []byte, r *Record) []byte {
	b = strconv.AppendUint(append(b, `{"n":`...), r.N, 10)
	b = r.At.AppendFormat(append(b, `,"at":"`...), time.RFC3339Nano)
	b = append(append(b, `","kind":"`...), r.Kind...)
	b = append(append(b, `","level":"`...), r.Level...)
	b = append(b, '"')
	for _, m := range [...]struct{ name, value string }{{`,"hub":`, r.Hub}, {`,"connection":`, r.Connection}, {`,"user":`, r.User}} {
		if m.value != "" {
			b = appendQuoted(append(b, m.name...), m.value)
		}
	}
	if r.Imported {
		b = append(b, `,"imported":true`...)
	}
	if r.SequenceID != 0 {
		b = strconv.AppendUint(append(b, `,"sequenceId":`...), r.SequenceID, 10)
	}
	return b
}

// appendQuoted appends a text as JSON.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return appendText(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
