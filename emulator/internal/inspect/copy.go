package inspect

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// note is the comment in a copy of a record with a secret.
const note = "a secret was removed from this record: (key), (token) or (hidden) is in its place"

// copied returns the event of the record in the path, whose payload is complete.
func (h *Handler) copied(r *http.Request) (*Record, error) {
	rec, err := h.find(r)
	if err != nil {
		return nil, err
	}
	ev := rec.Event
	if ev == nil || ev.Request == nil || !upstream.IsType(ev.Type, ev.Name) {
		return nil, fail(http.StatusBadRequest, "record %d is no event", rec.N)
	}
	if ev.Request.Data.Truncated {
		return nil, errTruncated(rec.N)
	}
	return &rec, nil
}

func errTruncated(n uint64) error {
	return fail(http.StatusConflict, "the payload of record %d is too long to copy: only its beginning is kept", n)
}

func writeText(w http.ResponseWriter, text string) error {
	w.Header().Set(wire.HeaderContentType, "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text) //nolint:gosec // plain text, which browsers do not take for HTML
	return nil
}

// publicKey reports whether events are signed with the well-known key alone.
func (h *Handler) publicKey() bool {
	return !slices.ContainsFunc(h.cfg.Keys, func(key string) bool { return key != h.cfg.PublicKey })
}

// curl serves a curl command that sends the event or makes the REST call of a record.
func (h *Handler) curl(w http.ResponseWriter, r *http.Request) error {
	rec, err := h.find(r)
	if err != nil {
		return err
	}
	if !h.publicKey() {
		return fail(http.StatusConflict, "a curl command would show a signature by an access key that may be a secret: copy it as webpubsub trigger, which reads the key from WEBPUBSUB_CONNECTION_STRING")
	}
	req, data, err := h.request(r, &rec)
	if err != nil {
		return err
	}
	if data.Truncated {
		return errTruncated(rec.N)
	}
	command, err := upstream.Curl(req, string(data.raw()))
	if err != nil { // the body is binary
		if command, err = upstream.Curl(req, ""); err != nil {
			return err
		}
		command = piped(data.raw(), strings.TrimSuffix(command, "--data-raw ''")+"--data-binary @-")
	}
	if data.Redacted {
		command = "# " + note + "\n" + command
	}
	return writeText(w, command+"\n")
}

// request returns the request of a record, signed with the well-known key.
func (h *Handler) request(r *http.Request, rec *Record) (*http.Request, *Data, error) {
	switch {
	case rec.Event != nil && rec.Event.InMemory:
		return nil, nil, fail(http.StatusConflict, "the event handler is in memory, where curl cannot reach it: copy it as a Go test")
	case rec.Event != nil && rec.Event.URL != "":
		return h.eventRequest(r, rec)
	case rec.REST != nil && rec.REST.Request != nil:
		return h.restRequest(r, rec.REST)
	}
	return nil, nil, fail(http.StatusBadRequest, "record %d is neither an event that was sent nor a REST call", rec.N)
}

func (h *Handler) eventRequest(r *http.Request, rec *Record) (*http.Request, *Data, error) {
	ev := rec.Event
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, ev.URL, http.NoBody) //nolint:gosec // it is printed, not sent
	if err != nil {
		return nil, nil, err
	}
	req.Header = shown(ev.Request.Headers)
	req.Header[wire.HeaderSignature] = []string{strings.Join(upstream.Signatures([]string{h.cfg.PublicKey}, rec.Connection), ",")}
	if ev.StateBefore != nil {
		req.Header[wire.HeaderConnectionState] = []string{headerState(*ev.StateBefore)}
	}
	return req, &ev.Request.Data, nil
}

func (h *Handler) restRequest(r *http.Request, call *REST) (*http.Request, *Data, error) {
	target := "http://" + r.Host + call.Path
	if call.Query != "" {
		target += "?" + call.Query
	}
	req, err := http.NewRequestWithContext(r.Context(), call.Method, target, http.NoBody) //nolint:gosec // as above
	if err != nil {
		return nil, nil, err
	}
	req.Header = shown(call.Request.Headers)
	for _, name := range [...]string{"Accept-Encoding", "Connection", "Content-Length", "User-Agent"} {
		req.Header.Del(name)
	}
	req.Header[wire.HeaderAuthorization] = []string{"Bearer " + h.cfg.RESTToken(target)}
	return req, &call.Request.Data, nil
}

// shown returns a copy of a header without values that are hidden.
func shown(header map[string][]string) http.Header {
	out := make(http.Header, len(header))
	for name, values := range header {
		if !slices.Contains(values, "(hidden)") {
			out[name] = values
		}
	}
	return out
}

// piped returns a shell command that reads data from its standard input.
func piped(data []byte, command string) string {
	return fmt.Sprintf("echo %s | base64 -d | %s", upstream.Quote(encode(data)), command)
}

// sortedPairs calls f with each value, in the order of the names.
func sortedPairs(m map[string][]string, f func(name, value string)) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		for _, value := range m[name] {
			if value != "(hidden)" {
				f(name, value)
			}
		}
	}
}
