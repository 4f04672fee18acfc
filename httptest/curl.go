package httptest

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Curl returns a shell command that sends one user event with a text payload to a
// server, as the service of [ConnectionString] would; see [Service.Curl]. Like
// [New], it panics if an argument is invalid.
func Curl(url, event, text string) string {
	command, err := New(nil, &Options{URL: url}).Curl(event, text)
	if err != nil {
		panic(err)
	}
	return command
}

// Curl returns a shell command that sends one user event with a text payload, as
// the service would. It is signed, and quoted for a POSIX shell. The connection id
// is "curl".
//
// Anyone who reads a signature can send any event of its connection. The command
// is therefore signed with the key of [ConnectionString] only; for a service with
// another key, or with an [Identity], Curl returns an error.
//
// To try a server, pass a nil handler and its URL to [New].
func (s *Service) Curl(event, text string) (string, error) {
	if s.keys[0] != connstr.EmulatorKey {
		return "", fmt.Errorf("httptest: curl: the key of %s may be a secret, and a command shows its signature to anyone who reads it: use ConnectionString, whose key is public, for the handler and the service", s.origin)
	}
	if s.id != nil {
		return "", errors.New("httptest: curl: a command shows the token of Options.Identity to anyone who reads it: use a service without Identity")
	}
	req, err := s.NewRequest(context.Background(), Event{
		Name:         event,
		ConnectionID: "curl",
		RequestID:    "curl",
		ContentType:  upstream.ContentType(wire.DataText),
		Signature:    Signature{Keys: []string{connstr.EmulatorKey}}, // not SecondaryKey, which may be a secret
	})
	if err != nil {
		return "", err
	}
	command, err := upstream.Curl(req, text)
	if err != nil {
		return "", fmt.Errorf("httptest: curl: %w", err)
	}
	return command, nil
}
