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

// Bounds on what one request may make the handler compare. The service sends
// two signatures and, with replicas, a handful of origins.
const (
	maxSignatures = 16
	maxOrigins    = 16
)

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
