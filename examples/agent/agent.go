package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/service"
)

// Notice is a message from the chat.
type Notice struct {
	Type       string // said, joined, left, renamed or room
	Room       string
	Connection string // of the person
	Name       string
	Text       string
	Error      struct{ Message string } // refusal of an event; all other fields are empty then
}

// agent is the agent's part in the chat.
type agent struct {
	client  *client.Client
	service *service.Client
	name    string
	room    string
	model   Model
	out     *log.Logger
	failed  chan error
	answers sync.WaitGroup
}

// newAgent returns an agent whose client is not started. Its answers end with ctx.
func newAgent(ctx context.Context, d *login, hub *service.Client, room string, model Model, out *log.Logger) (*agent, error) {
	c, err := client.New(d.open, nil)
	if err != nil {
		return nil, err
	}
	a := &agent{
		client: c, service: hub, name: d.name, room: room,
		model: model, out: out, failed: make(chan error, 2),
	}
	c.OnNewConnection(a.enter)
	c.OnStopped(func(_ context.Context, ev client.StoppedEvent) { a.fail(ev.Err) })
	stop := func() {} // the answer in progress
	client.OnGroupJSON(c, room, func(_ context.Context, _ *client.GroupMessage, n Notice) {
		question, ok := strings.CutPrefix(n.Text, "@"+a.name+" ")
		if n.Type != "said" || !ok {
			return
		}
		stop()
		if question = strings.TrimSpace(question); question == "stop" {
			return
		}
		answer, cancel := context.WithCancel(ctx)
		stop = cancel
		a.answers.Go(func() {
			defer cancel()
			a.answer(answer, n.Name, question)
		})
	})
	return a, nil
}

// enter permits a new connection to send to the room, and enters it.
func (a *agent) enter(ctx context.Context, ev client.ConnectedEvent) {
	if err := a.service.Connection(ev.ConnectionID).Grant(ctx, service.SendToGroup, a.room); err != nil {
		a.fail(err)
		return
	}
	data, err := a.client.InvokeEvent(ctx, "join", client.JSON(map[string]string{"room": a.room}), nil)
	var n Notice
	if err == nil && data.Type() == client.DataJSON {
		err = data.Decode(&n)
	}
	switch {
	case err != nil:
		a.fail(err)
	case n.Error.Message != "":
		a.fail(errors.New(n.Error.Message))
	default:
		a.out.Printf("in %s as %s", a.room, a.name)
	}
}

// answer streams the model's answer to the room.
func (a *agent) answer(ctx context.Context, person, question string) {
	err := a.client.StreamText(ctx, a.room, func(ctx context.Context, w *client.TextWriter) error {
		return w.WriteAll(a.model(ctx, question))
	}, nil)
	switch {
	case ctx.Err() != nil:
		a.out.Printf("stopped: %q", person)
	case err != nil:
		a.out.Printf("failed: %q: %v", person, err)
	default:
		a.out.Printf("answered: %q", person)
	}
}

// fail ends the agent.
func (a *agent) fail(err error) {
	select {
	case a.failed <- fmt.Errorf("chat unavailable: %w", err):
	default: // it is ending
	}
}

// close closes the connection and waits for all answers.
func (a *agent) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = a.client.Stop(ctx)
	a.answers.Wait()
}
