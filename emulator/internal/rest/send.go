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

func (a *API) sendToAll(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	a.send(w, r, h, hub.Target{})
}

func (a *API) sendToGroup(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	a.send(w, r, h, hub.Target{Group: r.PathValue("group")})
}

func (a *API) sendToUser(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	a.send(w, r, h, hub.Target{UserID: r.PathValue("user")})
}

func (a *API) sendToConnection(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	a.send(w, r, h, hub.Target{ConnectionID: r.PathValue("connection")})
}

// send checks everything before it delivers anything.
func (a *API) send(w http.ResponseWriter, r *http.Request, h *hub.Hub, t hub.Target) {
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

// writeFilterProblem says what is wrong with a filter as the service does.
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

// refusal of a body. The service's codes are known for bad requests alone.
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

// readMessage checks in the order of Microsoft's emulator: length, media type,
// body, metadata. Unlike that one it takes a body of unknown length.
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
			return nil, &refusal{http.StatusRequestEntityTooLarge, "Error.RequestEntityTooLarge", "The message is longer than 1 MiB."}
		}
		return nil, bad("The request body cannot be read.")
	}
	if decode != nil {
		var ok bool
		if m.Data, ok = decode(m.Data); !ok {
			return nil, bad("The request body is not in the charset that its Content-Type names.")
		}
	}
	if m.Type == hub.JSON && !json.Valid(m.Data) {
		return nil, bad("The request body is not a valid JSON.")
	}
	if m.Type == hub.JSON && jsonscan.Check(string(m.Data)) != nil {
		return nil, bad("The request body is JSON of more than 1000 levels of nesting.")
	}
	if m.Metadata, err = rule.MetadataOf(r.Header); err != nil {
		return nil, bad("Invalid metadata: " + err.Error() + ".")
	}
	return m, nil
}

const charsetRule = "The charset is none of utf-8, us-ascii, iso-8859-1, utf-16, utf-16le and utf-16be."

// readType reads the media type; without one, the message is binary. It gives
// what makes UTF-8 of the body, nil for nothing.
func readType(m *hub.Message, contentType string) (func([]byte) ([]byte, bool), error) {
	m.Type = hub.Binary
	if contentType == "" {
		return nil, nil //nolint:nilnil // binary data stays as it is
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, errors.New("The Content-Type cannot be read.")
	}
	kind, known := wire.DataTypeOf(media)
	switch m.Type = kind; {
	case known && kind == hub.Binary:
		return nil, nil //nolint:nilnil // as above
	case !known || kind == hub.Protobuf:
		return nil, errors.New("The Content-Type is none of text/plain, application/json and application/octet-stream.")
	}
	decode := charset(params["charset"])
	if decode == nil {
		return nil, errors.New(charsetRule)
	}
	return decode, nil
}
