package entra

import (
	"crypto/sha256"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// maxAccepted is how many tokens are remembered. Each instance of the service has its own
// token, which it sends for an hour or longer.
const maxAccepted = 64

// acceptedTokens remembers tokens whose signature and claims are valid, by their digest:
// the service sends the same token with every event, and a signature takes longer to
// verify than all the rest. Only the lifetime of a token and the keys can change, and
// both are checked again. The zero value is empty.
type acceptedTokens struct {
	current atomic.Pointer[map[tokenDigest]acceptedToken] // is replaced as a whole
	mu      sync.Mutex                                    // of writers
}

type tokenDigest [sha256.Size]byte

type acceptedToken struct {
	claims *claims
	keys   *keySet // that has the key of the signature
	cache  *keyCache
}

// has reports whether a token was accepted with keys that are still the current ones and
// need not be fetched.
func (a *acceptedTokens) has(digest tokenDigest, leeway time.Duration, now time.Time) bool {
	all := a.current.Load()
	if all == nil {
		return false
	}
	token, found := (*all)[digest]
	return found && token.cache.held.Load() == token.keys && now.Sub(token.keys.at) < refreshAge &&
		token.claims.checkTime(leeway, now) == nil
}

// add remembers a token. If there are too many, it forgets all others.
func (a *acceptedTokens) add(digest tokenDigest, token acceptedToken) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := make(map[tokenDigest]acceptedToken)
	if all := a.current.Load(); all != nil && len(*all) < maxAccepted {
		maps.Copy(next, *all)
	}
	next[digest] = token
	a.current.Store(&next)
}
