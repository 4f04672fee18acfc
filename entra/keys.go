package entra

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// The times at which keys are fetched, as Microsoft recommends them for validators.
const (
	// refreshAge is the age at which keys are fetched again.
	refreshAge = time.Hour
	// fetchPause is the minimum between two fetches for unknown key ids, and between two
	// attempts while the endpoint fails and there are keys.
	fetchPause = 5 * time.Minute
	// firstPause is the pause after the first failure while there are no keys. It doubles
	// with each failure, up to fetchPause.
	firstPause = time.Second
	// maxAge is the age at which keys are not used any more: Entra may have withdrawn them.
	maxAge = 24 * time.Hour
)

// keySet is the content of the tenant's documents of one version. It is immutable.
type keySet struct {
	issuer string
	keys   map[string]*rsa.PublicKey // by key id
	at     time.Time                 // the start of the fetch
}

// keyCache holds the keys of one version. Only requests fetch them: there is no
// goroutine.
type keyCache struct {
	source *source
	held   atomic.Pointer[keySet] // nil until the first fetch has succeeded

	mu       sync.Mutex
	running  chan struct{} // closed when the running fetch ends; nil if there is none
	ended    time.Time     // of the last fetch
	unknown  time.Time     // start of the last fetch for an unknown key id
	failures int           // since the last success
	failure  error         // of the last fetch
}

// find returns the key with an id and the set that has it. If the key may be new, it
// fetches the keys or waits for the request that does.
func (k *keyCache) find(ctx context.Context, kid string) (*keySet, *rsa.PublicKey, error) {
	for {
		next := k.plan(kid, time.Now())
		switch {
		case next.fetch != nil:
			k.fetch(ctx, next.fetch)
		case next.key != nil:
			return next.set, next.key, nil
		case next.err != nil:
			return nil, nil, next.err
		default:
			select {
			case <-next.wait:
			case <-ctx.Done():
				return nil, nil, &unavailableError{context.Cause(ctx)}
			}
		}
	}
}

// plan is what a request does next: it fetches, uses a key, waits or fails.
type plan struct {
	fetch *fetch
	set   *keySet
	key   *rsa.PublicKey
	wait  <-chan struct{}
	err   error
}

// fetch is a fetch that has begun.
type fetch struct {
	kid     string
	unknown bool // only for the key id
	at      time.Time
	done    chan struct{}
}

// plan decides what a request for a key does. It begins at most one fetch at a time. While
// another request fetches, or the endpoint fails, it uses an old key.
func (k *keyCache) plan(kid string, now time.Time) plan {
	k.mu.Lock()
	defer k.mu.Unlock()
	set := k.held.Load()
	var key *rsa.PublicKey
	if set != nil && now.Sub(set.at) < maxAge {
		key = set.keys[kid]
	} else {
		set = nil
	}
	isFresh := set != nil && now.Sub(set.at) < refreshAge
	var due bool
	switch {
	case set == nil:
		due = k.failures == 0 || now.Sub(k.ended) >= min(firstPause<<min(k.failures-1, 16), fetchPause)
	case !isFresh:
		due = k.failures == 0 || now.Sub(k.ended) >= fetchPause
	case key == nil:
		due = k.unknown.IsZero() || now.Sub(k.unknown) >= fetchPause
	}
	switch {
	case due && k.running == nil:
		k.running = make(chan struct{})
		return plan{fetch: &fetch{kid: kid, unknown: isFresh, at: now, done: k.running}}
	case key != nil:
		return plan{set: set, key: key}
	case k.running != nil:
		return plan{wait: k.running}
	case k.failure != nil:
		return plan{err: &unavailableError{k.failure}}
	}
	return plan{err: &Error{RuleKey, fmt.Sprintf("the tenant has no key with the key id %q; for new ids the keys are fetched once in %v", excerpt.Short(kid), fetchPause)}}
}

// fetch fetches the keys in the goroutine of a request. The end of the request does not
// end it: otherwise a stranger could keep it from succeeding.
func (k *keyCache) fetch(ctx context.Context, f *fetch) {
	var set *keySet
	err := errors.New("the transport has panicked")
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if err == nil {
			set.at = f.at
			k.held.Store(set)
			k.failures, k.failure = 0, nil
		} else {
			k.failures, k.failure = k.failures+1, err
		}
		if f.unknown || err == nil && set.keys[f.kid] == nil {
			k.unknown = f.at
		}
		k.running, k.ended = nil, time.Now()
		close(f.done)
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	set, err = k.source.fetch(ctx)
}

// unavailableError reports that the keys are not known.
type unavailableError struct{ cause error }

func (e *unavailableError) Error() string {
	return fmt.Sprintf("entra: %v: %v", ErrKeysUnavailable, e.cause)
}

func (e *unavailableError) Unwrap() []error { return []error{ErrKeysUnavailable, e.cause} }

// refusal returns the error of a request that could not be verified. The service
// delivers the event again.
func (e *unavailableError) refusal() error {
	return webpubsub.Unavailable("the sender cannot be verified at the moment").WithCause(e)
}
