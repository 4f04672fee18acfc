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
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/odata"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// maxBody is the maximum of bytes in the body of a request.
const maxBody = 1 << 20

// send checks the whole request before it delivers the message.
func (a *API) send(r *http.Request, h *hub.Hub) *answer {
	t := target(r)
	q := r.URL.Query()
	var err error
	if t.ConnectionID == "" {
		if t.Filter, err = odata.Parse(q.Get("filter")); err != nil {
			return filterProblem(err)
		}
		if t.UserID == "" {
			t.Excluded = q["excluded"]
		}
	}
	ttl := 0
	if text := q.Get("messageTtlSeconds"); text != "" {
		if ttl, err = strconv.Atoi(text); err != nil || ttl < 0 || ttl > int(rule.MaxTTL/time.Second) {
			return problem("messageTtlSeconds", "Invalid messageTtlSeconds.")
		}
	}
	m, refused := readMessage(r)
	if refused != nil {
		return refused
	}
	m.Group = t.Group
	h.Send(t, m, time.Duration(ttl)*time.Second)
	return &answer{status: http.StatusAccepted}
}

// filterProblem answers 400 for a filter, in the service's words.
func filterProblem(err error) *answer {
	text, detail := err.Error(), ""
	if cause := errors.Unwrap(err); cause != nil {
		detail = cause.Error()
		text = strings.TrimSuffix(text, detail)
	}
	return problem("filter", capital(text)+capital(detail)+". (Parameter 'filter')")
}

func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// readMessage checks length, media type, body and metadata, in the order of
// Microsoft's emulator. Unlike that emulator it accepts a body of unknown length.
func readMessage(r *http.Request) (*hub.Message, *answer) {
	if r.ContentLength > maxBody {
		return nil, problem(inBody, "Invalid Content-Length header.")
	}
	m := new(hub.Message)
	decode, err := readType(m, r.Header.Get(wire.HeaderContentType))
	if err != nil {
		return nil, unsupported(err.Error())
	}
	if m.Data, err = io.ReadAll(r.Body); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return nil, failure(http.StatusRequestEntityTooLarge, "Error.RequestEntityTooLarge", "The message exceeds 1 MiB.", inBody)
		}
		return nil, problem(inBody, "The request body is incomplete.")
	}
	if decode != nil {
		var ok bool
		if m.Data, ok = decode(m.Data); !ok {
			return nil, problem(inBody, "The request body is not valid in the charset of its Content-Type.")
		}
	}
	if m.Type == hub.JSON && !json.Valid(m.Data) {
		return nil, problem(inBody, "The request body is not a valid JSON.")
	}
	if m.Type == hub.JSON && jsonscan.Check(string(m.Data)) != nil {
		return nil, problem(inBody, "The JSON of the request body is nested more than 1000 levels deep.")
	}
	if m.Metadata, err = rule.MetadataOf(r.Header); err != nil {
		return nil, problem(inBody, "Invalid metadata: "+err.Error()+".")
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
