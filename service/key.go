package service

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// requestSeconds is the lifetime of a token, which authorises one try of one
	// request.
	requestSeconds = 5 * 60

	bearerPrefix = "Bearer "
	redacted     = "REDACTED"

	// tokenHeader is {"alg":"HS256","typ":"JWT"}, which jwt.Token would encode from a
	// map for every request.
	tokenHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." //nolint:gosec // no secret

	maxSignature = 44 // with its dot
)

// AccessKey is an access key of the service. It can be replaced while clients use
// it. It is safe for concurrent use, does not print the key and must not be copied.
type AccessKey struct {
	current atomic.Pointer[any] // to a []byte, as jwt accepts it; fmt does not follow a pointer within a struct
}

// NewAccessKey returns an access key with a text from the Azure portal.
func NewAccessKey(key string) (*AccessKey, error) {
	k := new(AccessKey)
	if err := k.Replace(key); err != nil {
		return nil, err
	}
	return k, nil
}

// Replace replaces the key for all tries that begin afterwards. An empty key is an
// error and leaves the old key in place.
func (k *AccessKey) Replace(key string) error {
	if key == "" {
		return errors.New("service: access key is empty")
	}
	secret := any([]byte(key))
	k.current.Store(&secret)
	return nil
}

// String returns REDACTED.
func (*AccessKey) String() string { return redacted }

// Format writes REDACTED for every verb.
func (*AccessKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns REDACTED.
func (*AccessKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// claims are those of the tokens signed here. There is no nbf, since a slow clock
// must not make a token invalid.
type claims struct {
	Audience string   `json:"aud"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	Subject  string   `json:"sub,omitempty"`
	Roles    []string `json:"role,omitempty"`
	Groups   []string `json:"webpubsub.group,omitempty"`
}

// sign returns a prefix and the token with the claims.
func (k *AccessKey) sign(prefix string, c *claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	b := make([]byte, 0, len(prefix)+len(tokenHeader)+base64.RawURLEncoding.EncodedLen(len(payload))+maxSignature)
	b = append(append(b, prefix...), tokenHeader...)
	b = base64.RawURLEncoding.AppendEncode(b, payload)
	signature, err := jwt.SigningMethodHS256.Sign(string(b[len(prefix):]), *k.current.Load())
	if err != nil {
		return "", err
	}
	return string(base64.RawURLEncoding.AppendEncode(append(b, '.'), signature)), nil
}

// authorize returns the Authorization header for one try of a request.
func (k *AccessKey) authorize(target string, now time.Time) (string, error) {
	return k.sign(bearerPrefix, &claims{Audience: target, IssuedAt: now.Unix(), Expires: now.Unix() + requestSeconds})
}
