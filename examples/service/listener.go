package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/service"
)

// listener is a connected client.
type listener struct {
	name   string
	id     string // of its connection
	client *client.Client
	heard  chan string // what it received and hear has not printed
}

// memory is the capacity of heard: more than the tour sends.
const memory = 100

// listen connects a client. In a browser, it would be new WebSocket(access.URL()).
func listen(ctx context.Context, name string, access service.ClientAccess) (*listener, error) {
	c, err := client.New(client.StaticURL(access.URL()), &client.Options{Protocol: client.ProtocolJSON, DisableAutoReconnect: true})
	if err != nil {
		return nil, err
	}
	l := &listener{name: name, client: c, heard: make(chan string, memory)}
	c.OnServerMessage(func(_ context.Context, m *client.ServerMessage) {
		l.heard <- fmt.Sprintf("hears from the server: %v %s", m.Data.Type(), m.Data)
	})
	c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
		l.heard <- fmt.Sprintf("hears in %s: %v %s", m.Group, m.Data.Type(), m.Data)
	})
	c.OnDisconnected(func(_ context.Context, ev client.DisconnectedEvent) {
		l.heard <- fmt.Sprintf("is disconnected: %s (%d)", ev.Message, ev.CloseCode)
	})
	if err := c.Start(ctx); err != nil {
		l.hangUp(ctx)
		return nil, err
	}
	l.id = c.ConnectionID()
	return l, nil
}

// hangUp closes the connection and waits for the client's goroutines.
func (l *listener) hangUp(ctx context.Context) { _ = l.client.Stop(context.WithoutCancel(ctx)) }

// hear prints the next message, or why the connection ended.
func (l *listener) hear(ctx context.Context, out io.Writer) error {
	select {
	case text := <-l.heard:
		fmt.Fprintf(out, "  %s %s\n", l.name, text)
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s hears nothing: %w", l.name, ctx.Err())
	}
}

// join asks to join a group and prints the answer.
func (l *listener) join(ctx context.Context, out io.Writer, group string) error {
	_, err := l.client.JoinGroup(ctx, group, nil)
	result := "yes"
	if errors.Is(err, client.ErrForbidden) {
		result, err = "no", nil
	}
	fmt.Fprintf(out, "  may %s join %s? %s\n", l.name, group, result)
	return err
}
