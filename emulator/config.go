package emulator

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// DefaultAccessKey is the access key of this emulator and of Microsoft's if no
// other is set. It is no secret.
const DefaultAccessKey = connstr.EmulatorKey

// DefaultKeepAlive is the time between pings to clients.
const DefaultKeepAlive = 20 * time.Second

// DefaultMaxGroups is how many groups a client can be in.
const DefaultMaxGroups = hub.DefaultMaxGroups

// Config of a [Server]. The zero value is an emulator without event handlers, to
// which clients with a token connect to any hub.
type Config struct {
	// AccessKeys sign tokens and events: a primary and perhaps a secondary. Nil is
	// [DefaultAccessKey]. A key has 32 bytes of text at least, no semicolon, and no
	// space around it.
	AccessKeys []string `json:"-"`
	// Origin is the host name by which the emulator calls itself
	// (WebHook-Request-Origin), as handlers have it in their connection string.
	// Empty is "localhost"; for [Start] it is "localhost" and "127.0.0.1".
	Origin string
	// Hubs are the settings of hubs by name, without case. A hub that is not named
	// has no event handlers and takes no anonymous clients. [Server.SetHub] changes
	// the settings of a hub later.
	Hubs map[string]Hub
	// TrustHosts lists further hosts, names or addresses without port, that requests
	// may be for and whose web pages may make them. "*" allows any host. It matters
	// while an access key is [DefaultAccessKey] or TrustTokens is set, since everybody
	// has credentials then. Requests for another host than a loopback name or address,
	// the address that they came to or Origin are then refused (403), and so are
	// those of a web page of another host: any page in a browser on this machine
	// could make them.
	TrustHosts []string
	// TrustTokens accepts REST calls with any bearer token: a stand-in for Entra ID.
	TrustTokens bool
	// MaxGroups is how many groups a client can be in at a time. Zero is
	// [DefaultMaxGroups]; what the service allows is not documented. A client that
	// joins one more gets the ack error BadRequest, a REST call 409, a handshake that
	// brings more 400, or 500 if the event handler does.
	MaxGroups int
	// KeepAlive is the time between pings. Zero is [DefaultKeepAlive], negative
	// sends none, so that a client whose machine is gone stays.
	KeepAlive time.Duration
	// Clock for tokens, windows, streams, pings and the age of consent. Nil is the
	// machine's, which also times sockets and the attempts to deliver an event.
	Clock Clock
	// Transport carries events to handlers that are not local. Nil is the emulator's
	// own, which makes at most 256 connections for the events of each handler, and ends
	// them when the emulator ends.
	Transport http.RoundTripper
	// Logger says what happens. Nil is silent; for [Start] it is the test's output. No
	// text is longer than 512 bytes, and none holds an access key or a token, even
	// where a client has written one.
	Logger *slog.Logger
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
	if err := checkKeys(c.AccessKeys); err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	if c.Origin == "" {
		c.Origin = "localhost"
	}
	if err := upstream.CheckHost(c.Origin); err != nil {
		return fmt.Errorf("emulator: Origin %q: %w; want a host name alone, such as localhost", excerpt.Cut(c.Origin, 128), err)
	}
	c.TrustHosts = slices.Clone(c.TrustHosts)
	for _, host := range c.TrustHosts {
		if err := checkTrusted(host); err != nil {
			return err
		}
	}
	if c.MaxGroups < 0 {
		return fmt.Errorf("emulator: MaxGroups %d: want 0, which is %d, or more", c.MaxGroups, DefaultMaxGroups)
	}
	if c.MaxGroups == 0 {
		c.MaxGroups = DefaultMaxGroups
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = DefaultKeepAlive
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = slog.New(newDiscreet(c.Logger.Handler(), c.AccessKeys))
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
