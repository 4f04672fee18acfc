package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/go-webpubsub/webpubsub/service"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

const room = "chat-room"

// tour is the service client, and the clients that receive what it sends.
type tour struct {
	out    io.Writer
	client *service.Client

	guest, ann, bob, admin *listener
	all                    []*listener
}

func (t *tour) run(ctx context.Context) error {
	for _, part := range []func(context.Context) error{t.connectAll, t.send, t.group, t.exists, t.close} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// connectAll connects clients with tokens of several kinds.
func (t *tour) connectAll(ctx context.Context) (err error) {
	fmt.Fprintln(t.out, "\nTokens for clients")
	if t.guest, err = t.connect(ctx, "guest", "a basic token", nil); err != nil {
		return err
	}
	if t.ann, err = t.connect(ctx, "ann", "one with a user id", &service.ClientAccessOptions{UserID: "ann"}); err != nil {
		return err
	}
	t.bob, err = t.connect(ctx, "bob", "one with roles and groups, for 60 minutes", &service.ClientAccessOptions{
		UserID:   "bob",
		Roles:    []string{service.RoleJoinLeaveAnyGroup, service.RoleSendToAnyGroup, service.RoleSendToGroup(room)},
		Groups:   []string{room},
		Lifetime: 60 * time.Minute,
	})
	if err != nil {
		return err
	}
	t.admin, err = t.connect(ctx, "admin", "one with a group", &service.ClientAccessOptions{UserID: "admin", Groups: []string{room}})
	return err
}

func (t *tour) connect(ctx context.Context, name, token string, opts *service.ClientAccessOptions) (*listener, error) {
	access, err := t.client.ClientAccess(ctx, opts)
	if err != nil {
		return nil, err
	}
	l, err := listen(ctx, name, access)
	if err != nil {
		return nil, err
	}
	t.all = append(t.all, l)
	fmt.Fprintf(t.out, "%s\n  %s connects to %s, as %s\n", token, name, access, l.id) // access prints without its token
	return l, l.join(ctx, t.out, "lounge")
}

// hangUp closes the connections that are still open.
func (t *tour) hangUp(ctx context.Context) {
	for _, l := range t.all {
		l.hangUp(ctx)
	}
}

// step is a call, and the clients that receive something of it.
type step struct {
	what string
	do   func() error
	who  []*listener
}

func (t *tour) walk(ctx context.Context, title string, steps ...step) error {
	fmt.Fprintln(t.out, "\n"+title)
	for _, s := range steps {
		fmt.Fprintln(t.out, s.what)
		if err := s.do(); err != nil {
			return err
		}
		for _, l := range s.who {
			if err := l.hear(ctx, t.out); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tour) send(ctx context.Context) error {
	everybody := t.client.All()
	notAdmin := filter.UserID().Ne("admin")
	return t.walk(ctx, "Send",
		step{"JSON to all", func() error {
			return everybody.SendJSON(ctx, map[string]string{"hello": "everybody"}, nil)
		}, t.all},
		step{"plain text to all", func() error {
			return everybody.SendText(ctx, "hello, all", nil)
		}, t.all},
		step{"to user ann", func() error {
			return t.client.User("ann").SendText(ctx, "hello, ann", nil)
		}, []*listener{t.ann}},
		step{"to the guest's connection", func() error {
			return t.client.Connection(t.guest.id).SendText(ctx, "hello, whoever you are", nil)
		}, []*listener{t.guest}},
		step{"to all with filter " + notAdmin.String(), func() error {
			return everybody.SendText(ctx, "not for admin", &service.SendOptions{Filter: notAdmin})
		}, []*listener{t.guest, t.ann, t.bob}}, // what admin hears next is in the room
	)
}

func (t *tour) group(ctx context.Context) error {
	g := t.client.Group(room)
	return t.walk(ctx, "A group",
		step{"add user ann", func() error { return g.AddUser(ctx, "ann") }, nil},
		step{"add the guest's connection", func() error { return g.AddConnection(ctx, t.guest.id) }, nil},
		step{"JSON to the group, with the number of its members", func() error {
			members := 0
			for _, err := range g.Connections(ctx, nil) {
				if err != nil {
					return err
				}
				members++
			}
			return g.SendJSON(ctx, map[string]int{"members": members}, nil)
		}, t.all},
		step{"remove user ann", func() error { return g.RemoveUser(ctx, "ann") }, nil},
		step{"remove the guest's connection", func() error { return g.RemoveConnection(ctx, t.guest.id) }, nil},
		step{"plain text to the group", func() error { return g.SendText(ctx, "the rest of us", nil) }, []*listener{t.bob, t.admin}},
		step{"close all in the group", func() error {
			return g.CloseConnections(ctx, &service.CloseOptions{Reason: "the room closes"})
		}, []*listener{t.bob, t.admin}},
	)
}

func (t *tour) exists(ctx context.Context) error {
	tell := func(there bool, err error) error {
		if err == nil {
			fmt.Fprintf(t.out, "  %t\n", there)
		}
		return err
	}
	return t.walk(ctx, "Who is there?",
		step{"the guest's connection", func() error { return tell(t.client.Connection(t.guest.id).Exists(ctx)) }, nil},
		step{"bob's connection", func() error { return tell(t.client.Connection(t.bob.id).Exists(ctx)) }, nil},
		step{"user ann", func() error { return tell(t.client.User("ann").Exists(ctx)) }, nil},
		step{"user bob", func() error { return tell(t.client.User("bob").Exists(ctx)) }, nil},
	)
}

func (t *tour) close(ctx context.Context) error {
	return t.walk(ctx, "Close",
		step{"the guest's connection", func() error {
			return t.client.Connection(t.guest.id).Close(ctx, &service.CloseOptions{Reason: "guests leave at ten"})
		}, []*listener{t.guest}},
		step{"all of user ann", func() error { return t.client.User("ann").CloseConnections(ctx, nil) }, []*listener{t.ann}},
	)
}
