package httptest

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// Client is who wants to connect: what its token says and what it brings along.
// The zero value is an anonymous client.
type Client struct {
	// UserID, Groups and Roles of its token. The handler sees them as the claims
	// "sub", "webpubsub.group" and "role", and the user also as [webpubsub.Meta.UserID].
	UserID string
	Groups []string
	Roles  []string
	// Claims (claims) of the token beyond those, or instead of those.
	Claims map[string][]string
	// Query (query) of the client's URL.
	Query url.Values
	// Headers (headers) of the client's handshake.
	Headers map[string][]string
	// Subprotocols (subprotocols) that the client offers.
	Subprotocols []string
	// Certificates (clientCertificates) that the client presents.
	Certificates []webpubsub.ClientCertificate
	// ConnectionID of the connection; empty is a new one.
	ConnectionID string
}

// claims are all claims of the client's token.
func (c *Client) claims() map[string][]string {
	out := make(map[string][]string, len(c.Claims)+3)
	if c.UserID != "" {
		out["sub"] = []string{c.UserID}
	}
	if len(c.Groups) > 0 {
		out["webpubsub.group"] = c.Groups
	}
	if len(c.Roles) > 0 {
		out["role"] = c.Roles
	}
	maps.Copy(out, c.Claims)
	return out
}

// request returns the body of the client's connect event.
func (c *Client) request() upstream.ConnectRequest {
	body := upstream.ConnectRequest{Claims: c.claims(), Query: c.Query, Headers: c.Headers, Subprotocols: c.Subprotocols}
	for _, cert := range c.Certificates {
		body.ClientCertificates = append(body.ClientCertificates, upstream.ClientCertificate(cert))
	}
	return body
}

// ConnectReply is a handler's successful answer to a connect event, as it
// stands on the wire; [Conn] has what follows from it.
type ConnectReply struct {
	// Status of the answer, any 2xx.
	Status int
	// UserID (userId); nil, absent or null, keeps the token's, "" clears it.
	UserID *string
	// Groups (groups); nil and empty keep the token's.
	Groups []string
	// Roles (roles); nil keeps the token's, empty clears them.
	Roles []string
	// Subprotocol (subprotocol); nil leaves the choice to the service.
	Subprotocol *string
	// MQTTUserProperties (mqtt.userProperties) of the CONNACK packet.
	MQTTUserProperties []mqtt.UserProperty
	// State (ce-connectionState); nil sets none.
	State *string
}

// Connect raises the connect event of a client; nil is an anonymous one. If the
// handler accepts it, the connection is as its answer says; [Conn.Connected]
// has to be called to raise the next event.
//
// The error is a [*RejectedError], [*InvalidAnswerError] or [*DeliveryError];
// [StatusOf] tells what the client sees of it.
func (s *Service) Connect(ctx context.Context, client *Client) (*Conn, error) {
	var cl Client
	if client != nil {
		cl = *client
	}
	conn := &Conn{ID: or(cl.ConnectionID, newID()), UserID: cl.UserID, svc: s}
	if err := conn.connect(ctx, &cl, cl.request()); err != nil {
		return nil, err
	}
	return conn, nil
}

// connect raises the connect event and applies the answer.
func (c *Conn) connect(ctx context.Context, client *Client, body upstream.ConnectRequest) error {
	data, err := body.Encode()
	if err != nil {
		return fmt.Errorf("httptest: encode connect event: %w", err)
	}
	_, err = c.raise(ctx, Event{Type: wire.TypeConnect, Name: wire.NameConnect, Data: data}, func(answer *upstream.Answer) (*Message, error) {
		decoded, err := upstream.DecodeConnect(answer)
		if err != nil {
			return nil, err
		}
		subprotocol, err := decoded.Negotiate(client.Subprotocols)
		if err != nil {
			return nil, err
		}
		grant := decoded.Apply(upstream.Grant{
			UserID: client.UserID,
			Groups: slices.Clone(client.Groups),
			Roles:  slices.Clone(client.Roles),
		})
		c.accept(answer, decoded, grant, subprotocol)
		return nil, nil
	})
	return err
}

// accept fills in the connection. A connect event that is delivered once more
// finds it filled in already, and others may be reading it.
func (c *Conn) accept(answer *upstream.Answer, decoded *upstream.ConnectAnswer, grant upstream.Grant, subprotocol string) {
	if c.accepted {
		return
	}
	c.accepted = true
	c.UserID, c.Groups, c.Roles, c.Subprotocol = grant.UserID, grant.Groups, grant.Roles, subprotocol
	c.Reply = ConnectReply{
		Status:             answer.Status,
		UserID:             decoded.UserID,
		Groups:             decoded.Groups,
		Roles:              decoded.Roles,
		Subprotocol:        decoded.Subprotocol,
		MQTTUserProperties: decoded.MQTTUserProperties,
	}
	if state, ok := answer.State(); ok {
		c.Reply.State = &state
	}
}
