//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/coder/websocket"
)

// bare is a client by hand: loops over the WebSocket library and encoding/json, without
// recovery, acknowledgement, keep-alive, queue or callbacks.
type bare struct {
	address string
	conns   []*websocket.Conn
	got     *tally
	lastID  uint64
}

// frame is a frame of the subprotocol.
type frame struct {
	Type     string          `json:"type"`
	Event    string          `json:"event,omitempty"`
	Group    string          `json:"group,omitempty"`
	AckID    uint64          `json:"ackId,omitempty"`
	Success  bool            `json:"success,omitempty"`
	DataType string          `json:"dataType,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"`
}

func newBare(address string) *bare { return &bare{address: address, got: newTally()} }

func (b *bare) jobs() map[string]job {
	return map[string]job{"open": b.open, "listen": b.listen, "receive": b.got.wait, "forget": b.forget, "ack": b.ack}
}

func dialBare(ctx context.Context, address string) (*websocket.Conn, error) {
	ws, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{Subprotocols: []string{"json.webpubsub.azure.v1"}}) //nolint:bodyclose // the library closes it
	if err != nil {
		return nil, err
	}
	f, err := readFrame(ctx, ws)
	if err == nil && f.Event != "connected" {
		err = fmt.Errorf("first frame is %+v", f)
	}
	return ws, err
}

func readFrame(ctx context.Context, ws *websocket.Conn) (f frame, err error) {
	_, data, err := ws.Read(ctx)
	if err != nil {
		return f, err
	}
	err = json.Unmarshal(data, &f)
	return f, err
}

func writeFrame(ctx context.Context, ws *websocket.Conn, f *frame) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return ws.Write(ctx, websocket.MessageText, data)
}

// open opens clients that wait for a frame.
func (b *bare) open(ctx context.Context, numbers []int) error {
	for range numbers[0] {
		ws, err := dialBare(ctx, b.address)
		if err != nil {
			return err
		}
		go func() { _, _ = readFrame(ctx, ws) }()
		b.conns = append(b.conns, ws)
	}
	return nil
}

// listen reads messages.
func (b *bare) listen(ctx context.Context, _ []int) error {
	ws, err := dialBare(ctx, b.address)
	if err != nil {
		return err
	}
	go func() {
		for {
			f, err := readFrame(ctx, ws)
			if err != nil {
				return
			}
			b.got.add(string(f.Data))
		}
	}()
	return nil
}

// sender returns the connection that sends, and reads only acks.
func (b *bare) sender(ctx context.Context) (*websocket.Conn, error) {
	if len(b.conns) == 0 {
		ws, err := dialBare(ctx, b.address)
		if err != nil {
			return nil, err
		}
		b.conns = append(b.conns, ws)
	}
	return b.conns[0], nil
}

// forget sends messages that are not acknowledged.
func (b *bare) forget(ctx context.Context, numbers []int) error {
	ws, err := b.sender(ctx)
	for n := 0; err == nil && n < numbers[0]; n++ {
		err = writeFrame(ctx, ws, &frame{Type: "sendToGroup", Group: sinkGroup, DataType: "json", Data: json.RawMessage(messageBody)})
	}
	return err
}

// ack sends messages, some at a time, and reads their acks.
func (b *bare) ack(ctx context.Context, numbers []int) error {
	all, together := numbers[0], numbers[1]
	ws, err := b.sender(ctx)
	if err != nil {
		return err
	}
	for range all / together {
		missing := make(map[uint64]bool, together)
		for range together {
			b.lastID++
			missing[b.lastID] = true
			err := writeFrame(ctx, ws, &frame{Type: "sendToGroup", Group: sinkGroup, AckID: b.lastID, DataType: "json", Data: json.RawMessage(messageBody)})
			if err != nil {
				return err
			}
		}
		for len(missing) > 0 {
			f, err := readFrame(ctx, ws)
			switch {
			case err != nil:
				return err
			case f.Type != "ack" || !f.Success || !missing[f.AckID]:
				return errors.New("a frame is not an ack of a message")
			}
			delete(missing, f.AckID)
		}
	}
	return nil
}
