package emulator

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/inspect"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// InspectorPath is the path of the inspector.
const InspectorPath = inspect.Path

// Inspector configures the inspector: a web page at [InspectorPath] that shows what
// happens in the emulator, and with which its user sends messages, raises events again
// and closes connections. [Server.InspectorURL] returns its URL.
//
// The page shows payloads, connection states, claims and headers. Access keys, tokens,
// signatures and cookies are removed before anything is stored. Nothing is stored on disk.
type Inspector struct {
	// MaxRecords is the maximum number of records. It defaults to 20,000.
	MaxRecords int
	// MaxBytes is the maximum size of all records. It defaults to 32 MiB. The oldest
	// records that exceed a maximum are dropped.
	MaxBytes int
	// InsecureNonLoopback serves the inspector on all addresses of the server, and for
	// Config.Origin and Config.TrustHosts. By default, requests that do not reach a
	// loopback address for a loopback name are rejected. Anyone who has the URL can then
	// see and change everything, and reads it from an unencrypted connection.
	InsecureNonLoopback bool
}

// complete returns a copy with the defaults.
func (i *Inspector) complete() (*Inspector, error) {
	if i == nil {
		return nil, nil //nolint:nilnil // no inspector
	}
	out := *i
	if out.MaxRecords < 0 {
		return nil, fmt.Errorf("emulator: Inspector.MaxRecords %d: want a positive number, or 0 for %d", out.MaxRecords, inspect.DefaultMaxRecords)
	}
	if out.MaxBytes < 0 {
		return nil, fmt.Errorf("emulator: Inspector.MaxBytes %d: want a positive number, or 0 for %d", out.MaxBytes, inspect.DefaultMaxBytes)
	}
	out.MaxRecords = cmp.Or(out.MaxRecords, inspect.DefaultMaxRecords)
	out.MaxBytes = cmp.Or(out.MaxBytes, inspect.DefaultMaxBytes)
	return &out, nil
}

// InspectorURL returns the URL of the inspector of a server at an endpoint, such as
// http://localhost:8080. It contains the token of the inspector, which is new for each
// Server: treat it as a secret. It is empty if [Config].Inspector is nil.
func (s *Server) InspectorURL(endpoint string) string {
	if s.inspector == nil {
		return ""
	}
	return strings.TrimSuffix(endpoint, "/") + InspectorPath + "#token=" + s.inspector.Token()
}

// newInspector returns the handler of the inspector.
func (s *Server) newInspector(cfg *Config, list *inspect.List, origins []string) *inspect.Handler {
	return inspect.NewHandler(inspect.Config{
		List: list, Trace: s.trace, Hubs: s.hubs, Events: s.events,
		Keys: cfg.AccessKeys, PublicKey: DefaultAccessKey, Origins: origins,
		ClientURL: func(r *http.Request, c *inspect.ClientOptions) string {
			return clientURL(s.keys, "http://"+r.Host, c.Hub, &ClientOptions{
				UserID: c.User, Roles: c.Roles, Groups: c.Groups, Lifetime: time.Duration(c.LifetimeMs) * time.Millisecond,
			})
		},
		RESTToken: func(url string) string { return s.keys.Make(url, 24*time.Hour, "", nil, nil) },
	})
}

// clientURL returns the URL, with an access token, of a client of a server at an endpoint.
func clientURL(keys *token.Keys, endpoint, hub string, o *ClientOptions) string {
	base := endpoint + "/client/hubs/" + url.PathEscape(hub)
	text := keys.Make(base, cmp.Or(o.Lifetime, time.Hour), o.UserID, o.Roles, o.Groups)
	return strings.Replace(base, "http", "ws", 1) + "?access_token=" + url.QueryEscape(text)
}

// inspectorGuard rejects requests for the inspector that do not come from its own page on
// this machine, whatever the access keys are.
type inspectorGuard struct {
	hosts      guard
	anyHost    bool
	anyAddress bool
}

func newInspectorGuard(cfg *Config, stream *trace.Stream) *inspectorGuard {
	g := &inspectorGuard{hosts: guard{trusted: make(map[string]bool), trace: stream}, anyAddress: cfg.Inspector.InsecureNonLoopback}
	if !g.anyAddress {
		return g
	}
	g.hosts.trusted[hostname(cfg.Origin)] = true
	for _, host := range cfg.TrustHosts {
		g.anyHost = g.anyHost || host == anyHost
		g.hosts.trusted[hostname(host)] = true
	}
	return g
}

// admits reports whether a request may be served. If not, it answers 403.
func (g *inspectorGuard) admits(w http.ResponseWriter, r *http.Request) bool {
	reason := g.judge(r)
	if reason == "" {
		return true
	}
	g.hosts.refuse(w, r, reason)
	return false
}

// judge returns the reason to reject a request, or "".
func (g *inspectorGuard) judge(r *http.Request) string {
	if to, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); !g.anyAddress && (to == nil || !to.IP.IsLoopback()) {
		return "the inspector is served on loopback addresses only: want a request to one, or Inspector.InsecureNonLoopback (--insecure-inspector)"
	}
	if !g.anyHost && !g.hosts.own(hostname(r.Host), r) || !isHostPort(r.Host) {
		return fmt.Sprintf("the host %.128q is not one of the inspector: want localhost or a loopback address", r.Host)
	}
	for _, origin := range r.Header["Origin"] {
		if u, err := url.Parse(origin); err != nil || u.Scheme != "http" && u.Scheme != "https" || !strings.EqualFold(u.Host, r.Host) {
			return fmt.Sprintf("the origin %.128q is not the inspector's own, which is the host %.128q", origin, r.Host)
		}
	}
	for _, site := range r.Header["Sec-Fetch-Site"] {
		if site != "same-origin" && site != "none" && r.Header.Get("Sec-Fetch-Dest") != "document" {
			return "the request is of another web page"
		}
	}
	return ""
}

// isHostPort reports whether a host has no port, or a number.
func isHostPort(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name = hostname(host)
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	return name != "" && !strings.ContainsAny(name, " ;,'\"\r\n\t")
}
