package emulator

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// DefaultAccessKey is the well-known access key of this emulator and of Microsoft's.
// It is not a secret.
const DefaultAccessKey = connstr.EmulatorKey

// DefaultKeepAlive is the default time between pings to clients.
const DefaultKeepAlive = 20 * time.Second

// DefaultMaxGroups is the default of Config.MaxGroups.
const DefaultMaxGroups = hub.DefaultMaxGroups

// Config configures a [Server]. The zero value is an emulator without event handlers
// that accepts clients with a token on any hub.
type Config struct {
	// AccessKeys sign tokens and events: a primary and an optional secondary. Nil means
	// [DefaultAccessKey]. A key is text of at least 32 bytes without semicolons and
	// without leading or trailing space.
	AccessKeys []string `json:"-"`
	// Origin is the host name that the emulator sends as WebHook-Request-Origin. It must
	// be the host of the event handlers' connection string. It defaults to "localhost";
	// for [Start], to both "localhost" and "127.0.0.1".
	Origin string
	// Hubs holds the settings of hubs by name, regardless of case. Other hubs have no
	// event handlers and accept clients with a token only. [Server.SetHub] changes the
	// settings of a hub later.
	Hubs map[string]Hub
	// TrustHosts lists additional trusted hosts: names or addresses without port, or "*"
	// for any. It has an effect only while [DefaultAccessKey] is an access key or
	// TrustTokens is set, so that any web page in a browser on this machine has
	// credentials. The emulator then answers 403 to requests for an untrusted host (Host)
	// or of an untrusted web page (Origin). Loopback names and addresses, the address
	// that received the request, and Config.Origin are always trusted.
	TrustHosts []string
	// TrustTokens accepts REST calls with any bearer token, in place of Entra ID.
	TrustTokens bool
	// MaxGroups is the maximum number of groups of a client. It defaults to
	// [DefaultMaxGroups]; the limit of the service is not documented. A client that
	// exceeds it gets the ack error BadRequest, a REST call 409, a handshake 400, or 500
	// if the groups are the event handler's.
	MaxGroups int
	// KeepAlive is the time between pings. It defaults to [DefaultKeepAlive]. If it is
	// negative, the emulator sends no pings and does not detect unreachable clients.
	KeepAlive time.Duration
	// Clock times tokens, recovery, streams, pings and consent. It defaults to the
	// machine's clock, which always times sockets and attempts to deliver events.
	Clock Clock
	// Transport sends events to handlers at a URL. It defaults to a transport with at
	// most 256 connections per host, which are closed with the emulator.
	Transport http.RoundTripper
	// Inspector configures the inspector. Nil means none.
	Inspector *Inspector
	// Logger receives a line for each thing that happens. Nil logs nothing; for [Start],
	// it means the test's output. No text is longer than 512 bytes. Access keys and
	// tokens are removed, even where a client has sent one. A handler that blocks delays
	// the emulator.
	Logger *slog.Logger
	// Trace is called when the emulator begins an operation. It returns the trace context
	// that the operation passes on, and a function that is called with the result when the
	// operation has ended. Both are called by the goroutine of the operation: they must not
	// block, panic, or call the emulator. No argument has a secret or a payload. Nil passes
	// the trace contexts of REST calls on to the events that the calls raise.
	Trace func(op Operation) (passed TraceContext, done func(OperationResult))
}

// Clock is a source of time.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f in its own goroutine after d. stop prevents the call and reports
	// whether it did.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
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
		return fmt.Errorf("emulator: MaxGroups %d: want a positive number, or 0 for %d", c.MaxGroups, DefaultMaxGroups)
	}
	if c.MaxGroups == 0 {
		c.MaxGroups = DefaultMaxGroups
	}
	var err error
	if c.Inspector, err = c.Inspector.complete(); err != nil {
		return err
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = DefaultKeepAlive
	}
	if c.Clock == nil {
		c.Clock = hub.SystemClock{}
	}
	seen := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(c.Hubs)) {
		folded := strings.ToLower(name)
		if seen[folded] {
			return fmt.Errorf("emulator: hub %q is configured twice; hub names ignore case", name)
		}
		seen[folded] = true
	}
	return nil
}
