package webpubsub

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// AccessKeys is a [Verifier] that checks the ce-signature header. A key verifies
// only requests that name the host of its connection string as their origin.
// AccessKeys is safe for concurrent use, its keys can be replaced while it serves,
// and it prints and logs without them.
type AccessKeys struct {
	current atomic.Pointer[keyring]
}

// keyring is immutable: replacing keys replaces the whole ring.
type keyring struct {
	origins originSet
	entries []keyringEntry
	known   []string // hosts with the public key of the emulator
}

type keyringEntry struct {
	host     string
	keys     []*accessKey
	mismatch error // if none of the keys made a signature
}

// NewAccessKeys returns a verifier with the keys of the connection strings of one
// or several services. Strings with the same endpoint add up, for example the
// primary and the secondary one.
func NewAccessKeys(connectionStrings ...string) (*AccessKeys, error) {
	k := new(AccessKeys)
	if err := k.Replace(connectionStrings...); err != nil {
		return nil, err
	}
	return k, nil
}

// Replace replaces all keys and origins by those of the connection strings, for
// all requests that begin afterwards. If it returns an error, nothing has changed.
func (k *AccessKeys) Replace(connectionStrings ...string) error {
	ring, err := newKeyring(connectionStrings)
	if err != nil {
		return fmt.Errorf("webpubsub: access keys: %w", err)
	}
	k.current.Store(ring)
	return nil
}

func newKeyring(connectionStrings []string) (*keyring, error) {
	if len(connectionStrings) == 0 {
		return nil, errors.New("no connection string given")
	}
	ring := new(keyring)
	for i, s := range connectionStrings {
		c, err := connstr.Parse(s)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		if c.AccessKey == "" {
			return nil, fmt.Errorf("[%d]: connection string of %s has no AccessKey; use a Verifier for identity-based access", i, c.Host())
		}
		ring.add(c.Host(), newAccessKey(c.AccessKey))
		if c.AccessKey == connstr.EmulatorKey && !slices.Contains(ring.known, c.Host()) {
			ring.known = append(ring.known, c.Host())
		}
	}
	for i := range ring.entries {
		entry := &ring.entries[i]
		entry.mismatch = fmt.Errorf("%w: the request names the host %s, and none of the keys of its connection strings (%d) made a signature; "+
			`compare them with those of "az webpubsub key show", or of the emulator`, ErrSignature, excerpt.Short(entry.host), len(entry.keys))
	}
	return ring, nil
}

func (ring *keyring) add(host string, key *accessKey) {
	for i := range ring.entries {
		if ring.entries[i].host == host {
			ring.entries[i].keys = append(ring.entries[i].keys, key)
			return
		}
	}
	ring.entries = append(ring.entries, keyringEntry{host: host, keys: []*accessKey{key}})
	ring.origins.hosts = append(ring.origins.hosts, host)
}

// Verify accepts a request if one of its signatures was made with a key of one
// of its origins. The zero AccessKeys accepts nothing.
func (k *AccessKeys) Verify(r *http.Request) error {
	id := r.Header[wire.HeaderConnectionID]
	if len(id) != 1 {
		return fmt.Errorf("header ce-connectionId is missing or repeated: %w", ErrSignature)
	}
	return k.check(id[0], r.Header[wire.HeaderSignature], r.Header[wire.HeaderRequestOrigin])
}

// check is the rule of Verify for the lines of the headers.
func (k *AccessKeys) check(connectionID string, signed, origins []string) error {
	ring := k.current.Load()
	switch {
	case ring == nil:
		return fmt.Errorf("access keys: none set: %w", ErrSignature)
	case connectionID == "":
		return fmt.Errorf("header ce-connectionId is empty: %w", ErrSignature)
	}
	var sigs signatures
	if err := sigs.parse(signed); err != nil {
		return err
	}
	var entry *keyringEntry // whose keys were tried
	list := listScanner{lines: origins, left: maxOrigins}
	for origin, ok := list.next(); ok; origin, ok = list.next() {
		for i := range ring.entries {
			if !isHost(origin, ring.entries[i].host) {
				continue
			}
			entry = &ring.entries[i]
			if sigs.matchAny(entry.keys, connectionID) {
				return nil
			}
		}
	}
	if entry == nil {
		return ring.origins.refusal(origins)
	}
	return entry.mismatch
}

// String returns the hosts that have keys, without the keys.
func (k *AccessKeys) String() string {
	ring := k.current.Load()
	if ring == nil {
		return "AccessKeys(none)"
	}
	return fmt.Sprintf("AccessKeys(%s)", strings.Join(ring.origins.hosts, ", "))
}

// GoString is String.
func (k *AccessKeys) GoString() string { return k.String() }

// LogValue is String.
func (k *AccessKeys) LogValue() slog.Value { return slog.StringValue(k.String()) }
