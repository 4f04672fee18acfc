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

// anyHost in TrustHosts trusts all hosts.
const anyHost = "*"

// guard keeps out foreign web pages while everybody has credentials for the
// emulator. A browser sends a page's requests to loopback addresses, too. They name
// the page's origin, or the page's host if its name has been made to mean a loopback
// address (DNS rebinding).
type guard struct {
	trusted map[string]bool // host names and addresses
	why     string          // what makes it necessary
	trace   *trace.Stream
}

// newGuard returns nil if none is needed.
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
		g.why = "the access key is known to everybody"
	case cfg.TrustTokens:
		g.why = "any token is trusted"
	default:
		return nil
	}
	return g
}

// checkTrusted wants a host without scheme, port and path.
func checkTrusted(host string) error {
	if hostname(host) == "" || hostname(host) != strings.ToLower(strings.Trim(host, "[].")) || strings.ContainsAny(host, "/@ ") {
		return fmt.Errorf("emulator: TrustHosts %.128q: want a host name or address without scheme and port, or %q for any", host, anyHost)
	}
	return nil
}

// admits reports whether a request may be served, and answers it if not.
func (g *guard) admits(w http.ResponseWriter, r *http.Request) bool {
	if g == nil {
		return true
	}
	reason := g.judge(r)
	if reason == "" {
		return true
	}
	trace.Emit(r.Context(), g.trace, trace.ForeignRefused{Reason: reason})
	http.Error(w, reason, http.StatusForbidden)
	return false
}

// judge returns why a request is refused; empty: it is not.
func (g *guard) judge(r *http.Request) string {
	host := hostname(r.Host)
	if !g.own(host, r) {
		return g.refusal("host", r.Host)
	}
	for _, origin := range r.Header["Origin"] {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			return g.refusal("origin", origin) // "null", and pages that no server has served
		}
		if page := hostname(u.Host); page != host && !g.own(page, r) {
			return g.refusal("origin", origin)
		}
	}
	return ""
}

func (g *guard) refusal(what, value string) string {
	return fmt.Sprintf("the %s %.128q is foreign, and %s: want a loopback name or address, the address that the request came to, "+
		"the emulator's origin, or a host of Config.TrustHosts (--trust-host); with an access key of your own every host is fine", what, value, g.why)
}

// own reports whether a host is the emulator's, or trusted like it. The address that
// the request came to is: names can be rebound, addresses cannot.
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

// hostname is the host without port, brackets, case and final dot.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
