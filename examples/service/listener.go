package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/service"
)

// listener is a live client that speaks json.webpubsub.azure.v1.
type listener struct {
	name  string
	id    string // of its connection
	conn  *websocket.Conn
	heard chan frame // that nobody has asked for yet; closed at the end
	end   error      // why the connection ended, once heard is closed
}

// memory is how much a listener hears before somebody asks: more than all that is
// sent on the tour.
const memory = 100

// frame is what the service sends to clients of the subprotocol.
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

// listen connects a client. A browser would be given access.URL().
func listen(ctx context.Context, name string, access service.ClientAccess) (*listener, error) {
	opts := &websocket.DialOptions{Subprotocols: []string{"json.webpubsub.azure.v1"}}
	conn, _, err := websocket.Dial(ctx, access.URL(), opts) //nolint:bodyclose // Dial's documentation: never needed
	if err != nil {
		// The cause names the URL, and thereby the token.
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

// run reads all the time: a connection that nobody reads answers no pings, and
// the service takes it for dead.
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

// hangUp ends the connection, and waits until nothing reads it any more.
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

// hear prints what comes next: a message, or why the connection ends.
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

// join asks to be in a group, and prints the answer.
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
