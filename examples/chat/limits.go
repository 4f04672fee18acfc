package main

import (
	"hash/maphash"
	"net/netip"

	"golang.org/x/time/rate"
)

// limits is a rate limit for each of very many keys. Its size is fixed, so that
// strangers cannot make it grow: keys share buckets, and which ones do so nobody
// can know.
type limits struct {
	seed    maphash.Seed
	buckets [1024]*rate.Limiter
}

// newLimits allows each key so many calls a second, and after a pause as many
// at once as the burst.
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

// network returns what one person can easily have of addresses: one of IPv4, a
// /64 of IPv6.
func network(remote string) string {
	address, err := netip.ParseAddrPort(remote)
	if err != nil {
		return "" // all of these share a limit
	}
	ip := address.Addr().Unmap().WithZone("")
	if ip.Is6() {
		prefix, _ := ip.Prefix(64) // an error would say that 64 bits are too many
		return prefix.String()
	}
	return ip.String()
}
