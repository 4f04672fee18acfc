package inbox

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// MaxKept is the number of bytes of a body that an entry has.
const MaxKept = 64 << 10

// Entry is a request and its answer. What strangers have sent is as it came; see
// [Redacted] and [Headers].
type Entry struct {
	Number int64
	Time   time.Time

	Method string
	Path   string // without the query, which may have secrets
	// Name of the event; validate for a validation request.
	Name   string
	Type   string
	Header http.Header
	Body   Body

	// Unverified reports that the signature was refused.
	Unverified bool
	// Problem is why the request was refused or not passed on.
	Problem string

	// ForwardedTo is the URL, without its query, that the request was passed on to.
	ForwardedTo string
	Status      int
	Took        time.Duration
	Answer      http.Header
	Reply       Body
}

// Body is the beginning of a body.
type Body struct {
	Data []byte
	// Length is that of the whole body, as far as it was read.
	Length int64
}

func newEntry(number int64, r *http.Request) *Entry {
	e := &Entry{
		Number: number, Time: time.Now(), Method: r.Method, Path: r.URL.EscapedPath(),
		Name: r.Header.Get(wire.HeaderEventName), Type: r.Header.Get(wire.HeaderType), Header: r.Header.Clone(),
	}
	if isValidation(r) {
		e.Name = wire.NameValidate
	}
	e.Name = cmp.Or(e.Name, "(no event)")
	return e
}

// Get returns an attribute of the event.
func (e *Entry) Get(header string) string { return e.Header.Get(header) }

// IsConnect reports whether the request says that it is a connect event.
func (e *Entry) IsConnect() bool {
	return strings.EqualFold(e.Type, wire.TypeConnect) || strings.EqualFold(e.Name, wire.NameConnect)
}

// refuse answers a request that is not handled.
func (e *Entry) refuse(w http.ResponseWriter, status int, err error) {
	e.Problem = err.Error()
	w.Header().Set(wire.HeaderContentType, upstream.ContentType(wire.DataText))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, http.StatusText(status))
}

// keep takes what was read and written.
func (e *Entry) keep(body *tee, rec *recorder) {
	e.Body = Body{body.kept.Bytes(), body.n}
	if e.Unverified {
		e.Body = Body{}
	}
	e.Status, e.Answer, e.Reply = cmp.Or(rec.status, http.StatusOK), rec.header, Body{rec.kept.Bytes(), rec.n}
	if e.Problem == "" && e.Status/100 != 2 {
		e.Problem = excerpt.Short(string(e.Reply.Data))
	}
}

// tee keeps the beginning of what is read.
type tee struct {
	io.ReadCloser
	kept bytes.Buffer
	n    int64
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	keep(&t.kept, p[:n])
	t.n += int64(n)
	return n, err
}

// recorder keeps the status, the header and the beginning of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	header http.Header
	kept   bytes.Buffer
	n      int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status, r.header = status, r.Header().Clone()
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	keep(&r.kept, p)
	r.n += int64(len(p))
	return r.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func keep(b *bytes.Buffer, p []byte) {
	if room := MaxKept - b.Len(); room > 0 {
		b.Write(p[:min(room, len(p))])
	}
}
