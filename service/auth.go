package service

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/golang-jwt/jwt/v5"
)

// requestLifetime of a token that authorises one try of one request.
const requestLifetime = 5 * time.Minute

// AccessKey is an access key of the service that can be replaced while clients
// use it. It does not print itself.
type AccessKey struct{ value atomic.Pointer[[]byte] }

// NewAccessKey makes an access key of its text, as the portal shows it.
func NewAccessKey(key string) (*AccessKey, error) {
	k := new(AccessKey)
	return k, k.Replace(key)
}

// Replace exchanges the key for all requests that begin afterwards.
func (k *AccessKey) Replace(key string) error {
	if key == "" {
		return errors.New("service: access key is empty")
	}
	secret := []byte(key)
	k.value.Store(&secret)
	return nil
}

// String hides the key.
func (*AccessKey) String() string { return "REDACTED" }

// GoString hides the key.
func (*AccessKey) GoString() string { return "REDACTED" }

// Format hides the key whatever the verb.
func (*AccessKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("REDACTED")) }

// LogValue hides the key.
func (*AccessKey) LogValue() slog.Value { return slog.StringValue("REDACTED") }

func (k *AccessKey) sign(claims jwt.MapClaims) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(*k.value.Load())
}

// keyPolicy authorises each try with a token for exactly its URL.
type keyPolicy struct{ key *AccessKey }

func (p keyPolicy) Do(req *policy.Request) (*http.Response, error) {
	now := time.Now()
	token, err := p.key.sign(jwt.MapClaims{
		"aud": req.Raw().URL.String(),
		"iat": now.Unix(),
		"exp": now.Add(requestLifetime).Unix(),
	})
	if err != nil {
		return nil, fmt.Errorf("sign request: %w", err)
	}
	req.Raw().Header.Set("Authorization", "Bearer "+token)
	return req.Next()
}

// proxyPolicy sends a request that was made out to one base URL to another.
type proxyPolicy struct{ from, to *url.URL }

func (p proxyPolicy) Do(req *policy.Request) (*http.Response, error) {
	raw := req.Raw()
	raw.URL = rebase(raw.URL, p.from, p.to)
	raw.Host = raw.URL.Host
	return req.Next()
}

// rebase moves a URL below one base to below another.
func rebase(u, from, to *url.URL) *url.URL {
	moved := *u
	moved.Scheme, moved.Host = to.Scheme, to.Host
	escaped := to.EscapedPath() + strings.TrimPrefix(u.EscapedPath(), from.EscapedPath())
	moved.RawPath = escaped
	if path, err := url.PathUnescape(escaped); err == nil {
		moved.Path = path
	}
	return &moved
}
