package emulator

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-webpubsub/webpubsub/emulator/internal/dispatch"
)

// Hub holds the settings of a hub, named as in Azure.
type Hub struct {
	// EventHandlers (eventHandlers) in order. An event goes to the first that
	// selects it.
	EventHandlers []EventHandler
	// AllowAnonymous (anonymousConnectPolicy "allow") accepts clients without a token.
	AllowAnonymous bool
}

// EventHandler selects events of a hub and receives them. [InMemory] and [AtURL]
// return an EventHandler for all events. Handler or URLTemplate is required.
type EventHandler struct {
	// URLTemplate (urlTemplate) is an absolute http or https URL. The parameters
	// {hub} and {event} in its path and query are replaced by the event's names.
	URLTemplate string
	// Handler, if set, is called in memory. Its requests have the URL of
	// URLTemplate, or http://localhost/eventhandler/{hub}/{event} if that is empty.
	// An [http.ServeMux] whose pattern matches that URL sets path values.
	Handler http.Handler
	// UserEventPattern (userEventPattern) selects user events: "*", a name, a
	// pattern (*, **, ?), or several of these separated by commas. Empty selects
	// none.
	UserEventPattern string
	// SystemEvents (systemEvents) are any of connect, connected and disconnected.
	SystemEvents []string
	// GroupEvents (groupPresenceEvents.eventNames) are any of joined and left.
	GroupEvents []string
	// GroupFilters (groupPresenceEvents.groupFilters) are patterns of group names
	// that limit GroupEvents. Empty means all groups. The service does not document
	// their syntax; the emulator uses that of roles.
	GroupFilters []string
	// ManagedIdentity (auth.type "ManagedIdentity") sends a token of the emulator's
	// identity with each event (Authorization), beside the signature. Nil (auth.type
	// "None") sends none.
	ManagedIdentity *ManagedIdentity
}

// localTemplate is the URL of handlers in memory.
const localTemplate = "http://localhost/eventhandler/{hub}/{event}"

// InMemory returns an event handler that is called in memory and gets every event.
func InMemory(h http.Handler) EventHandler {
	e := everyEvent()
	e.Handler = h
	return e
}

// AtURL returns an event handler at a URL, which may have the parameters {hub} and
// {event}, that gets every event.
func AtURL(urlTemplate string) EventHandler {
	e := everyEvent()
	e.URLTemplate = urlTemplate
	return e
}

func everyEvent() EventHandler {
	return EventHandler{
		UserEventPattern: "*",
		SystemEvents:     []string{"connect", "connected", "disconnected"},
		GroupEvents:      []string{"joined", "left"},
	}
}

// errNowhere is an EventHandler without Handler and URLTemplate.
var errNowhere = errors.New("neither Handler nor URLTemplate is set; want InMemory with a handler or AtURL with a URL")

func (s *Server) handlers(hubName string, h *Hub) ([]dispatch.Handler, error) {
	out := make([]dispatch.Handler, 0, len(h.EventHandlers))
	for i, h := range h.EventHandlers {
		authorize, err := s.authorizer(h.ManagedIdentity)
		if err != nil {
			return nil, fmt.Errorf("hub %q, event handler %d: %w", hubName, i, err)
		}
		if h.URLTemplate == "" {
			if h.Handler == nil {
				return nil, fmt.Errorf("hub %q, event handler %d: %w", hubName, i, errNowhere)
			}
			h.URLTemplate = localTemplate
		}
		out = append(out, dispatch.Handler{
			URLTemplate: h.URLTemplate, Local: h.Handler, UserEventPattern: h.UserEventPattern,
			SystemEvents: h.SystemEvents, GroupEvents: h.GroupEvents, GroupFilters: h.GroupFilters, Authorize: authorize,
		})
	}
	return out, nil
}
