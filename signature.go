package webpubsub

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"sync"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Limits on what a request can make the handler compare. The service sends two
// signatures and, with replicas, a few origins.
const (
	maxSignatures = 16
	maxOrigins    = 16
)

// Sign returns a token of the ce-signature header: "sha256=" and the lower-case
// hexadecimal HMAC-SHA256 of the connection id. The key is the access key as the
// portal shows it, not decoded from base64.
func Sign(accessKey, connectionID string) string {
	k := newAccessKey(accessKey)
	m := k.sum(connectionID)
	defer k.pool.Put(m)
	return wire.SignaturePrefix + hex.EncodeToString(m.mac[:])
}

// VerifySignature checks a ce-signature value, which is a list of tokens separated
// by commas. It returns nil if any token is the signature of the connection id by
// any of the keys, and otherwise an error that matches [ErrSignature].
//
// The signature covers the connection id alone. It proves that its maker knows an
// access key, and nothing about the request's body, event, user, state or time.
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

// signatures are the digests of one request's ce-signature header, in hex.
type signatures struct {
	digests [maxSignatures]string
	n       int
}

// parse reads the tokens of all header lines. It ignores tokens that are not sha256
// digests, and returns an error if there are too many tokens of any kind.
func (s *signatures) parse(lines []string) error {
	list := listScanner{lines: lines, left: maxSignatures + 1}
	for token, ok := list.next(); ok; token, ok = list.next() {
		if list.left == 0 {
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

// matchAny reports whether a digest was made with one of the keys. It compares in
// constant time: timing reveals which pair matched, never a partial match.
func (s *signatures) matchAny(keys []*accessKey, connectionID string) bool {
	for _, k := range keys {
		if k.signed(connectionID, s.digests[:s.n]) {
			return true
		}
	}
	return false
}

// accessKey computes HMACs with a key. It pools hash states: creating one takes
// several times longer than the sum.
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

// signed reports whether a digest was made with the key.
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

// sum returns a state with the mac of the connection id. The caller returns it to
// the pool.
func (k *accessKey) sum(connectionID string) *macState {
	m, _ := k.pool.Get().(*macState)
	m.hash.Reset()
	m.id = append(m.id[:0], connectionID...)
	m.hash.Write(m.id)
	m.hash.Sum(m.mac[:0])
	return m
}
