package webpubsub

import "strings"

// warnOfKnownKey logs a warning if one of the keys is the public key of the local
// emulator, which is for development and tests.
func (h *Handler) warnOfKnownKey() {
	var hosts []string
	for _, keys := range append([]*AccessKeys{h.keys}, accessKeys(h.verifier)...) {
		if keys == nil {
			continue
		}
		if ring := keys.current.Load(); ring != nil {
			hosts = append(hosts, ring.known...)
		}
	}
	if len(hosts) == 0 {
		return
	}
	h.log.to().Warn(
		"webpubsub: an access key is the public key of the local emulator: anyone who can reach this handler can send it events of any user; "+
			"in production, use the connection string of your own service",
		"host", strings.Join(hosts, ", "))
}
