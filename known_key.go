package webpubsub

import "strings"

// warnOfKnownKey logs once, when the handler is made, that one of its keys is
// the local emulators'. That key is for a developer's machine and for tests, and
// an environment variable that is not set can carry it further.
func (h *Handler) warnOfKnownKey() {
	var hosts []string
	for _, v := range []Verifier{h.keys, h.verifier} {
		if keys, ok := v.(*AccessKeys); ok && keys != nil {
			if ring := keys.current.Load(); ring != nil {
				hosts = append(hosts, ring.known...)
			}
		}
	}
	if len(hosts) == 0 {
		return
	}
	h.log.to().Warn(
		"webpubsub: an access key is the local emulator's, which everybody knows: whoever reaches this handler can send it events of any user; "+
			"in production, use the connection string of your own service",
		"host", strings.Join(hosts, ", "))
}
