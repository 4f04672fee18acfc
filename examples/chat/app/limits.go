package app

import (
	"hash/maphash"
	"net/netip"

	"golang.org/x/time/rate"
)

// limits is a rate limit per key. Its size is fixed, so that strangers cannot make it
// grow: keys share buckets, and nobody can predict which ones do.
type limits struct {
	seed    maphash.Seed
	buckets [1024]*rate.Limiter
}

// newLimits allows each key a number of calls per second, and a burst after a pause.
func newLimits(perSecond float64, burst int) *limits {
	l := &limits{seed: maphash.MakeSeed()}
	for i := range l.buckets {
		l.buckets[i] = rate.NewLimiter(rate.Limit(perSecond), burst)
	}
	return l
}

func (l *limits) allow(key string) bool {
	return l.buckets[maphash.String(l.seed, key)%uint64(len(l.buckets))].Allow()
}

// network returns the addresses that one person can easily have: one of IPv4, a /64
// of IPv6.
func network(remote string) string {
	address, err := netip.ParseAddrPort(remote)
	if err != nil {
		return "" // these share a limit
	}
	ip := address.Addr().Unmap().WithZone("")
	if ip.Is6() {
		prefix, _ := ip.Prefix(64) // fails only for too many bits
		return prefix.String()
	}
	return ip.String()
}
