package emulator

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/dispatch"
	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/rest"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// DefaultAccessKey is the access key of this emulator and of Microsoft's if no
// other is set. It is no secret.
const DefaultAccessKey = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"

// DefaultKeepAlive is the time between pings to clients.
const DefaultKeepAlive = 20 * time.Second

// Config of a [Server]. The zero value is an emulator without event handlers, to
// which clients with a token connect to any hub.
type Config struct {
	// AccessKeys sign tokens and events: a primary and perhaps a secondary. Nil is
	// [DefaultAccessKey].
	AccessKeys []string `json:"-"`
	// Origin is the host name by which the emulator calls itself
	// (WebHook-Request-Origin), as handlers have it in their connection string.
	// Empty is "localhost"; for [Start] it is "localhost" and "127.0.0.1".
	Origin string
	// Hubs are the settings of hubs by name, without case. A hub that is not named
	// has no event handlers and takes no anonymous clients. [Server.SetHub] changes
	// the settings of a hub later.
	Hubs map[string]Hub
	// TrustTokens accepts REST calls with any bearer token: a stand-in for Entra ID.
	TrustTokens bool
	// KeepAlive is the time between pings. Zero is [DefaultKeepAlive], negative
	// sends none, so that a client whose machine is gone stays.
	KeepAlive time.Duration
	// Clock for tokens, windows, streams, pings and the age of consent. Nil is the
	// machine's, which also times sockets and the attempts to deliver an event.
	Clock Clock
	// Transport carries events to handlers that are not local. Nil is one of the
	// emulator's own, which makes at most 256 connections to each handler and ends
	// them when the emulator ends.
	Transport http.RoundTripper
	// Logger says what happens. Nil is silent; for [Start] it is the test's output.
	Logger *slog.Logger
}

// Hub is the settings of a hub, named as in Azure.
type Hub struct {
	// EventHandlers (eventHandlers) in order; the first that an event fits gets it.
	EventHandlers []EventHandler
	// AllowAnonymous (anonymousConnectPolicy "allow") takes clients without token.
	AllowAnonymous bool
}

// EventHandler is where the events of a hub go.
type EventHandler struct {
	// URLTemplate (urlTemplate) is an absolute http or https URL in whose path and
	// query {hub} and {event} stand for the event's.
	URLTemplate string
	// Handler is called in memory, if it is set; URLTemplate may be empty then.
	Handler http.Handler
	// UserEventPattern (userEventPattern) is "*", a name, a pattern (*, **, ?), or
	// several of these, separated by commas. Empty: no user events.
	UserEventPattern string
	// SystemEvents (systemEvents): connect, connected, disconnected.
	SystemEvents []string
	// GroupEvents (groupPresenceEvents.eventNames): joined, left.
	GroupEvents []string
	// GroupFilters (groupPresenceEvents.groupFilters) are patterns of groups.
	// Empty: all groups. Their syntax is not documented; here it is that of roles.
	GroupFilters []string
}

// localTemplate is the URL of handlers in memory.
const localTemplate = "http://localhost/eventhandler/{hub}/{event}"

// Local makes the setting of a handler in memory that gets every event.
func Local(h http.Handler) EventHandler {
	return EventHandler{
		Handler:          h,
		UserEventPattern: "*",
		SystemEvents:     []string{"connect", "connected", "disconnected"},
		GroupEvents:      []string{"joined", "left"},
	}
}

// Clock tells the time.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f after d, in a goroutine of its own. Stop keeps it from
	// that, and tells whether it was in time.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// clock makes a hub.Clock of a Clock.
type clock struct{ Clock }

type stopper func() bool

func (s stopper) Stop() bool { return s() }

func (c clock) AfterFunc(d time.Duration, f func()) hub.Timer {
	return stopper(c.Clock.AfterFunc(d, f))
}

func (c *Config) complete() error {
	if c.AccessKeys = slices.Clone(c.AccessKeys); c.AccessKeys == nil {
		c.AccessKeys = []string{DefaultAccessKey}
	}
	if c.Origin == "" {
		c.Origin = "localhost"
	}
	if err := upstream.CheckHost(c.Origin); err != nil {
		return fmt.Errorf("emulator: Origin %q: %w; want a host name alone, such as localhost", excerpt.Cut(c.Origin, 128), err)
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = DefaultKeepAlive
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	seen := make(map[string]bool)
	for name := range c.Hubs {
		folded := strings.ToLower(name)
		if err := checkHub(name); err != nil {
			return err
		}
		if seen[folded] {
			return fmt.Errorf("emulator: hub %q stands twice, names differ by case alone", name)
		}
		seen[folded] = true
	}
	return nil
}

func checkHub(name string) error {
	if !rest.ValidHub(name) {
		return fmt.Errorf("emulator: hub %q: want a letter, then at most 127 letters, digits or characters of _`,.[]", excerpt.Cut(name, 128))
	}
	return nil
}

func (h *Hub) handlers() []dispatch.Handler {
	out := make([]dispatch.Handler, 0, len(h.EventHandlers))
	for _, h := range h.EventHandlers {
		if h.Handler != nil && h.URLTemplate == "" {
			h.URLTemplate = localTemplate
		}
		out = append(out, dispatch.Handler{
			URLTemplate: h.URLTemplate, Local: h.Handler, UserEventPattern: h.UserEventPattern,
			SystemEvents: h.SystemEvents, GroupEvents: h.GroupEvents, GroupFilters: h.GroupFilters,
		})
	}
	return out
}
