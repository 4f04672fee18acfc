package emulator

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// anyHost in TrustHosts trusts every host.
const anyHost = "*"

// guard rejects requests of foreign web pages while the credentials for the emulator
// are public. A browser sends the requests of a page to loopback addresses, too, with
// the origin of the page or, if its name resolves to a loopback address (DNS
// rebinding), with its host.
type guard struct {
	trusted map[string]bool // host names and addresses
	why     string          // why the credentials are public
	trace   *trace.Stream
}

// newGuard returns the guard of a configuration, or nil if it needs none.
func newGuard(cfg *Config, stream *trace.Stream) *guard {
	g := &guard{trusted: map[string]bool{hostname(cfg.Origin): true}, trace: stream}
	for _, host := range cfg.TrustHosts {
		if host == anyHost {
			return nil
		}
		g.trusted[hostname(host)] = true
	}
	switch {
	case slices.Contains(cfg.AccessKeys, DefaultAccessKey):
		g.why = "the access key is public"
	case cfg.TrustTokens:
		g.why = "any token is trusted"
	default:
		return nil
	}
	return g
}

// checkTrusted returns an error unless host has neither scheme, port nor path.
func checkTrusted(host string) error {
	if hostname(host) == "" || hostname(host) != strings.ToLower(strings.Trim(host, "[].")) || strings.ContainsAny(host, "/@ ") {
		return fmt.Errorf("emulator: TrustHosts %.128q: want a host name or address without scheme and port, or %q for any", host, anyHost)
	}
	return nil
}

// admits reports whether a request may be served. If not, it answers 403.
func (g *guard) admits(w http.ResponseWriter, r *http.Request) bool {
	if g == nil {
		return true
	}
	reason := g.judge(r)
	if reason == "" {
		return true
	}
	g.refuse(w, r, reason)
	return false
}

func (g *guard) refuse(w http.ResponseWriter, r *http.Request, reason string) {
	trace.Emit(r.Context(), g.trace, trace.ForeignRefused{Reason: reason})
	http.Error(w, reason, http.StatusForbidden)
}

// judge returns the reason to reject a request, or "".
func (g *guard) judge(r *http.Request) string {
	host := hostname(r.Host)
	if !g.own(host, r) {
		return g.refusal("host", r.Host)
	}
	for _, origin := range r.Header["Origin"] {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			return g.refusal("origin", origin) // "null", or a page without a server
		}
		if page := hostname(u.Host); page != host && !g.own(page, r) {
			return g.refusal("origin", origin)
		}
	}
	return ""
}

func (g *guard) refusal(what, value string) string {
	return fmt.Sprintf("the %s %.128q is not trusted, and %s: want a loopback name or address, the address that received the request, "+
		"the emulator's origin, or a host of Config.TrustHosts (--trust-host); with a private access key every host is trusted", what, value, g.why)
}

// own reports whether a host is the emulator's or trusted. The address that received
// the request is the emulator's: unlike names, addresses cannot be rebound.
func (g *guard) own(host string, r *http.Request) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || g.trusted[host] {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	addr = addr.Unmap()
	if addr.IsLoopback() {
		return true
	}
	to, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return to != nil && to.AddrPort().Addr().Unmap() == addr
}

// hostname returns a host in lower case without port, brackets and final dot.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
