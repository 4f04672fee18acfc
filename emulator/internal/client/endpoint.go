package client

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// EventHandler is asked and told about clients. Its methods are safe for
// concurrent use.
type EventHandler interface {
	// Connect asks whether a client may connect.
	Connect(ctx context.Context, h *hub.Hub, in *Handshake) (*Decision, error)
	// Abandoned tells that a client did not get its connection after all, though
	// the event handler accepted it: a reason is for the handler, none means that
	// its answer was of no use.
	Abandoned(connectionID, reason string)
	// Event hands over a client's message and gives the one for the client, if any.
	Event(ctx context.Context, c *hub.Connection, name string, m *hub.Message) (*hub.Message, error)
}

// Handshake is what is known of a client before it is connected.
type Handshake struct {
	ConnectionID string
	UserID       *string
	Claims       token.Claims
	Query        url.Values
	Headers      http.Header
	Subprotocols []string
}

// Decision is what the event handler said of a client it accepts. Nil members
// keep what the token said.
type Decision struct {
	UserID      *string // empty: take the user away
	Groups      []string
	Roles       []string
	Subprotocol string
}

// Config of an [Endpoint].
type Config struct {
	// Hub gives a hub by name. Existing gives nil if nothing has been in the hub
	// yet: strangers make no hubs.
	Hub, Existing func(name string) *hub.Hub
	// Anonymous tells whether clients without token may connect to a hub.
	Anonymous func(name string) bool
	// Audiences that a token for a hub can be made out to, seen from a request.
	Audiences func(r *http.Request, hubName string) []string
	Keys      *token.Keys
	Events    EventHandler
	Clock     hub.Clock
	// KeepAlive is the time between pings. Zero sends none.
	KeepAlive time.Duration
	Logger    *slog.Logger
}

// Endpoint serves /client/hubs/{hub}.
type Endpoint struct {
	Config

	ctx    context.Context //nolint:containedctx // ends with Close, as all that it starts
	cancel context.CancelFunc

	mu      sync.Mutex
	closed  bool
	sockets map[*socket]struct{}
	running sync.WaitGroup

	roles roleWarnings
}

// New makes an endpoint.
func New(cfg Config) *Endpoint {
	e := &Endpoint{Config: cfg, sockets: make(map[*socket]struct{})}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Serve takes one client for a hub.
func (e *Endpoint) Serve(w http.ResponseWriter, r *http.Request, hubName string) {
	if !e.begin() {
		e.refuse(w, r, hubName, http.StatusServiceUnavailable, stopping)
		return
	}
	defer e.running.Done()
	if !isUpgrade(r) {
		e.refuse(w, r, hubName, http.StatusBadRequest, "not a WebSocket handshake")
		return
	}
	if r.URL.Query().Get("awps_connection_id") != "" {
		e.recover(w, r, hubName)
		return
	}
	raw, err := rawMode(r.URL.Query())
	if err != nil {
		e.refuse(w, r, hubName, http.StatusBadRequest, err.Error())
		return
	}
	in, err := e.handshake(r, strings.ToLower(hubName))
	if err != nil {
		e.refuse(w, r, hubName, http.StatusUnauthorized, err.Error())
		return
	}
	if slices.ContainsFunc(in.Claims["webpubsub.group"], func(g string) bool { return rule.AcceptGroup(g) != nil }) {
		e.refuse(w, r, hubName, http.StatusBadRequest, "The token contains an invalid group name.")
		return
	}
	h := e.Hub(hubName)
	if err := checkGroups("token", in.Claims["webpubsub.group"], h.MaxGroups); err != nil {
		e.refuse(w, r, hubName, http.StatusBadRequest, err.Error())
		return
	}
	agreed, err := e.agree(h, in)
	if err != nil {
		e.passOn(w, r, hubName, err)
		return
	}
	protocol := subprotocol.Choose(agreed.Subprotocol)
	agreed.Codec = protocol
	if protocol == (subprotocol.Raw{}) {
		protocol = raw
	}
	s := newSocket(e, protocol)
	if !e.track(s) {
		e.Events.Abandoned(agreed.ID, stopping)
		e.refuse(w, r, hubName, http.StatusServiceUnavailable, stopping)
		return
	}
	s.serve(w, r, agreed.Subprotocol, h.Connect(e.ctx, *agreed, s.link), true)
}

// agree asks the event handler about a client and settles all about it but the
// codec.
func (e *Endpoint) agree(h *hub.Hub, in *Handshake) (*hub.Client, error) {
	// The handler's answer counts even if the client does not wait for it, so the
	// request lasts as long as the endpoint, not the client.
	out := &hub.Client{ID: in.ConnectionID, UserID: in.UserID, Groups: in.Claims["webpubsub.group"]}
	roles, chosen, err := e.decide(e.ctx, h, in, out)
	if err != nil {
		return nil, err
	}
	e.roles.warn(e.Logger, h.Name, out.ID, roles)
	if out.Roles, err = role.Parse(roles); err == nil {
		out.Subprotocol, err = negotiate(in.Subprotocols, chosen)
	}
	if err == nil {
		err = checkGroups("answer to connect", out.Groups, h.MaxGroups)
	}
	if err != nil {
		e.Events.Abandoned(in.ConnectionID, "")
		return nil, err
	}
	if n := out.Roles.LeftOut(); n > 0 {
		e.Logger.Warn("too many roles", "hub", h.Name, "connection", out.ID, "left_out", n,
			"reason", fmt.Sprintf("a client has at most %d patterns and %d single groups to send to, and as many to join and leave", role.MaxPatterns, role.MaxGroups))
	}
	if out.Subprotocol == "" && len(in.Subprotocols) > 0 {
		e.Logger.Warn("no subprotocol", "hub", h.Name, "connection", out.ID,
			"reason", fmt.Sprintf("none of %.256q is served, and no event handler has chosen one", in.Subprotocols))
	}
	return out, nil
}

// decide asks the event handler and lays its decision over what the token said.
func (e *Endpoint) decide(ctx context.Context, h *hub.Hub, in *Handshake, agreed *hub.Client) (roles []string, chosen string, err error) {
	decision, err := e.Events.Connect(ctx, h, in)
	if err != nil {
		return nil, "", err
	}
	roles = in.Claims["role"]
	if decision == nil {
		return roles, "", nil
	}
	if decision.UserID != nil {
		if agreed.UserID = decision.UserID; *decision.UserID == "" {
			agreed.UserID = nil
		}
	}
	if len(decision.Groups) > 0 {
		agreed.Groups = decision.Groups
	}
	if decision.Roles != nil {
		roles = decision.Roles
	}
	return roles, decision.Subprotocol, nil
}

// recover takes up a connection again. A refusal is a close frame, since clients
// take an HTTP error for a reason to go on trying.
func (e *Endpoint) recover(w http.ResponseWriter, r *http.Request, hubName string) {
	q := r.URL.Query()
	id, secret := q.Get("awps_connection_id"), q.Get("awps_reconnection_token")
	h := e.Existing(hubName)
	var c *hub.Connection
	if h != nil {
		c = h.Connection(id)
	}
	name, protocol := "", subprotocol.Protocol(subprotocol.Raw{})
	if c != nil && c.Codec.Reliable() {
		name = c.Subprotocol
		protocol, _ = c.Codec.(subprotocol.Protocol)
	} else if offered := offers(r); len(offered) > 0 {
		name = offered[0]
	}
	s := newSocket(e, protocol)
	if !e.track(s) {
		e.refuse(w, r, hubName, http.StatusServiceUnavailable, stopping)
		return
	}
	var attempt *hub.Recovery
	if h != nil {
		attempt = h.Recover(id, secret)
	}
	if attempt == nil {
		e.refuseRecovery(s, hubName)
		s.serve(w, r, name, nil, false)
		return
	}
	s.claim = sync.OnceFunc(func() {
		if !attempt.TakeUp(s.link) {
			e.refuseRecovery(s, hubName)
			return
		}
		e.Logger.Info("client recovered", "hub", h.Name, "connection", attempt.Connection.ID)
	})
	s.serve(w, r, name, attempt.Connection, false)
}

func (e *Endpoint) refuseRecovery(s *socket, hubName string) {
	e.Logger.Warn("recovery refused", "hub", strings.ToLower(hubName))
	s.link.Close(hub.ClosePolicy, "The connection could not be recovered.")
}

func (e *Endpoint) refuse(w http.ResponseWriter, r *http.Request, hubName string, status int, reason string) {
	e.Logger.LogAttrs(r.Context(), slog.LevelWarn, "client refused", slog.String("hub", strings.ToLower(hubName)), slog.Int("status", status), slog.String("reason", reason))
	if status != http.StatusBadRequest {
		reason = http.StatusText(status)
	}
	http.Error(w, reason, status)
}
