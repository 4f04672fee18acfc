package webpubsub

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Errors of [State.Get] for a state that cannot be trusted, matched with [errors.Is].
// The error that Get returns is a [*DecodeError] around one of them.
var (
	// ErrStateMissing reports an event without a state, if [State.Required] is set.
	ErrStateMissing = errors.New("there is no connection state")
	// ErrStateNotSealed reports a state without a seal, if [State.Seal] is set.
	ErrStateNotSealed = errors.New("connection state is not sealed")
	// ErrStateKey reports a state that was sealed with a key that is not in [State.Seal].
	// It may be forged, or its key was removed too early.
	ErrStateKey = errors.New("connection state is sealed with an unknown key")
	// ErrStateForged reports a state that does not authenticate: it was not sealed with
	// the key, was changed or cut, or belongs to another connection or hub.
	ErrStateForged = errors.New("connection state does not authenticate: it is forged, cut, or of another connection or hub")
	// ErrStateFormat reports a state with a seal of a format that this version of the
	// package does not read.
	ErrStateFormat = errors.New("connection state is sealed in an unknown format")
)

// SealKeys are keys that encrypt and authenticate connection states; see
// [State.Seal]. The first key seals. All of them open. SealKeys is immutable, safe for
// concurrent use, and prints and logs without its keys. The zero SealKeys seals and
// opens nothing: every call returns an error.
//
// To replace a key while connections have states sealed with it:
//
//  1. Add the new key at the end, on all servers: they can open its states.
//  2. Move it to the front, on all servers: they seal with it.
//  3. Remove the old key when no connection is older than step 2, or has had its
//     state set since. Until then its states return [ErrStateKey].
//
// The format is documented in docs/state.md, for handlers in other languages.
type SealKeys struct {
	keys []*sealKey // pointers: package fmt shows addresses even in an unexported field
}

// sealKey derives the keys of connections. The function holds the secret, so that no
// printer of fields can reach it.
type sealKey struct {
	id     [sealIDBytes]byte
	expand func(info string, n int) ([]byte, error)
}

const (
	sealKeyBytes = 32
	sealIDBytes  = 4
	sealPrefix   = "seal1." // the dot is in no base64 alphabet: no other state begins like this

	sealContext = "webpubsub state 1\x00"
	sealIDInfo  = "webpubsub state key id"
)

// sealEncoding accepts exactly one text for each sequence of bytes.
var sealEncoding = base64.RawURLEncoding.Strict()

// NewSealKeys returns the keys for [State.Seal]. The first key seals, all of them open.
// Each has 32 random bytes, for example from "openssl rand -base64 32", decoded. A
// key of another length, one that consists of a single repeated byte, and two equal keys
// are errors. The keys are copied. With an error, NewSealKeys returns the zero SealKeys, so
// that a [State] whose keys were not checked fails.
func NewSealKeys(keys ...[]byte) (*SealKeys, error) {
	if len(keys) == 0 {
		return new(SealKeys), errors.New("webpubsub: seal keys: no key given, want one or more of 32 random bytes")
	}
	s := &SealKeys{keys: make([]*sealKey, len(keys))}
	for i, key := range keys {
		if len(key) != sealKeyBytes {
			return new(SealKeys), fmt.Errorf("webpubsub: seal keys: keys[%d] has %d bytes, want 32: decode its hexadecimal or base64 first", i, len(key))
		}
		if bytes.Count(key, key[:1]) == len(key) {
			return new(SealKeys), fmt.Errorf("webpubsub: seal keys: keys[%d] is one byte 32 times, want random bytes", i)
		}
		for j := range i {
			if bytes.Equal(keys[j], key) {
				return new(SealKeys), fmt.Errorf("webpubsub: seal keys: keys[%d] and keys[%d] are equal", j, i)
			}
		}
		var err error
		if s.keys[i], err = newSealKey(key); err != nil {
			return new(SealKeys), fmt.Errorf("webpubsub: seal keys: keys[%d]: %w", i, err)
		}
	}
	return s, nil
}

func newSealKey(key []byte) (*sealKey, error) {
	root, err := hkdf.Extract(sha256.New, key, nil)
	if err != nil {
		return nil, err
	}
	k := &sealKey{expand: func(info string, n int) ([]byte, error) { return hkdf.Expand(sha256.New, root, info, n) }}
	id, err := k.expand(sealIDInfo, sealIDBytes)
	copy(k.id[:], id)
	return k, err
}

// String returns the ids of the keys, which every sealed state shows, and no key.
func (s SealKeys) String() string {
	ids := make([]string, len(s.keys))
	for i, k := range s.keys {
		ids[i] = hex.EncodeToString(k.id[:])
	}
	return "webpubsub.SealKeys(" + strings.Join(ids, ", ") + ")"
}

// GoString is String.
func (s SealKeys) GoString() string { return s.String() }

// Format is String, whatever the verb.
func (s SealKeys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String.
func (s SealKeys) LogValue() slog.Value { return slog.StringValue(s.String()) }

// seal returns the sealed state of the event's connection.
func (s *SealKeys) seal(m *Meta, plain []byte) (string, error) {
	if len(s.keys) == 0 {
		return "", errNoSealKeys
	}
	context := sealContextOf(m)
	aead, err := s.keys[0].cipher(context)
	if err != nil {
		return "", err
	}
	sealed := make([]byte, sealIDBytes, sealIDBytes+aead.Overhead()+len(plain))
	copy(sealed, s.keys[0].id[:])
	sealed = aead.Seal(sealed, nil, plain, context) //nolint:gosec // this cipher makes the nonce
	return sealPrefix + sealEncoding.EncodeToString(sealed), nil
}

// open returns what seal has sealed for the event's connection.
func (s *SealKeys) open(m *Meta, state string) ([]byte, error) {
	if len(s.keys) == 0 {
		return nil, errNoSealKeys
	}
	text, ok := strings.CutPrefix(state, sealPrefix)
	switch {
	case !ok && isSealed(state):
		return nil, ErrStateFormat
	case !ok:
		return nil, ErrStateNotSealed
	case strings.ContainsAny(text, "\r\n"): // which package base64 ignores
		return nil, ErrStateForged
	}
	sealed, err := sealEncoding.DecodeString(text)
	if err != nil || len(sealed) < sealIDBytes {
		return nil, ErrStateForged
	}
	id, sealed := [sealIDBytes]byte(sealed), sealed[sealIDBytes:]
	context, known := sealContextOf(m), false
	for _, k := range s.keys { // two keys may have the same id
		if k.id != id {
			continue
		}
		known = true
		aead, err := k.cipher(context)
		if err != nil {
			return nil, err
		}
		if plain, err := aead.Open(nil, nil, sealed, context); err == nil {
			return plain, nil
		}
	}
	if !known {
		return nil, fmt.Errorf("%w, with the id %x", ErrStateKey, id)
	}
	return nil, ErrStateForged
}

var errNoSealKeys = errors.New("State.Seal was not made by NewSealKeys")

// cipher returns the cipher of a connection. A random nonce limits the number of
// messages of a key, so each connection has a key of its own.
func (k *sealKey) cipher(context []byte) (cipher.AEAD, error) {
	key, err := k.expand(string(context), sealKeyBytes)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// sealContextOf returns the hub and the connection id, so that no two pairs are encoded
// alike. The service may send the hub in any case.
func sealContextOf(m *Meta) []byte {
	return appendParts([]byte(sealContext), strings.ToLower(m.Hub), m.ConnectionID)
}

// isSealed reports whether a state has a seal of any format: "seal", a number and a
// dot.
func isSealed(state string) bool {
	rest, ok := strings.CutPrefix(state, "seal")
	number, _, dot := strings.Cut(rest, ".")
	return ok && dot && number != "" && strings.Trim(number, "0123456789") == ""
}
