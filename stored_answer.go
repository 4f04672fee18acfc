package webpubsub

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// An answer in a [DeduplicationStore] is a version, a byte of flags, the status, and the
// answer's texts, each after its length. Numbers are uvarints.
const answerVersion = 1

// The flags of a stored answer.
const (
	answerSetsState = 1 << iota
	answerNosniff
	answerOmitted // too long to be stored
)

var (
	errAnswerFormat  = errors.New("stored answer is in a format that this version of the package does not read")
	errAnswerOmitted = errors.New("answer to the earlier delivery was longer than Deduplication.MaxAnswerBytes and was not stored")
)

// store encodes an answer of at most some bytes. A longer one is an error; the bytes
// then decode to errAnswerOmitted.
func (a *answer) store(most int) ([]byte, error) {
	size := len(a.contentType) + len(a.text) + len(a.data) + len(a.state)
	for name, v := range a.metadata {
		size += len(name) + len(v)
	}
	for _, p := range a.properties {
		size += len(p.Name) + len(p.Value)
	}
	if size > most {
		return []byte{answerVersion, answerOmitted}, fmt.Errorf("the answer has %d bytes, at most %d are stored (Deduplication.MaxAnswerBytes): repeats of the event get 500", size, most)
	}
	var flags byte
	if a.setState {
		flags |= answerSetsState
	}
	if a.nosniff {
		flags |= answerNosniff
	}
	out := make([]byte, 0, size+64)
	out = append(out, answerVersion, flags)
	out = binary.AppendUvarint(out, uint64(a.code())) //nolint:gosec // a status is positive
	body := a.text
	if a.data != nil {
		body = string(a.data)
	}
	for _, text := range [...]string{a.contentType, body, a.state} {
		out = appendText(out, text)
	}
	out = binary.AppendUvarint(out, uint64(len(a.metadata)))
	for name, v := range a.metadata {
		out = appendText(appendText(out, name), v)
	}
	out = binary.AppendUvarint(out, uint64(len(a.properties)))
	for _, p := range a.properties {
		out = appendText(appendText(out, p.Name), p.Value)
	}
	return out, nil
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// restore decodes an answer. It accepts nothing that could not be sent.
func restore(stored []byte) (answer, error) {
	if len(stored) < 2 || stored[0] != answerVersion {
		return answer{}, errAnswerFormat
	}
	flags := stored[1]
	if flags == answerOmitted {
		return answer{}, errAnswerOmitted
	}
	in := answerReader{rest: stored[2:]}
	out := answer{setState: flags&answerSetsState != 0, nosniff: flags&answerNosniff != 0, metadata: make(map[string]string)}
	status := in.number()
	out.contentType = in.text()
	out.text = in.text()
	out.state = in.text()
	for n := in.number(); n > 0 && !in.failed; n-- {
		name := in.token()
		out.metadata[name] = in.value()
	}
	for n := in.number(); n > 0 && !in.failed; n-- {
		out.properties = append(out.properties, mqtt.UserProperty{Name: in.token(), Value: in.value()})
	}
	if in.failed || len(in.rest) > 0 || status < http.StatusOK || status > 599 ||
		!rule.IsHeaderValue(out.contentType) || !rule.IsHeaderValue(out.state) || out.contentType == "" && out.text != "" {
		return answer{}, errAnswerFormat
	}
	out.status = int(status)
	return out, nil
}

// answerReader reads the parts of a stored answer. After a failure it returns zero values.
type answerReader struct {
	rest   []byte
	failed bool
}

func (r *answerReader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.failed = true
	}
	if r.failed {
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *answerReader) text() string {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.failed = true
	}
	if r.failed {
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func (r *answerReader) token() string {
	s := r.text()
	r.failed = r.failed || !rule.IsToken(s)
	return s
}

func (r *answerReader) value() string {
	s := r.text()
	r.failed = r.failed || !rule.IsHeaderValue(s)
	return s
}
