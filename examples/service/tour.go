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

// tour is the client and those who listen to what it does.
type tour struct {
	client *service.Client
	out    io.Writer

	guest, ann, bob, admin *listener
	all                    []*listener
}

func (t *tour) run(ctx context.Context) error {
	for _, stop := range []struct {
		title string
		visit func(context.Context) error
	}{
		{"Tokens for clients", t.tokens},
		{"Send", t.send},
		{"A group", t.group},
		{"Who is there", t.exists},
		{"Close", t.close},
	} {
		heading(t.out, stop.title)
		if err := stop.visit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// say prints what is done next, and is its step.
func (t *tour) say(what string, err error) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, what)
	return err
}

// hear lets listeners print the message that each of them has got.
func (t *tour) hear(ctx context.Context, who ...*listener) error {
	for _, l := range who {
		if err := l.hear(ctx, t.out); err != nil {
			return err
		}
	}
	return nil
}

func (t *tour) farewell(ctx context.Context, who ...*listener) error {
	for _, l := range who {
		if err := l.farewell(ctx, t.out); err != nil {
			return err
		}
	}
	return nil
}

func (t *tour) connect(ctx context.Context, name string, opts *service.ClientAccessOptions) (*listener, error) {
	access, err := t.client.ClientAccess(ctx, opts)
	if err != nil {
		return nil, err
	}
	l, err := listen(ctx, name, access) // a browser would be given access.URL()
	if err != nil {
		return nil, err
	}
	t.all = append(t.all, l)
	return l, t.say(fmt.Sprintf("%s connects to %s as %s", name, access, l.id), nil)
}

// hangUp ends the connections that are still open.
func (t *tour) hangUp() {
	for _, l := range t.all {
		_ = l.conn.CloseNow()
	}
}

func (t *tour) tokens(ctx context.Context) (err error) {
	if t.guest, err = t.connect(ctx, "guest", nil); err != nil {
		return err
	}
	if err := t.guest.join(ctx, t.out, room); err != nil {
		return err
	}
	if t.ann, err = t.connect(ctx, "ann", &service.ClientAccessOptions{UserID: "ann"}); err != nil {
		return err
	}
	t.bob, err = t.connect(ctx, "bob", &service.ClientAccessOptions{
		UserID: "bob",
		Roles:  []string{"webpubsub.joinLeaveGroup", "webpubsub.sendToGroup", "webpubsub.sendToGroup." + room},
	})
	if err != nil {
		return err
	}
	if err := t.bob.join(ctx, t.out, room); err != nil {
		return err
	}
	t.admin, err = t.connect(ctx, "admin", &service.ClientAccessOptions{
		UserID: "admin", Groups: []string{room}, Lifetime: 60 * time.Minute,
	})
	return err
}

func (t *tour) send(ctx context.Context) error {
	everybody := t.client.All()
	err := everybody.SendJSON(ctx, map[string]string{"hello": "everybody"}, nil)
	if err := t.say("JSON to all", err); err != nil {
		return err
	}
	if err := t.hear(ctx, t.guest, t.ann, t.bob, t.admin); err != nil {
		return err
	}
	err = everybody.SendText(ctx, "hello, all", nil)
	if err := t.say("text to all", err); err != nil {
		return err
	}
	if err := t.hear(ctx, t.guest, t.ann, t.bob, t.admin); err != nil {
		return err
	}
	err = t.client.User("ann").SendText(ctx, "hello, ann", nil)
	if err := t.say("text to user ann", err); err != nil {
		return err
	}
	if err := t.hear(ctx, t.ann); err != nil {
		return err
	}
	err = t.client.Connection(t.guest.id).SendText(ctx, "hello, whoever you are", nil)
	if err := t.say("text to the guest's connection", err); err != nil {
		return err
	}
	if err := t.hear(ctx, t.guest); err != nil {
		return err
	}
	notAdmin := filter.UserID().Ne("admin")
	err = everybody.SendText(ctx, "not for admin", &service.SendOptions{Filter: notAdmin})
	if err := t.say("text to all with filter "+notAdmin.String(), err); err != nil {
		return err
	}
	return t.hear(ctx, t.guest, t.ann, t.bob) // what admin hears next is in the group
}

func (t *tour) group(ctx context.Context) error {
	g := t.client.Group(room)
	if err := t.say("add user ann", g.AddUser(ctx, "ann")); err != nil {
		return err
	}
	if err := t.say("add the guest's connection", g.AddConnection(ctx, t.guest.id)); err != nil {
		return err
	}
	members := 0
	for _, err := range g.Connections(ctx, nil) {
		if err != nil {
			return err
		}
		members++
	}
	if err := t.say(fmt.Sprintf("members: %d", members), nil); err != nil {
		return err
	}
	err := g.SendJSON(ctx, map[string]int{"members": members}, nil)
	if err := t.say("JSON to the group", err); err != nil {
		return err
	}
	if err := t.hear(ctx, t.guest, t.ann, t.bob, t.admin); err != nil {
		return err
	}
	if err := t.say("remove user ann", g.RemoveUser(ctx, "ann")); err != nil {
		return err
	}
	if err := t.say("remove the guest's connection", g.RemoveConnection(ctx, t.guest.id)); err != nil {
		return err
	}
	if err := t.say("text to the group", g.SendText(ctx, "the rest of us", nil)); err != nil {
		return err
	}
	if err := t.hear(ctx, t.bob, t.admin); err != nil {
		return err
	}
	err = g.CloseConnections(ctx, &service.CloseOptions{Reason: "the room closes"})
	if err := t.say("close all in the group", err); err != nil {
		return err
	}
	return t.farewell(ctx, t.bob, t.admin)
}

func (t *tour) exists(ctx context.Context) error {
	for _, question := range []struct {
		what string
		ask  func(context.Context) (bool, error)
	}{
		{"the guest's connection", t.client.Connection(t.guest.id).Exists},
		{"user ann", t.client.User("ann").Exists},
		{"user nobody", t.client.User("nobody").Exists},
	} {
		there, err := question.ask(ctx)
		if err := t.say(fmt.Sprintf("%s exists: %t", question.what, there), err); err != nil {
			return err
		}
	}
	return nil
}

func (t *tour) close(ctx context.Context) error {
	err := t.client.Connection(t.guest.id).Close(ctx, &service.CloseOptions{Reason: "guests leave at ten"})
	if err := t.say("close the guest's connection", err); err != nil {
		return err
	}
	if err := t.farewell(ctx, t.guest); err != nil {
		return err
	}
	phone, err := t.connect(ctx, "ann's phone", &service.ClientAccessOptions{UserID: "ann"})
	if err != nil {
		return err
	}
	if err := t.say("close all of user ann", t.client.User("ann").CloseConnections(ctx, nil)); err != nil {
		return err
	}
	return t.farewell(ctx, t.ann, phone)
}
