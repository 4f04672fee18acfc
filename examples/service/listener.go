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
	name string
	id   string // of its connection
	conn *websocket.Conn
}

// frame is what the service sends to clients of the subprotocol.
type frame struct {
	Type         string          `json:"type"`
	Event        string          `json:"event"`
	ConnectionID string          `json:"connectionId"`
	From         string          `json:"from"`
	Group        string          `json:"group"`
	Data         json.RawMessage `json:"data"`
	DataType     string          `json:"dataType"`
	Message      string          `json:"message"`
	Success      bool            `json:"success"`
	Error        *struct{ Name string }
}

func listen(ctx context.Context, name string, access service.ClientAccess) (*listener, error) {
	opts := &websocket.DialOptions{Subprotocols: []string{"json.webpubsub.azure.v1"}}
	conn, _, err := websocket.Dial(ctx, access.URL(), opts) //nolint:bodyclose // Dial's documentation: never needed
	if err != nil {
		// The cause names the URL, and thereby the token.
		return nil, fmt.Errorf("%s cannot connect to %s", name, access.BaseURL())
	}
	l := &listener{name: name, conn: conn}
	f, err := l.next(ctx)
	if err == nil && f.Event != "connected" {
		err = fmt.Errorf("greeted by %q", f.Type)
	}
	if err != nil {
		_ = conn.CloseNow()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	l.id = f.ConnectionID
	return l, nil
}

func (l *listener) next(ctx context.Context) (frame, error) {
	var f frame
	_, data, err := l.conn.Read(ctx)
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(data, &f)
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
	f, err := l.next(ctx)
	if err != nil {
		return err
	}
	result := "joined"
	if !f.Success && f.Error != nil {
		result = f.Error.Name
	}
	_, err = fmt.Fprintf(out, "  %s joins %s: %s\n", l.name, group, result)
	return err
}

// hear prints the next message.
func (l *listener) hear(ctx context.Context, out io.Writer) error {
	f, err := l.next(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	from := f.From
	if f.Group != "" {
		from += " " + f.Group
	}
	_, err = fmt.Fprintf(out, "  %s hears from %s: %s %s\n", l.name, from, f.DataType, f.Data)
	return err
}

// farewell prints why the connection is closed, and waits until it is.
func (l *listener) farewell(ctx context.Context, out io.Writer) error {
	f, err := l.next(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	if f.Event != "disconnected" {
		return fmt.Errorf("%s was sent %q before the end", l.name, f.Type)
	}
	_, err = l.next(ctx)
	if code := websocket.CloseStatus(err); code != websocket.StatusNormalClosure {
		return fmt.Errorf("%s: closed with code %d: %w", l.name, code, err)
	}
	_, err = fmt.Fprintf(out, "  %s is told: %s\n", l.name, f.Message)
	return err
}
