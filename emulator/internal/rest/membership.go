package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/odata"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

func (a *API) addToGroup(r *http.Request, h *hub.Hub) *answer {
	n, err := h.Join(member(r), group(r))
	if n == 0 {
		what, name := subject(member(r))
		return notFound(graveError, what, name)
	}
	return joined(err)
}

// removeFromGroup removes from the group in the path, or from all groups.
func (a *API) removeFromGroup(r *http.Request, h *hub.Hub) *answer {
	h.Leave(member(r), group(r))
	return &answer{status: http.StatusNoContent}
}

// groupsBody is the body of the operations on many groups.
type groupsBody struct {
	Groups []string `json:"groups"`
	Filter string   `json:"filter"`
}

func readGroups(r *http.Request) (groups []string, t hub.Target, refused *answer) {
	media, params, err := mime.ParseMediaType(r.Header.Get(wire.HeaderContentType))
	if err != nil || media != wire.MediaJSON {
		return nil, t, unsupported("The Content-Type is not application/json.")
	}
	decode := charset(params["charset"])
	if decode == nil {
		return nil, t, unsupported(charsetRule)
	}
	in, err := decodeGroups(r.Body, decode)
	if err != nil {
		return nil, t, problem(inBody, "The request body must be one object with groups and filter, of at most 1 MiB.")
	}
	if len(in.Groups) == 0 {
		return nil, t, problem("groups", "The field groups must have at least one group.")
	}
	for _, g := range in.Groups {
		if !validGroup(g) {
			return nil, t, problem("groups", groupRule)
		}
	}
	if t.Filter, err = odata.Parse(in.Filter); err != nil {
		return nil, t, filterProblem(err)
	}
	return in.Groups, t, nil
}

func decodeGroups(body io.Reader, decode func([]byte) ([]byte, bool)) (in groupsBody, err error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return in, err
	}
	data, ok := decode(data)
	if !ok {
		return in, errors.New("invalid charset")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return in, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return in, errors.New("more than one value")
	}
	return in, nil
}

func (a *API) addToGroups(r *http.Request, h *hub.Hub) *answer {
	groups, t, refused := readGroups(r)
	if refused != nil {
		return refused
	}
	var err error
	for _, c := range h.Select(t) { // once: a join may change what the filter matches
		for _, g := range groups {
			if _, full := h.Join(hub.Target{ConnectionID: c.ID, Cause: cause(r)}, g); full != nil {
				err = full
			}
		}
	}
	return joined(err)
}

// joined answers a call that adds connections to groups. An error is about one of
// them; the others have joined.
func joined(err error) *answer {
	if full := (*hub.FullError)(nil); errors.As(err, &full) {
		return conflict(fmt.Sprintf("Connection %#q is in %d groups, the maximum.", full.ConnectionID, full.Groups))
	}
	return &answer{status: http.StatusOK}
}

func (a *API) removeFromGroups(r *http.Request, h *hub.Hub) *answer {
	groups, t, refused := readGroups(r)
	if refused != nil {
		return refused
	}
	for _, c := range h.Select(t) {
		for _, g := range groups {
			h.Leave(hub.Target{ConnectionID: c.ID, Cause: cause(r)}, g)
		}
	}
	return &answer{status: http.StatusOK}
}
