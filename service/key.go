package service

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// requestSeconds are how long a token that authorises one try of one request
	// is good for.
	requestSeconds = 5 * 60

	bearerPrefix = "Bearer "
	redacted     = "REDACTED"
)

// AccessKey is an access key of the service that can be replaced while clients
// use it. It does not print itself. It must not be copied.
type AccessKey struct {
	current atomic.Pointer[any] // to a []byte, as jwt takes it; no verb prints what a pointer within a struct points to
}

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
	secret := any([]byte(key))
	k.current.Store(&secret)
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
	Audience string   `json:"aud"` // one text: jwt's own claims always write a list
	IssuedAt int64    `json:"iat"` // a number: jwt.NumericDate costs more to encode than the signature
	Expires  int64    `json:"exp"`
	Subject  string   `json:"sub,omitempty"`
	Roles    []string `json:"role,omitempty"`
	Groups   []string `json:"webpubsub.group,omitempty"`
}

// The methods of jwt.Claims.

func (c *claims) GetAudience() (jwt.ClaimStrings, error)       { return jwt.ClaimStrings{c.Audience}, nil }
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error)       { return date(c.IssuedAt), nil }
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return date(c.Expires), nil }
func (c *claims) GetSubject() (string, error)                  { return c.Subject, nil }
func (*claims) GetNotBefore() (*jwt.NumericDate, error)        { return nil, nil }
func (*claims) GetIssuer() (string, error)                     { return "", nil }

func date(seconds int64) *jwt.NumericDate { return jwt.NewNumericDate(time.Unix(seconds, 0)) }

// sign gives the token of claims.
func (k *AccessKey) sign(c *claims) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(*k.current.Load())
}

// authorize gives the Authorization header for one try of a request.
func (k *AccessKey) authorize(target string, now time.Time) (string, error) {
	token, err := k.sign(&claims{Audience: target, IssuedAt: now.Unix(), Expires: now.Unix() + requestSeconds})
	return bearerPrefix + token, err
}
