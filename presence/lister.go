package presence

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"

	"github.com/go-webpubsub/webpubsub/service"
)

// ErrNotAddressable is an error of a [Lister]: the service cannot be asked for a group or a
// connection with this name. Clients can choose such names.
var ErrNotAddressable = errors.New("the service cannot be asked for this name")

// Lister asks the service which connections there are in the hub of a tracker. It is safe for
// concurrent use. If it has a method Hub() string, [NewTracker] compares the hubs.
type Lister interface {
	// Connections returns a sequence of the connections in a group, without SessionID. An
	// error is the last element. It is [ErrNotAddressable] if no call can succeed.
	Connections(ctx context.Context, group string) iter.Seq2[Member, error]
	// Exists reports whether there is a connection. Its error is [ErrNotAddressable] if no
	// call can succeed.
	Exists(ctx context.Context, connectionID string) (bool, error)
}

// FromService returns a Lister that calls the REST API. A round makes a call for every 200
// members of each group, at least one for each group, and one for each connection that is in
// no group.
func FromService(c *service.Client) Lister {
	if c == nil {
		return nil
	}
	return serviceLister{c}
}

type serviceLister struct{ c *service.Client }

// Hub returns the hub of the client.
func (l serviceLister) Hub() string { return l.c.Hub() }

// Connections implements [Lister].
func (l serviceLister) Connections(ctx context.Context, group string) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		for m, err := range l.c.Group(group).Connections(ctx, nil) {
			if !yield(Member{ConnectionID: m.ConnectionID, UserID: m.UserID}, serviceError(err)) {
				return
			}
		}
	}
}

// Exists implements [Lister].
func (l serviceLister) Exists(ctx context.Context, connectionID string) (bool, error) {
	exists, err := l.c.Connection(connectionID).Exists(ctx)
	return exists, serviceError(err)
}

// serviceError returns the error of a call. The client checks names before it sends anything.
func serviceError(err error) error {
	if errors.Is(err, service.ErrInvalid) {
		return fmt.Errorf("%w: %w", ErrNotAddressable, err)
	}
	return err
}

// isAway reports whether an error shows that the service cannot be asked, and not that it has
// refused one name.
func isAway(err error) bool {
	var e *service.Error
	if !errors.As(err, &e) || e.StatusCode < 400 || e.StatusCode >= 500 {
		return true
	}
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return false
}
