// Package azure writes the settings of hubs for the tools that configure Azure: az CLI,
// Bicep and Terraform.
//
// Each writer quotes names and URLs for its language. Values must be text without control
// characters, as the rules of hubs, URL templates, events and groups demand.
package azure

// API versions of the resource type Microsoft.SignalRService/webPubSub/hubs.
const (
	stableAPI   = "2024-03-01"
	presenceAPI = "2025-08-01-preview" // the first that has groupPresenceEvents
	hubType     = "Microsoft.SignalRService/webPubSub/hubs"
	serviceType = "Microsoft.SignalRService/webPubSub"
)

// A Service is a Web PubSub resource.
type Service struct {
	Name          string
	ResourceGroup string
}

// A Hub is the name and the settings of a hub.
type Hub struct {
	Name string
	// AllowAnonymous (anonymousConnectPolicy) accepts clients without a token.
	AllowAnonymous bool
	// EventHandlers (eventHandlers) in order: an event goes to the first that selects it.
	EventHandlers []EventHandler
}

// An EventHandler selects events and receives them.
type EventHandler struct {
	URLTemplate      string   // urlTemplate
	UserEventPattern string   // userEventPattern; empty selects none
	SystemEvents     []string // systemEvents
	GroupEvents      []string // groupPresenceEvents.eventNames
	GroupFilters     []string // groupPresenceEvents.groupFilters
	// AuthResource (auth.managedIdentity.resource) is the audience of the Entra tokens
	// that the service sends. Empty means no tokens.
	AuthResource string
}

// hasPresence reports whether a hub needs presenceAPI.
func (h *Hub) hasPresence() bool {
	for _, e := range h.EventHandlers {
		if len(e.GroupEvents) > 0 {
			return true
		}
	}
	return false
}

// apiVersion returns the API version that has all settings of the hub.
func (h *Hub) apiVersion() string {
	if h.hasPresence() {
		return presenceAPI
	}
	return stableAPI
}
