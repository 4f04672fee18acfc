package service

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/golang-jwt/jwt/v5"
)

// DefaultLifetime of a client's token. Lifetimes are at least [MinLifetime]
// where the service makes the token.
const (
	DefaultLifetime = time.Hour
	MinLifetime     = time.Minute
)

// ClientProtocol is what a client speaks over its WebSocket.
type ClientProtocol uint8

// The protocols.
const (
	// ProtocolDefault is the service's own subprotocols, and none.
	ProtocolDefault ClientProtocol = iota
	// ProtocolMQTT is MQTT over WebSocket.
	ProtocolMQTT
)

// ClientAccessOptions describe the client that a token is for. Nil and the zero
// value are the defaults.
type ClientAccessOptions struct {
	// UserID (sub) of the client; empty: it has none.
	UserID string
	// Roles (role) of the client, such as "webpubsub.joinLeaveGroup" or
	// "webpubsub.sendToGroup.lobby".
	Roles []string
	// Groups (webpubsub.group) that the client starts in.
	Groups []string
	// Lifetime is how long the token can be used to connect; a connection outlives
	// it. Zero is [DefaultLifetime]. Tokens that the service makes last whole
	// minutes, rounded up.
	Lifetime time.Duration
	// Protocol that the client speaks.
	Protocol ClientProtocol
}

// ClientAccess lets a client connect. Its URL contains the token and is as
// secret; it does not print or log either.
type ClientAccess struct {
	// BaseURL to connect to, wss or ws, without token.
	BaseURL string
	// Token for the query parameter access_token or the Authorization header.
	Token string
}

// URL gives the address with the token in it, as browsers need it.
func (a ClientAccess) URL() string { return a.BaseURL + "?access_token=" + url.QueryEscape(a.Token) }

// String gives the address without the token.
func (a ClientAccess) String() string { return a.BaseURL }

// GoString is String.
func (a ClientAccess) GoString() string { return a.BaseURL }

// LogValue is String.
func (a ClientAccess) LogValue() slog.Value { return slog.StringValue(a.BaseURL) }

// ClientAccess makes a token for a client and the address to use it with. A
// client made with an access key signs it here; one with an Entra credential
// has the service make it.
func (c *Client) ClientAccess(ctx context.Context, opts *ClientAccessOptions) (ClientAccess, error) {
	var o ClientAccessOptions
	if opts != nil {
		o = *opts
	}
	if o.Lifetime == 0 {
		o.Lifetime = DefaultLifetime
	}
	if err := o.check(); err != nil {
		return ClientAccess{}, &Error{Operation: "GenerateClientToken", Message: err.Error(), Err: err}
	}
	var token string
	var err error
	if c.key != nil {
		token, err = c.signToken(o)
	} else {
		token, err = c.generateToken(ctx, o)
	}
	if err != nil {
		return ClientAccess{}, err
	}
	return ClientAccess{BaseURL: c.clientURL(o.Protocol), Token: token}, nil
}

func (o ClientAccessOptions) check() error {
	if o.Lifetime < MinLifetime {
		return fmt.Errorf("Lifetime is %v, want at least %v", o.Lifetime, MinLifetime)
	}
	if o.Protocol > ProtocolMQTT {
		return fmt.Errorf("Protocol is %d, want ProtocolDefault or ProtocolMQTT", o.Protocol)
	}
	for i, g := range o.Groups {
		if err := checkGroup(g); err != nil {
			return fmt.Errorf("Groups[%d]: %w", i, err)
		}
	}
	for i, r := range o.Roles {
		if strings.TrimSpace(r) == "" {
			return fmt.Errorf("Roles[%d] is blank", i)
		}
	}
	return nil
}

func clientPath(p ClientProtocol, hub string) string {
	if p == ProtocolMQTT {
		return "/clients/mqtt/hubs/" + url.PathEscape(hub)
	}
	return "/client/hubs/" + url.PathEscape(hub)
}

// clientURL is where clients connect: the proxy, if there is one.
func (c *Client) clientURL(p ClientProtocol) string {
	base := c.endpoint
	if c.proxy != nil {
		base = c.proxy
	}
	return strings.Replace(base.String(), "http", "ws", 1) + clientPath(p, c.hub)
}

func (c *Client) signToken(o ClientAccessOptions) (string, error) {
	now := time.Now()
	claims := jwt.MapClaims{
		"aud": c.endpoint.String() + clientPath(o.Protocol, c.hub),
		"iat": now.Unix(),
		"exp": now.Add(o.Lifetime).Unix(),
	}
	if o.UserID != "" {
		claims["sub"] = o.UserID
	}
	if len(o.Roles) > 0 {
		claims["role"] = o.Roles
	}
	if len(o.Groups) > 0 {
		claims["webpubsub.group"] = o.Groups
	}
	token, err := c.key.sign(claims)
	if err != nil {
		return "", &Error{Operation: "GenerateClientToken", Message: "sign: " + err.Error(), Err: err}
	}
	return token, nil
}

func (c *Client) generateToken(ctx context.Context, o ClientAccessOptions) (string, error) {
	in := &call{operation: "GenerateClientToken", method: http.MethodPost, path: []string{":generateToken"}}
	in.query.addNonEmpty("userId", o.UserID)
	in.query.addAll("role", o.Roles)
	in.query.add("minutesToExpire", strconv.Itoa(int((o.Lifetime+time.Minute-1)/time.Minute)))
	in.query.addAll("group", o.Groups)
	if o.Protocol == ProtocolMQTT {
		in.query.add("clientType", "MQTT")
	}
	resp, err := c.do(ctx, in, http.StatusOK)
	if err != nil {
		return "", err
	}
	defer runtime.Drain(resp)
	var body struct {
		Token string `json:"token"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, maxErrorBody)).Decode(&body)
	if err != nil || body.Token == "" {
		return "", &Error{Operation: in.operation, StatusCode: resp.StatusCode, Message: "the answer has no token"}
	}
	return body.Token, nil
}
