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

// HubMux serves several hubs at one URL: each event goes to the handler of the
// hub that it names (ce-hub, without case), and a validation request, which
// names none, gets consent if any of the handlers allows its origin. It is safe
// for concurrent use.
type HubMux struct {
	handlers map[string]*Handler // by hub in lower case
	names    []string            // sorted, so that validation is the same each time
}

// NewHubMux makes a mux of handlers by hub name. A handler whose [Config.Hub] is
// set must stand under that name.
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
			return nil, fmt.Errorf("webpubsub: hub mux: hub %q stands twice, names differ by case alone", name)
		}
		bound := *h // a handler for any hub now answers for this one only
		bound.hub = name
		m.handlers[folded] = &bound
		m.names = append(m.names, folded)
	}
	return m, nil
}

// ServeHTTP hands the request to the handler of its hub. A HubMux that
// [NewHubMux] did not make answers everything with 500.
func (m *HubMux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(m.names) == 0 {
		writeText(w, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
		return
	}
	if isValidation(r) {
		m.consenting(r).ServeHTTP(w, r)
		return
	}
	if h := m.handlers[strings.ToLower(value(r.Header, wire.HeaderHub))]; h != nil {
		h.ServeHTTP(w, r)
		return
	}
	// Whatever is wrong with the request, any handler can say it.
	m.handlers[m.names[0]].ServeHTTP(w, r)
}

// consenting returns the first handler that allows an origin of the request, or
// the first of all, which refuses.
func (m *HubMux) consenting(r *http.Request) *Handler {
	for _, name := range m.names {
		h := m.handlers[name]
		if _, ok := h.allowedOrigins().match(r.Header[wire.HeaderRequestOrigin]); ok {
			return h
		}
	}
	return m.handlers[m.names[0]]
}
