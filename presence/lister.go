package presence

import (
	"context"
	"iter"

	"github.com/go-webpubsub/webpubsub/service"
)

// Lister asks the service which connections there are in the hub of a tracker. It is safe for
// concurrent use. If it has a method Hub() string, [NewTracker] compares the hubs.
type Lister interface {
	// Connections returns a sequence of the connections in a group, without SessionID. An
	// error is the last element.
	Connections(ctx context.Context, group string) iter.Seq2[Member, error]
	// Exists reports whether there is a connection.
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
			if !yield(Member{ConnectionID: m.ConnectionID, UserID: m.UserID}, err) {
				return
			}
		}
	}
}

// Exists implements [Lister].
func (l serviceLister) Exists(ctx context.Context, connectionID string) (bool, error) {
	return l.c.Connection(connectionID).Exists(ctx)
}
