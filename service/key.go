package service

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
)

const redacted = "REDACTED"

// AccessKey is an access key of the service that can be replaced while clients
// use it. It does not print itself. It must not be copied.
type AccessKey struct {
	current atomic.Pointer[secret] // no verb prints what a pointer within a struct points to
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
	k.current.Store(newSecret(key))
	return nil
}

// String hides the key.
func (*AccessKey) String() string { return redacted }

// Format hides the key whatever the verb.
func (*AccessKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue hides the key.
func (*AccessKey) LogValue() slog.Value { return slog.StringValue(redacted) }
