package prove

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// client is a client like a tab of the browser.
type client struct {
	number int
	url    string // of the chat
	room   string

	conn   *websocket.Conn
	ackID  uint64
	acks   chan ack // of the current connection; closed when it has ended
	reader sync.WaitGroup

	heard    map[string]struct{} // ids of messages
	repeated int                 // messages that came again
}

type ack struct {
	ID      uint64 `json:"ackId"`
	Success bool   `json:"success"`
	Error   struct {
		Name string `json:"name"`
	} `json:"error"`
}

var (
	errRefused = errors.New("the event failed")
	errCut     = errors.New("the connection has ended")
)

// patience is how long a client waits for an answer. The service delivers an event up to
// four times, and waits for each answer.
const patience = 2 * time.Minute

// enter logs in, connects, and goes from the lobby to the client's room. It tries again if
// a replica dies meanwhile, as the page does.
func (c *client) enter(ctx context.Context) (err error) {
	for range 10 {
		if err = c.connect(ctx); err == nil {
			err = c.raise(ctx, "leave", room{"lobby"})
		}
		if err == nil {
			err = c.raise(ctx, "join", room{c.room})
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		c.close()
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return fmt.Errorf("client %d cannot enter: %w", c.number, err)
}

type room struct {
	Room string `json:"room"`
}

func (c *client) connect(ctx context.Context) error {
	login, err := json.Marshal(map[string]string{
		"nickname": fmt.Sprintf("guest %d", c.number), "secret": strings.Repeat("s", 32) + fmt.Sprint(c.number),
	})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/login", bytes.NewReader(login))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("login: %s", res.Status)
	}
	var admitted struct{ URL string }
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<16)).Decode(&admitted); err != nil {
		return err
	}
	//nolint:bodyclose // of a handshake that succeeded
	conn, _, err := websocket.Dial(ctx, admitted.URL, &websocket.DialOptions{Subprotocols: []string{"json.webpubsub.azure.v1"}})
	if err != nil {
		return err
	}
	conn.SetReadLimit(1 << 20)
	c.conn, c.acks = conn, make(chan ack, 1)
	acks := c.acks
	c.reader.Go(func() { c.read(ctx, conn, acks) })
	return nil
}

// read reads until the connection ends.
func (c *client) read(ctx context.Context, conn *websocket.Conn, acks chan<- ack) {
	defer close(acks)
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var frame struct {
			Type string
			ack
			Data json.RawMessage
		}
		if json.Unmarshal(data, &frame) != nil {
			continue
		}
		switch frame.Type {
		case "ack":
			acks <- frame.ack
		case "message":
			c.hear(frame.Data)
		}
	}
}

func (c *client) hear(data []byte) {
	var notice struct{ Type, ID string }
	if json.Unmarshal(data, &notice) != nil || notice.Type != "said" {
		return
	}
	if _, again := c.heard[notice.ID]; again {
		c.repeated++
	}
	c.heard[notice.ID] = struct{}{}
}

// raise sends an event and waits for its ack.
func (c *client) raise(ctx context.Context, event string, payload any) error {
	c.ackID++
	request, err := json.Marshal(map[string]any{"type": "event", "event": event, "ackId": c.ackID, "dataType": "json", "data": payload})
	if err != nil {
		return err
	}
	if err := c.conn.Write(ctx, websocket.MessageText, request); err != nil {
		return err
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		select {
		case a, ok := <-c.acks:
			switch {
			case !ok:
				return errCut
			case a.ID != c.ackID:
			case !a.Success:
				return fmt.Errorf("%w: %s", errRefused, a.Error.Name)
			default:
				return nil
			}
		case <-limit.C:
			return fmt.Errorf("no ack after %v", patience)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// close ends the connection.
func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close(websocket.StatusNormalClosure, "") // an error would say that it had ended
		c.reader.Wait()
		c.conn = nil
	}
}
