package httptest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// Conn is a client's connection. Its methods raise the connection's events and are
// safe for concurrent use; its fields do not change.
type Conn struct {
	// ID (ce-connectionId) of the connection.
	ID string
	// UserID (ce-userId) of the connection, after the handler's answer.
	UserID string
	// Groups that the connection is in at first, after the handler's answer.
	Groups []string
	// Roles of the connection, after the handler's answer.
	Roles []string
	// Subprotocol (ce-subprotocol) that was negotiated; empty if none.
	Subprotocol string
	// Reply is the handler's answer to the connect event.
	Reply ConnectReply

	svc      *Service
	mqtt     *mqttIDs
	accepted bool
	session  upstream.Session

	mu        sync.Mutex
	connected bool
	closed    bool
	last      *delivery
}

// delivery is an event and how its answer is read, kept for Redeliver.
type delivery struct {
	event  string
	req    *http.Request
	decode decodeFunc
}

// decodeFunc returns the message in a successful answer. If it returns an error,
// the answer's state and cookies are dropped.
type decodeFunc func(*upstream.Answer) (*Message, error)

// State returns the connection's state (ce-connectionState), which the last
// successful answer to a connect or user event set; ok is false if none did.
func (c *Conn) State() (state string, ok bool) {
	return c.session.State()
}

// Connected raises the connected event. It returns an error if it has been called
// before, since the service raises the event once.
func (c *Conn) Connected(ctx context.Context) error {
	c.mu.Lock()
	again := c.connected
	c.connected = true
	c.mu.Unlock()
	if again {
		return errors.New("httptest: connected event raised before")
	}
	return c.notify(ctx, Event{Type: wire.TypeConnected, Name: wire.NameConnected, Data: []byte("{}")})
}

// JoinedGroup raises the event that the connection joined a group. It does not
// change [Conn.Groups].
func (c *Conn) JoinedGroup(ctx context.Context, group string) error {
	return c.presence(ctx, wire.TypeGroupJoined, wire.NameJoined, group)
}

// LeftGroup raises the event that the connection left a group.
func (c *Conn) LeftGroup(ctx context.Context, group string) error {
	return c.presence(ctx, wire.TypeGroupLeft, wire.NameLeft, group)
}

func (c *Conn) presence(ctx context.Context, typ, name, group string) error {
	data, err := json.Marshal(upstream.GroupPresence{Group: group})
	if err != nil {
		return fmt.Errorf("httptest: encode %s event: %w", name, err)
	}
	return c.notify(ctx, Event{Type: typ, Name: name, Data: data})
}

// Disconnect raises the disconnected event and closes the connection. All further
// events return [ErrClosed], except for the connected event, which may arrive
// late. An empty reason is sent as null.
func (c *Conn) Disconnect(ctx context.Context, reason string) error {
	return c.disconnect(ctx, reason, nil)
}

func (c *Conn) disconnect(ctx context.Context, reason string, end *mqtt.Disconnect) error {
	if end == nil && c.mqtt != nil {
		end = new(mqtt.Disconnect)
	}
	body := upstream.Disconnected{MQTT: end}
	if reason != "" {
		body.Reason = &reason
	}
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("httptest: encode disconnected event: %w", err)
	}
	return c.notify(ctx, Event{Type: wire.TypeDisconnected, Name: wire.NameDisconnected, Data: data})
}

// notify raises an event whose answer changes nothing but cookies.
func (c *Conn) notify(ctx context.Context, ev Event) error {
	_, err := c.raise(ctx, ev, nil)
	return err
}

// Redeliver delivers the last event of the connection once more, unchanged, as
// the service does if it did not receive the first answer: with the same id
// (ce-id), x-ms-client-request-id, state and cookies. The answer counts like any
// other, and for a user event Redeliver returns its message. The fields of c do
// not change.
func (c *Conn) Redeliver(ctx context.Context) (*Message, error) {
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	if last == nil {
		return nil, errors.New("httptest: no event raised yet")
	}
	return c.deliver(ctx, last)
}

// raise sends an event with the connection's attributes. If decode is nil, the
// answer does not change the state.
func (c *Conn) raise(ctx context.Context, ev Event, decode decodeFunc) (*Message, error) {
	d, err := c.prepare(ctx, ev, decode)
	if err != nil {
		return nil, err
	}
	return c.deliver(ctx, d)
}

// prepare makes the request. It holds the lock, so that ids are in the order in
// which events are raised.
func (c *Conn) prepare(ctx context.Context, ev Event, decode decodeFunc) (*delivery, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed && ev.Type != wire.TypeConnected {
		return nil, fmt.Errorf("httptest: %s event of connection %q: %w", excerpt.Line(ev.Name, maxName), c.ID, ErrClosed)
	}
	ev.ConnectionID, ev.UserID, ev.Subprotocol = c.ID, c.UserID, c.Subprotocol
	if state, ok := c.session.State(); ok {
		ev.State = &state
	}
	if c.mqtt != nil {
		c.mqtt.describe(&ev)
	}
	req, err := c.svc.NewRequest(ctx, ev)
	if err != nil {
		return nil, err
	}
	req.Header[wire.HeaderID] = []string{c.session.EventID(ev.Type)} // an event that cannot be written has no id
	c.session.AddCookies(req)
	if ev.Type == wire.TypeDisconnected {
		c.closed = true
	}
	c.last = &delivery{event: ev.Name, req: req, decode: decode}
	return c.last, nil
}

func (c *Conn) deliver(ctx context.Context, d *delivery) (*Message, error) {
	answer, err := c.svc.sender.Send(ctx, d.req, upstream.EventTimeout)
	if err != nil {
		return nil, wrapError(d.event, err)
	}
	if !answer.OK() {
		return nil, &RejectedError{Event: d.event, Status: answer.Status, Header: answer.Header, Body: answer.Body, Attempts: answer.Attempts}
	}
	if d.decode == nil {
		c.session.KeepCookies(d.req.URL, answer)
		return nil, nil
	}
	msg, err := d.decode(answer)
	if err != nil {
		return nil, wrapError(d.event, err)
	}
	c.session.Keep(d.req.URL, answer)
	return msg, nil
}
