package service

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// requestLifetime of a token that authorises one try of one request.
	requestLifetime = 5 * time.Minute

	bearerPrefix = "Bearer "
	redacted     = "REDACTED"
)

// AccessKey is an access key of the service that can be replaced while clients
// use it. It does not print itself. It must not be copied.
type AccessKey struct{ current atomic.Pointer[secret] }

// NewAccessKey makes an access key of its text, as the portal shows it.
func NewAccessKey(key string) (*AccessKey, error) {
	k := new(AccessKey)
	if err := k.Replace(key); err != nil {
		return nil, err
	}
	return k, nil
}

// Replace exchanges the key for all tries of all requests that begin afterwards.
// An empty key is an error, and leaves the old one in place.
func (k *AccessKey) Replace(key string) error {
	if key == "" {
		return errors.New("service: access key is empty")
	}
	k.current.Store(newSecret([]byte(key)))
	return nil
}

// String hides the key.
func (*AccessKey) String() string { return redacted }

// Format hides the key whatever the verb.
func (*AccessKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue hides the key.
func (*AccessKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// claims of the tokens that are signed here. There is no nbf: a clock that is
// slow must not make a token invalid.
type claims struct {
	Audience string   `json:"aud"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	Subject  string   `json:"sub,omitempty"`
	Roles    []string `json:"role,omitempty"`
	Groups   []string `json:"webpubsub.group,omitempty"`
}

// jwtHeader is {"alg":"HS256","typ":"JWT"}.
const jwtHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."

// sign gives the token of claims.
func (k *AccessKey) sign(c *claims) string {
	payload, _ := json.Marshal(c) // texts and numbers are always JSON
	return k.current.Load().sign("", payload)
}

// authorize gives the Authorization header for one try of a request. It is sign
// without reflection, which there took as long as the signature.
func (k *AccessKey) authorize(target string, now time.Time) string {
	if !isPlain(target) {
		return bearerPrefix + k.sign(&claims{Audience: target, IssuedAt: now.Unix(), Expires: now.Add(requestLifetime).Unix()})
	}
	b := make([]byte, 0, 512)
	b = append(append(append(b, `{"aud":"`...), target...), `","iat":`...)
	b = strconv.AppendInt(b, now.Unix(), 10)
	b = strconv.AppendInt(append(b, `,"exp":`...), now.Add(requestLifetime).Unix(), 10)
	return k.current.Load().sign(bearerPrefix, append(b, '}'))
}

// isPlain tells whether a text stands in JSON as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// secret is one key with the hash states that were keyed with it: keying takes
// as long as hashing a small token.
type secret struct{ states sync.Pool }

type state struct {
	hash.Hash
	sum [sha256.Size]byte
}

func newSecret(key []byte) *secret {
	return &secret{states: sync.Pool{New: func() any { return &state{Hash: hmac.New(sha256.New, key)} }}}
}

// sign gives the JWT of a payload behind a prefix.
func (s *secret) sign(prefix string, payload []byte) string {
	b64 := base64.RawURLEncoding
	signed := len(prefix) + len(jwtHeader) + b64.EncodedLen(len(payload))
	token := make([]byte, 0, signed+1+b64.EncodedLen(sha256.Size))
	token = append(append(token, prefix...), jwtHeader...)
	token = b64.AppendEncode(token, payload)

	mac := s.states.Get().(*state)
	defer s.states.Put(mac)
	mac.Reset()
	_, _ = mac.Write(token[len(prefix):]) // a hash takes everything
	return string(b64.AppendEncode(append(token, '.'), mac.Sum(mac.sum[:0])))
}
