package httptest

import (
	"cmp"
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

// Client describes a client that connects: the claims of its token and its
// handshake. The zero value is an anonymous client.
type Client struct {
	// UserID, Groups and Roles of its token. The handler receives them as the claims
	// "sub", "webpubsub.group" and "role", and the user id as [webpubsub.Meta.UserID] too.
	UserID string
	Groups []string
	Roles  []string
	// Claims (claims) are further claims of the token. They replace those above if
	// they have the same name.
	Claims map[string][]string
	// Query (query) of the client's URL.
	Query url.Values
	// Headers (headers) of the client's handshake.
	Headers map[string][]string
	// Subprotocols (subprotocols) that the client offers.
	Subprotocols []string
	// Certificates (clientCertificates) that the client presents.
	Certificates []webpubsub.ClientCertificate
	// ConnectionID of the connection; defaults to a new one.
	ConnectionID string
}

// claims returns all claims of the client's token.
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

// ConnectReply is a handler's successful answer to a connect event, as received.
// The fields of [Conn] hold its effect.
type ConnectReply struct {
	// Status of the answer, any 2xx.
	Status int
	// UserID (userId); nil (absent or null) keeps the token's, "" clears it.
	UserID *string
	// Groups (groups); nil and empty keep the token's.
	Groups []string
	// Roles (roles); nil keeps the token's, empty clears them.
	Roles []string
	// Subprotocol (subprotocol); nil leaves the choice to the service.
	Subprotocol *string
	// MQTTUserProperties (mqtt.userProperties) of the CONNACK packet.
	MQTTUserProperties []mqtt.UserProperty
	// State (ce-connectionState); nil if the answer sets none.
	State *string
}

// Connect raises the connect event of a client and applies the handler's answer to
// the connection that it returns. A nil client is an anonymous one. Connect does
// not raise the connected event: call [Conn.Connected].
//
// The error is a [*RejectedError], [*InvalidAnswerError] or [*DeliveryError];
// [StatusOf] returns the status that the client gets.
func (s *Service) Connect(ctx context.Context, client *Client) (*Conn, error) {
	var cl Client
	if client != nil {
		cl = *client
	}
	conn := &Conn{ID: cmp.Or(cl.ConnectionID, upstream.NewConnectionID()), UserID: cl.UserID, svc: s}
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

// accept sets the connection's fields once. A connect event that is redelivered
// must not change them: other goroutines may be reading.
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
