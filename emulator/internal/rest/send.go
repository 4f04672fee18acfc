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
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/odata"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

const (
	maxMessage = 1 << 20
	maxTTL     = 300
)

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
			writeProblem(w, "filter", err.Error()+" (Parameter 'filter')")
			return
		}
		if t.UserID == "" {
			t.Excluded = q["excluded"]
		}
	}
	ttl := 0
	if text := q.Get("messageTtlSeconds"); text != "" {
		if ttl, err = strconv.Atoi(text); err != nil || ttl < 0 || ttl > maxTTL {
			writeProblem(w, "messageTtlSeconds", "Invalid messageTtlSeconds.")
			return
		}
	}
	m, status, err := readMessage(w, r)
	if err != nil {
		writeError(w, status, "BadRequest", err.Error(), "")
		return
	}
	m.Group = t.Group
	h.Send(t, m, time.Duration(ttl)*time.Second)
	w.WriteHeader(http.StatusAccepted)
}

func readMessage(w http.ResponseWriter, r *http.Request) (*hub.Message, int, error) {
	m := new(hub.Message)
	status, err := readType(m, r.Header.Get("Content-Type"))
	if err != nil {
		return nil, status, err
	}
	if m.Data, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage)); err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return nil, http.StatusRequestEntityTooLarge, errors.New("the message is longer than 1 MiB")
		}
		return nil, http.StatusBadRequest, errors.New("the request body cannot be read")
	}
	if m.Type == hub.JSON && !json.Valid(m.Data) {
		return nil, http.StatusBadRequest, errors.New("The request body is not a valid JSON.") //nolint:staticcheck // the service's own words
	}
	if m.Type == hub.Text && !utf8.Valid(m.Data) {
		return nil, http.StatusBadRequest, errors.New("the text is not UTF-8")
	}
	for name, values := range r.Header {
		key, ok := strings.CutPrefix(name, wire.PrefixMetadata)
		if !ok || key == "" {
			continue
		}
		if m.Metadata == nil {
			m.Metadata = make(map[string]string)
		}
		m.Metadata[strings.ToLower(key)] = values[len(values)-1]
	}
	return m, http.StatusBadRequest, subprotocol.CheckMetadata(m.Metadata)
}

// readType reads the media type; without one, the message is binary.
func readType(m *hub.Message, contentType string) (int, error) {
	m.Type = hub.Binary
	if contentType == "" {
		return 0, nil
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return http.StatusUnsupportedMediaType, errors.New("the Content-Type cannot be read")
	}
	switch media {
	case wire.MediaText:
		m.Type = hub.Text
	case wire.MediaJSON:
		m.Type = hub.JSON
	case wire.MediaBinary:
		return 0, nil
	default:
		return http.StatusUnsupportedMediaType, errors.New("the Content-Type is none of text/plain, application/json and application/octet-stream")
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return http.StatusUnsupportedMediaType, errors.New("the charset is not utf-8")
	}
	return 0, nil
}
