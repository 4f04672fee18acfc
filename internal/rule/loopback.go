package rule

import (
	"net/netip"
	"strings"
)

// IsLoopback reports whether a host name or address, without port and brackets, is
// certainly this machine.
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}
