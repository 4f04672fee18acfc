package trigger

import (
	"slices"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Connection is a client's connection: what its events have in common, and the state,
// cookies and user id that answers set. It is not safe for concurrent use.
type Connection struct {
	ID          string
	UserID      string
	Subprotocol string

	physical, session string // ids of an MQTT client
	upstream.Session
}

// NewConnection returns a connection. An empty id is a new one.
func NewConnection(id, userID string) *Connection {
	if id == "" {
		id = upstream.NewConnectionID()
	}
	return &Connection{ID: id, UserID: userID}
}

// SpeakMQTT makes the connection that of an MQTT client, whose events have ids of a
// session and a network connection too.
func (c *Connection) SpeakMQTT() {
	if c.mqtt() {
		return
	}
	c.Subprotocol = wire.SubprotocolMQTT
	c.physical, c.session = upstream.NewConnectionID(), upstream.NewConnectionID()
}

func (c *Connection) mqtt() bool { return c.physical != "" }

// again returns a copy for another event, without what answers have set.
func (c *Connection) again(id string) *Connection {
	return &Connection{ID: id, UserID: c.UserID, Subprotocol: c.Subprotocol, physical: c.physical, session: c.session}
}

// describe sets the attributes of the connection.
func (c *Connection) describe(out *upstream.Event, kind Kind) {
	out.ConnectionID, out.UserID, out.Subprotocol = c.ID, c.UserID, c.Subprotocol
	out.PhysicalConnectionID = c.physical
	if kind != Connect { // there is no MQTT session yet
		out.SessionID = c.session
	}
}

// accept applies the answer to a connect event.
func (c *Connection) accept(answer *upstream.ConnectAnswer, ev *Event) (upstream.Grant, error) {
	subprotocol, err := answer.Negotiate(ev.Subprotocols)
	if err != nil {
		return upstream.Grant{}, err
	}
	grant := answer.Apply(upstream.Grant{
		UserID: c.UserID,
		Groups: slices.Clone(ev.Claims["webpubsub.group"]),
		Roles:  slices.Clone(ev.Claims["role"]),
	})
	c.UserID = grant.UserID
	if !c.mqtt() {
		c.Subprotocol = subprotocol
	}
	return grant, nil
}
