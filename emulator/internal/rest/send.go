package rest

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/odata"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

const maxMessage = 1 << 20

// send checks the whole request before it delivers the message.
func (a *API) send(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	t := target(r)
	q := r.URL.Query()
	var err error
	if t.ConnectionID == "" {
		if t.Filter, err = odata.Parse(q.Get("filter")); err != nil {
			writeFilterProblem(w, err)
			return
		}
		if t.UserID == "" {
			t.Excluded = q["excluded"]
		}
	}
	ttl := 0
	if text := q.Get("messageTtlSeconds"); text != "" {
		if ttl, err = strconv.Atoi(text); err != nil || ttl < 0 || ttl > int(rule.MaxTTL/time.Second) {
			writeProblem(w, "messageTtlSeconds", "Invalid messageTtlSeconds.")
			return
		}
	}
	m, refused := readMessage(w, r)
	if refused != nil {
		writeRefusal(w, refused)
		return
	}
	m.Group = t.Group
	h.Send(t, m, time.Duration(ttl)*time.Second)
	w.WriteHeader(http.StatusAccepted)
}

// writeFilterProblem answers 400 for a filter, in the service's words.
func writeFilterProblem(w http.ResponseWriter, err error) {
	text, detail := err.Error(), ""
	if cause := errors.Unwrap(err); cause != nil {
		detail = cause.Error()
		text = strings.TrimSuffix(text, detail)
	}
	writeProblem(w, "filter", capital(text)+capital(detail)+". (Parameter 'filter')")
}

func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// refusal is an error about a body. The service's codes are known for 400 only.
type refusal struct {
	status  int
	code    string
	message string
}

func bad(message string) *refusal { return &refusal{status: http.StatusBadRequest, message: message} }

func unsupported(message string) *refusal {
	return &refusal{http.StatusUnsupportedMediaType, "Error.UnsupportedMediaType", message}
}

func writeRefusal(w http.ResponseWriter, r *refusal) {
	if r.status == http.StatusBadRequest {
		writeProblem(w, inBody, r.message)
		return
	}
	writeError(w, r.status, r.code, r.message, inBody)
}

// readMessage checks length, media type, body and metadata, in the order of
// Microsoft's emulator. Unlike that emulator it accepts a body of unknown length.
func readMessage(w http.ResponseWriter, r *http.Request) (*hub.Message, *refusal) {
	if r.ContentLength > maxMessage {
		return nil, bad("Invalid Content-Length header.")
	}
	m := new(hub.Message)
	decode, err := readType(m, r.Header.Get("Content-Type"))
	if err != nil {
		return nil, unsupported(err.Error())
	}
	if m.Data, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage)); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return nil, &refusal{http.StatusRequestEntityTooLarge, "Error.RequestEntityTooLarge", "The message exceeds 1 MiB."}
		}
		return nil, bad("The request body is incomplete.")
	}
	if decode != nil {
		var ok bool
		if m.Data, ok = decode(m.Data); !ok {
			return nil, bad("The request body is not valid in the charset of its Content-Type.")
		}
	}
	if m.Type == hub.JSON && !json.Valid(m.Data) {
		return nil, bad("The request body is not a valid JSON.")
	}
	if m.Type == hub.JSON && jsonscan.Check(string(m.Data)) != nil {
		return nil, bad("The JSON of the request body is nested more than 1000 levels deep.")
	}
	if m.Metadata, err = rule.MetadataOf(r.Header); err != nil {
		return nil, bad("Invalid metadata: " + err.Error() + ".")
	}
	return m, nil
}

const charsetRule = "The charset must be utf-8, us-ascii, iso-8859-1, utf-16, utf-16le or utf-16be."

// readType parses the media type, which defaults to binary. It returns a function that
// converts the body to UTF-8, or nil for a binary message.
func readType(m *hub.Message, contentType string) (func([]byte) ([]byte, bool), error) {
	m.Type = hub.Binary
	if contentType == "" {
		return nil, nil //nolint:nilnil // binary
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, errors.New("The Content-Type is malformed.")
	}
	kind, known := wire.DataTypeOf(media)
	switch m.Type = kind; {
	case known && kind == hub.Binary:
		return nil, nil //nolint:nilnil // as above
	case !known || kind == hub.Protobuf:
		return nil, errors.New("The Content-Type must be text/plain, application/json or application/octet-stream.")
	}
	decode := charset(params["charset"])
	if decode == nil {
		return nil, errors.New(charsetRule)
	}
	return decode, nil
}
