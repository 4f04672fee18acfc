package webpubsub

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// HubMux serves several hubs at one URL. An event goes to the handler of the
// hub that it names (ce-hub, compared without case). A validation request does not name
// a hub: it gets consent if any of the handlers allows its origin. HubMux is safe
// for concurrent use.
type HubMux struct {
	handlers map[string]*Handler // by hub in lower case
	names    []string            // sorted, for the same answer to each validation request
}

// NewHubMux returns a mux of handlers by hub name. A handler with a [Config.Hub] must
// have that name. A handler for any hub handles events of the named hub only.
func NewHubMux(hubs map[string]*Handler) (*HubMux, error) {
	if len(hubs) == 0 {
		return nil, errors.New("webpubsub: hub mux: no hubs given")
	}
	m := &HubMux{handlers: make(map[string]*Handler, len(hubs))}
	for _, name := range slices.Sorted(maps.Keys(hubs)) {
		if err := rule.CheckHub(name); err != nil {
			return nil, fmt.Errorf("webpubsub: hub mux: %w", err)
		}
		h, folded := hubs[name], strings.ToLower(name)
		switch {
		case h == nil:
			return nil, fmt.Errorf("webpubsub: hub mux: handler of hub %q is nil", name)
		case !h.isMade():
			return nil, fmt.Errorf("webpubsub: hub mux: handler of hub %q was not made by NewHandler", name)
		case h.hub != "" && !strings.EqualFold(h.hub, name):
			return nil, fmt.Errorf("webpubsub: hub mux: hub %q has a handler for hub %q", name, h.hub)
		case m.handlers[folded] != nil:
			return nil, fmt.Errorf("webpubsub: hub mux: hub %q is a duplicate: names are compared without case", name)
		}
		bound := *h
		bound.hub = name
		m.handlers[folded] = &bound
		m.names = append(m.names, folded)
	}
	return m, nil
}

// ServeHTTP passes the request to the handler of its hub. The zero HubMux answers every
// request with 500.
func (m *HubMux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(m.names) == 0 {
		writeText(w, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
		return
	}
	m.handler(r).ServeHTTP(w, r)
}

// handler returns the handler for a request: of an event its hub's, of a validation
// request the first that allows its origin. If there is none, any handler refuses it.
func (m *HubMux) handler(r *http.Request) *Handler {
	if !isValidation(r) {
		if h := m.handlers[strings.ToLower(first(r.Header[wire.HeaderHub]))]; h != nil {
			return h
		}
		return m.handlers[m.names[0]]
	}
	for _, name := range m.names {
		h := m.handlers[name]
		if _, ok := h.allowedOrigins().match(r.Header[wire.HeaderRequestOrigin]); ok {
			return h
		}
	}
	return m.handlers[m.names[0]]
}
