package inspect

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
)

// lastFrame is the frame of the last record of a sequence that has one, and the number of
// that record. The next records refer to it if they have the same frame: a message for many
// clients is written once.
type lastFrame struct {
	frame *Frame
	of    uint64
}

// appendRecord appends the next record as JSON.
func (l *lastFrame) appendRecord(b []byte, r *Record) []byte {
	if r.Frame != nil {
		if r.Frame == l.frame {
			b = append(appendHead(b, r), `,"sameFrame":`...)
			return append(strconv.AppendUint(b, l.of, 10), '}')
		}
		l.frame, l.of = r.Frame, r.N
	}
	return appendRecord(b, r)
}

// resolve sets the frame of the next record, which refers to the record number same if that
// is not zero. It reports whether that is the last record with a frame.
func (l *lastFrame) resolve(r *Record, same uint64) bool {
	switch {
	case same != 0:
		if l.frame == nil || same != l.of || r.members() > 0 {
			return false
		}
		r.Frame = l.frame
	case r.Frame != nil:
		l.frame, l.of = r.Frame, r.N
	}
	return true
}

// appendRecord appends a record as JSON.
func appendRecord(b []byte, r *Record) []byte {
	if r.Frame == nil {
		data, _ := json.Marshal(r) // never fails
		return append(b, data...)
	}
	b = append(appendHead(b, r), `,"frame":`...)
	return append(append(b, r.Frame.json()...), '}')
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
			b = jsonscan.AppendQuoted(append(b, m.name...), m.value)
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
