package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/service"
)

// listener is a connected client of json.webpubsub.azure.v1.
type listener struct {
	name  string
	id    string // of its connection
	conn  *websocket.Conn
	heard chan frame // received and not yet read by next; closed at the end
	end   error      // why the connection ended; set before heard is closed
}

// memory is the capacity of heard: more than the tour sends.
const memory = 100

// frame is a frame from the service.
type frame struct {
	Event        string // of the connection: connected, disconnected
	ConnectionID string
	Message      string

	From     string // of a message: server, group
	Group    string
	Data     json.RawMessage
	DataType string

	Success bool // of the answer to a request
	Error   struct{ Name string }
}

// listen connects a client. In a browser, it would be new WebSocket(access.URL()).
func listen(ctx context.Context, name string, access service.ClientAccess) (*listener, error) {
	opts := &websocket.DialOptions{Subprotocols: []string{"json.webpubsub.azure.v1"}}
	conn, _, err := websocket.Dial(ctx, access.URL(), opts) //nolint:bodyclose // Dial's documentation: never needed
	if err != nil {
		// The cause contains the URL, and thereby the token.
		return nil, fmt.Errorf("%s cannot connect to %s", name, access.BaseURL())
	}
	l := &listener{name: name, conn: conn, heard: make(chan frame, memory)}
	go l.run(ctx)
	greeting, err := l.next()
	if err != nil {
		l.hangUp()
		return nil, err
	}
	l.id = greeting.ConnectionID
	return l, nil
}

// run reads continuously: without reads, the connection answers no pings, and the
// service closes it.
func (l *listener) run(ctx context.Context) {
	defer close(l.heard)
	for {
		var f frame
		_, data, err := l.conn.Read(ctx)
		if err == nil {
			err = json.Unmarshal(data, &f)
		}
		if err != nil {
			l.end = err
			return
		}
		l.heard <- f
	}
}

// hangUp closes the connection and waits until run has returned.
func (l *listener) hangUp() {
	_ = l.conn.CloseNow()
	for range l.heard {
		continue
	}
}

func (l *listener) next() (frame, error) {
	f, open := <-l.heard
	if !open {
		return frame{}, fmt.Errorf("%s: %w", l.name, l.end)
	}
	return f, nil
}

// hear prints the next message, or why the connection ends.
func (l *listener) hear(out io.Writer) error {
	f, err := l.next()
	if err != nil {
		return err
	}
	switch {
	case f.Event == "disconnected":
		_, end := l.next()
		fmt.Fprintf(out, "  %s is told: %s (%v)\n", l.name, f.Message, websocket.CloseStatus(end))
	case f.Group != "":
		fmt.Fprintf(out, "  %s hears in %s: %s %s\n", l.name, f.Group, f.DataType, f.Data)
	default:
		fmt.Fprintf(out, "  %s hears from the %s: %s %s\n", l.name, f.From, f.DataType, f.Data)
	}
	return nil
}

// join asks to join a group and prints the answer.
func (l *listener) join(ctx context.Context, out io.Writer, group string) error {
	request, err := json.Marshal(map[string]any{"type": "joinGroup", "group": group, "ackId": 1})
	if err != nil {
		return err
	}
	if err := l.conn.Write(ctx, websocket.MessageText, request); err != nil {
		return err
	}
	f, err := l.next()
	if err != nil {
		return err
	}
	result := "yes"
	if !f.Success {
		result = f.Error.Name
	}
	fmt.Fprintf(out, "  may %s join %s? %s\n", l.name, group, result)
	return nil
}
