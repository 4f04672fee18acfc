package webpubsub

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Bounds on what one request may make the handler compare. The service sends
// two signatures and, with replicas, a handful of origins.
const (
	maxSignatures = 16
	maxOrigins    = 16
)

// Errors of verification, matched with [errors.Is].
var (
	// ErrSignature says that no signature of a request was made with a known key.
	ErrSignature = errors.New("no signature matches")
	// ErrOrigin says that a request names no origin that is known.
	ErrOrigin = errors.New("origin is not allowed")
)

// Verifier decides whether a request comes from the service. A nil error lets
// it pass; an [*Error] is answered with its own status; any other error with
// 401 and nothing of its text.
//
// Verify is called before the body is read and must not read it. It must be
// safe for concurrent use.
type Verifier interface {
	Verify(r *http.Request) error
}

// InsecureSkipVerify is a [Verifier] that believes every request. Anybody who
// can reach the handler can then connect as any user and send any event: it is
// for tests, and for handlers behind a gateway that verifies.
type InsecureSkipVerify struct{}

// Verify accepts the request.
func (InsecureSkipVerify) Verify(*http.Request) error { return nil }

// Sign makes one token of the ce-signature header: "sha256=" and the lower-case
// hexadecimal HMAC-SHA256 of the connection id. The key is the access key's text
// as the portal shows it, not its base64 decoding.
func Sign(accessKey, connectionID string) string {
	k := newAccessKey(accessKey)
	m := k.sum(connectionID)
	defer k.pool.Put(m)
	return wire.SignaturePrefix + hex.EncodeToString(m.mac[:])
}

// VerifySignature checks a ce-signature value (tokens separated by commas)
// against a connection id and the keys that may have signed it. It returns nil
// if any token was made with any of the keys, else an error that matches
// [ErrSignature].
//
// The signature covers the connection id alone: it proves that whoever made it
// knows an access key, and nothing about the request's body, event, user, state
// or time.
func VerifySignature(signature, connectionID string, accessKeys ...string) error {
	keys := make([]*accessKey, 0, len(accessKeys))
	for _, k := range accessKeys {
		if k == "" {
			return fmt.Errorf("webpubsub: verify signature: an access key is empty: %w", ErrSignature)
		}
		keys = append(keys, newAccessKey(k))
	}
	if connectionID == "" {
		return fmt.Errorf("webpubsub: verify signature: connection id is empty: %w", ErrSignature)
	}
	var sigs signatures
	if err := sigs.parse([]string{signature}); err != nil {
		return fmt.Errorf("webpubsub: verify signature: %w", err)
	}
	if !sigs.matchAny(keys, connectionID) {
		return fmt.Errorf("webpubsub: verify signature: %w", ErrSignature)
	}
	return nil
}

// AccessKeys verifies requests by their ce-signature header. Each key counts
// only for requests that claim the origin of the connection string it came
// with. It is safe for concurrent use and its keys can be replaced while it
// serves; it prints and logs without them.
type AccessKeys struct {
	current atomic.Pointer[keyring]
}

// keyring is immutable: replacing keys replaces the whole ring.
type keyring struct {
	origins originSet
	entries []keyringEntry
	known   []string // hosts with a key that everybody knows
}

type keyringEntry struct {
	host     string
	keys     []*accessKey
	mismatch error // of a request that none of the keys signed
}

// NewAccessKeys makes a verifier from the connection strings of one or several
// services. Several strings of one endpoint give it several keys: the primary
// and the secondary one, say.
func NewAccessKeys(connectionStrings ...string) (*AccessKeys, error) {
	k := new(AccessKeys)
	if err := k.Replace(connectionStrings...); err != nil {
		return nil, err
	}
	return k, nil
}

// Replace exchanges all keys and origins for those of the connection strings, at
// once for all requests that begin afterwards. On an error nothing changes.
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
		entry.mismatch = fmt.Errorf("%w: the request names the host %s, and of the keys that connection strings have for it (%d) none made a signature; "+
			`compare them with those of "az webpubsub key show", or of the emulator`, ErrSignature, clip(entry.host), len(entry.keys))
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
	return k.verify(r, &originSet{any: true})
}

// verify passes over origins that are not allowed: their keys do not count for
// the allowed ones beside which a request may name them.
func (k *AccessKeys) verify(r *http.Request, allowed *originSet) error {
	ring := k.current.Load()
	if ring == nil {
		return fmt.Errorf("access keys: none set: %w", ErrSignature)
	}
	id := r.Header[wire.HeaderConnectionID]
	if len(id) != 1 || id[0] == "" {
		return fmt.Errorf("header ce-connectionId is missing, empty or repeated: %w", ErrSignature)
	}
	var sigs signatures
	if err := sigs.parse(r.Header[wire.HeaderSignature]); err != nil {
		return err
	}
	var entry *keyringEntry // whose keys were tried
	list := listScanner{lines: r.Header[wire.HeaderRequestOrigin]}
	for range maxOrigins {
		origin, ok := list.next()
		if !ok {
			break
		}
		if !allowed.allows(origin) {
			continue
		}
		for i := range ring.entries {
			if !isHost(origin, ring.entries[i].host) {
				continue
			}
			entry = &ring.entries[i]
			if sigs.matchAny(ring.entries[i].keys, id[0]) {
				return nil
			}
		}
	}
	if entry == nil {
		return ring.origins.refusal(r.Header[wire.HeaderRequestOrigin])
	}
	return entry.mismatch
}

// String returns the hosts that have keys, never the keys.
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

// signatures are the digests of one request's ce-signature header, in hex.
type signatures struct {
	digests [maxSignatures]string
	n       int
}

// parse reads all tokens of all header lines. Tokens that cannot be sha256
// digests are passed over; too many of any kind refuse the request.
func (s *signatures) parse(lines []string) error {
	list := listScanner{lines: lines}
	for seen := 0; ; seen++ {
		token, ok := list.next()
		if !ok {
			break
		}
		if seen == maxSignatures {
			return fmt.Errorf("header ce-signature has more than %d tokens: %w", maxSignatures, ErrSignature)
		}
		digest, ok := strings.CutPrefix(token, wire.SignaturePrefix)
		if ok && len(digest) == hex.EncodedLen(sha256.Size) {
			s.digests[s.n] = digest
			s.n++
		}
	}
	if s.n == 0 {
		return fmt.Errorf("header ce-signature has no sha256 token: %w", ErrSignature)
	}
	return nil
}

// matchAny compares in constant time. Timing reveals which token matched which
// key, never a partial match.
func (s *signatures) matchAny(keys []*accessKey, connectionID string) bool {
	for _, k := range keys {
		if k.signed(connectionID, s.digests[:s.n]) {
			return true
		}
	}
	return false
}

// accessKey computes the HMAC of one key. Keyed hash states are pooled: setting
// one up costs several times more than the sum itself.
type accessKey struct{ pool sync.Pool }

type macState struct {
	hash hash.Hash
	id   []byte
	mac  [sha256.Size]byte
	hex  [2 * sha256.Size]byte // of a digest to compare
}

func newAccessKey(key string) *accessKey {
	k := new(accessKey)
	secret := []byte(key)
	k.pool.New = func() any { return &macState{hash: hmac.New(sha256.New, secret), id: make([]byte, 0, 64)} }
	return k
}

// signed reports whether one of the digests was made with the key.
func (k *accessKey) signed(connectionID string, digests []string) bool {
	m := k.sum(connectionID)
	defer k.pool.Put(m)
	for _, digest := range digests {
		var got [sha256.Size]byte
		copy(m.hex[:], digest)
		if _, err := hex.Decode(got[:], m.hex[:]); err == nil && hmac.Equal(got[:], m.mac[:]) {
			return true
		}
	}
	return false
}

// sum returns a state whose mac is that of the connection id; the caller puts it
// back into the pool.
func (k *accessKey) sum(connectionID string) *macState {
	m, _ := k.pool.Get().(*macState)
	m.hash.Reset()
	m.id = append(m.id[:0], connectionID...)
	m.hash.Write(m.id)
	m.hash.Sum(m.mac[:0])
	return m
}
