package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// DefaultLifetime is the default lifetime of a client's token.
const DefaultLifetime = time.Hour

const opGenerateToken = "GenerateClientToken"

// ClientProtocol is the protocol that a client speaks over its WebSocket.
type ClientProtocol uint8

// The protocols.
const (
	// ProtocolDefault is a WebSocket with a Web PubSub subprotocol or without one.
	ProtocolDefault ClientProtocol = iota
	// ProtocolMQTT is MQTT over WebSocket.
	ProtocolMQTT
	// ProtocolSocketIO is Socket.IO, for a resource of the kind Web PubSub for
	// Socket.IO. Its clients need host and path of the URL separately; see
	// [ClientAccess.BaseURL].
	ProtocolSocketIO
)

// String returns "default", "mqtt" or "socketio".
func (p ClientProtocol) String() string {
	switch p {
	case ProtocolDefault:
		return "default"
	case ProtocolMQTT:
		return "mqtt"
	case ProtocolSocketIO:
		return "socketio"
	}
	return "ClientProtocol(" + strconv.Itoa(int(p)) + ")"
}

// ClientAccessOptions describe the client of a token. Nil and the zero value are the
// defaults.
type ClientAccessOptions struct {
	// UserID (sub) is the user id: UTF-8 without control characters. Empty means none.
	UserID string
	// Roles (role) are the permissions of the client, such as [RoleSendToAnyGroup] or
	// RoleJoinLeaveGroup("lobby"). Without a role it can neither join groups nor send
	// to them. A role that the service does not know, and would ignore, is an error.
	Roles []string
	// RawRoles (role) are added to Roles without a check: for roles that your event
	// handler reads, or that this version of the package does not know.
	RawRoles []string
	// Groups (webpubsub.group) are the groups that the client is in from the start.
	Groups []string
	// Lifetime is how long the token can be used to connect; a connection outlives
	// it. Zero is [DefaultLifetime]. It is rounded up to whole seconds, or to whole
	// minutes if the service makes the token (minutesToExpire). The service tolerates
	// clocks that differ by about five minutes, so a token works for that much longer.
	Lifetime time.Duration
	// Protocol (clientType) is the protocol of the client.
	Protocol ClientProtocol
	// Query is added to the URL after the token, and arrives in the Query of the
	// connect event. The names access_token and awps_… are reserved.
	Query url.Values
}

// ClientAccess is an address and a token with which a client can connect. It does
// not print, log or encode the token: only [ClientAccess.URL] and
// [ClientAccess.Token] return it.
type ClientAccess struct {
	baseURL string
	// Pointers, so that printing a struct that contains this one shows no secret.
	token *string
	query *string // parameters after the token
}

// BaseURL returns the address to connect to, wss or ws, without a query. The path is
// "/client/hubs/<hub>", "/clients/mqtt/hubs/<hub>" or "/clients/socketio/hubs/<hub>".
// The path is the option path of a Socket.IO client.
func (a ClientAccess) BaseURL() string { return a.baseURL }

// Token returns the token, for the query parameter access_token or a header
// "Authorization: Bearer".
func (a ClientAccess) Token() string {
	if a.token == nil {
		return ""
	}
	return *a.token
}

// URL returns the address with the token, as browsers need it, and with the Query of
// [ClientAccessOptions].
func (a ClientAccess) URL() string {
	u := a.baseURL + "?access_token=" + url.QueryEscape(a.Token())
	if a.query != nil {
		u += *a.query
	}
	return u
}

// String returns the address without the token.
func (a ClientAccess) String() string { return a.baseURL }

// Format writes the String for every verb.
func (a ClientAccess) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.baseURL) }

// LogValue returns the String.
func (a ClientAccess) LogValue() slog.Value { return slog.StringValue(a.baseURL) }

// ClientAccess returns the address and a new token for a client. With an access key
// it signs the token itself; with an Entra credential it requests the token from the
// service.
func (c *Client) ClientAccess(ctx context.Context, opts *ClientAccessOptions) (ClientAccess, error) {
	var o ClientAccessOptions
	if opts != nil {
		o = *opts
	}
	o.Lifetime = cmp.Or(o.Lifetime, DefaultLifetime)
	if err := o.check(); err != nil {
		return ClientAccess{}, invalid(opGenerateToken, err)
	}
	obtain := c.generateToken
	if c.key != nil {
		obtain = c.signToken
	}
	token, err := obtain(ctx, o)
	if err != nil {
		return ClientAccess{}, err
	}
	query := encodeQuery(o.Query)
	return ClientAccess{baseURL: c.clientURL(o.Protocol), token: &token, query: &query}, nil
}

func (o ClientAccessOptions) check() error {
	switch {
	case o.Lifetime < 0:
		return fmt.Errorf("Lifetime is %v, want more than 0, or 0 for %v", o.Lifetime, DefaultLifetime)
	case o.Protocol > ProtocolSocketIO:
		return fmt.Errorf("Protocol is %v, want ProtocolDefault, ProtocolMQTT or ProtocolSocketIO", o.Protocol)
	}
	if err := rule.CheckUser(o.UserID); err != nil {
		return fmt.Errorf("UserID: %w", err)
	}
	if err := rule.CheckRoles(o.Roles); err != nil {
		return err
	}
	if err := rule.CheckRawRoles(o.RawRoles); err != nil {
		return err
	}
	for i, g := range o.Groups {
		if err := rule.CheckGroup(g); err != nil {
			return fmt.Errorf("Groups[%d]: %w", i, err)
		}
	}
	return checkQuery(o.Query)
}

// checkQuery rejects names that the service reads itself. Its errors show no values,
// which may be secret.
func checkQuery(q url.Values) error {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		lower := strings.ToLower(name)
		if name == "" || lower == "access_token" || strings.HasPrefix(lower, "awps_") {
			return fmt.Errorf("Query name %s: access_token and awps_… are reserved for the service", excerpt.Name(name))
		}
		for _, v := range append([]string{name}, q[name]...) {
			if !utf8.ValidString(v) {
				return fmt.Errorf("Query %s is not UTF-8", excerpt.Name(name))
			}
		}
	}
	return nil
}

func (o ClientAccessOptions) roles() []string {
	return append(append([]string{}, o.Roles...), o.RawRoles...)
}

// encodeQuery writes parameters to append to a query, sorted by name.
func encodeQuery(q url.Values) string {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(q)) {
		for _, v := range q[name] {
			b = append(appendEscaped(append(b, '&'), name, true), '=')
			b = appendEscaped(b, v, true)
		}
	}
	return string(b)
}

// wholes returns a duration in units, rounded up.
func wholes(d, unit time.Duration) int64 {
	n := int64(d / unit)
	if d%unit > 0 {
		n++
	}
	return n
}

// clientPath returns the URL below base at which clients connect.
func (c *Client) clientPath(base string, p ClientProtocol) string {
	path := "/client/hubs/"
	if p != ProtocolDefault {
		path = "/clients/" + p.String() + "/hubs/"
	}
	return string(appendEscaped([]byte(base+path), c.hub, false))
}

// clientURL returns the URL at which clients connect, at the proxy if there is one.
func (c *Client) clientURL(p ClientProtocol) string {
	return c.clientPath("ws"+strings.TrimPrefix(c.access.String(), "http"), p)
}

func (c *Client) signToken(_ context.Context, o ClientAccessOptions) (string, error) {
	now := time.Now().Unix()
	token, err := c.key.sign("", &claims{
		Audience: c.clientPath(c.endpoint.String(), o.Protocol),
		IssuedAt: now,
		Expires:  now + wholes(o.Lifetime, time.Second),
		Subject:  o.UserID,
		Roles:    o.roles(),
		Groups:   o.Groups,
	})
	if err != nil {
		return "", &Error{Operation: opGenerateToken, Err: err}
	}
	return token, nil
}

func (c *Client) generateToken(ctx context.Context, o ClientAccessOptions) (string, error) {
	in := &call{
		operation: opGenerateToken, method: http.MethodPost, want: http.StatusOK, route: routeToken,
		verb: ":generateToken",
	}
	in.addNonEmpty("userId", o.UserID)
	in.addAll("role", o.roles())
	in.add("minutesToExpire", strconv.FormatInt(wholes(o.Lifetime, time.Minute), 10))
	in.addAll("group", o.Groups)
	if o.Protocol == ProtocolMQTT {
		in.add("clientType", "MQTT") // Socket.IO has none: the service refuses "socketio"
	}
	got, err := c.do(ctx, in)
	if err != nil {
		return "", err
	}
	var made struct {
		Token string `json:"token"`
	}
	if json.Unmarshal(got.body, &made) != nil || made.Token == "" {
		// The cause could quote a part of the token.
		return "", &Error{Operation: in.operation, StatusCode: got.status, Message: errNoToken.Error(), Err: errNoToken}
	}
	return made.Token, nil
}

var errNoToken = errors.New("answer has no token")
