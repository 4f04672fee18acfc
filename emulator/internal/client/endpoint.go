package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
)

// EventHandler is asked and told about clients. Its methods are safe for
// concurrent use.
type EventHandler interface {
	// Connect asks whether a client may connect.
	Connect(ctx context.Context, h *hub.Hub, in *Handshake) (*Decision, error)
	// Connected tells that it has. It does not block.
	Connected(c *hub.Connection)
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

// Refusal is an event handler's refusal, or its failure, as the client sees it.
type Refusal struct{ Status int }

// Error gives the status.
func (r *Refusal) Error() string { return fmt.Sprintf("refused with %d", r.Status) }

// Endpoint serves /client/hubs/{hub}.
type Endpoint struct {
	// Hub gives a hub by name, and whether clients without token may connect.
	Hub func(name string) (h *hub.Hub, anonymous bool)
	// Audiences that a token for a hub can be made out to, seen from a request.
	Audiences func(r *http.Request, hubName string) []string
	Keys      *token.Keys
	Events    EventHandler
	Clock     hub.Clock
	// KeepAlive is the time between pings. Zero sends none.
	KeepAlive time.Duration
	Logger    *slog.Logger

	mu      sync.Mutex
	closed  bool
	sockets map[*socket]struct{}
	running sync.WaitGroup
}

// Serve takes one client for a hub.
func (e *Endpoint) Serve(w http.ResponseWriter, r *http.Request, hubName string) {
	if !isUpgrade(r) {
		e.refuse(w, r, hubName, http.StatusBadRequest, "not a WebSocket handshake")
		return
	}
	h, anonymous := e.Hub(hubName)
	if r.URL.Query().Get("awps_connection_id") != "" {
		e.recover(w, r, h)
		return
	}
	raw, err := rawMode(r.URL.Query())
	if err != nil {
		e.refuse(w, r, hubName, http.StatusBadRequest, err.Error())
		return
	}
	in, err := e.handshake(r, h, anonymous)
	if err != nil {
		e.refuse(w, r, hubName, http.StatusUnauthorized, err.Error())
		return
	}
	agreed := &hub.Client{ID: in.ConnectionID, UserID: in.UserID, Groups: in.Claims["webpubsub.group"]}
	for _, g := range agreed.Groups {
		if subprotocol.CheckGroup(g) != nil {
			e.refuse(w, r, hubName, http.StatusBadRequest, "The token contains an invalid group name.")
			return
		}
	}
	roles, chosen, err := e.decide(r.Context(), h, in, agreed)
	if err == nil {
		agreed.Roles, err = role.Parse(roles)
	}
	if err == nil {
		agreed.Subprotocol, err = negotiate(in.Subprotocols, chosen)
	}
	if err != nil {
		status := http.StatusInternalServerError
		if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
			status = refusal.Status
		}
		e.refuse(w, r, hubName, status, err.Error())
		return
	}
	protocol := subprotocol.Choose(agreed.Subprotocol)
	if !subprotocol.Known(agreed.Subprotocol) {
		protocol = raw
	}
	agreed.Codec = protocol
	e.accept(w, r, agreed.Subprotocol, func(s *socket) *hub.Connection {
		c := h.Connect(*agreed, s.link)
		e.Events.Connected(c)
		return c
	}, protocol)
}

// handshake authorises the client and collects what it said.
func (e *Endpoint) handshake(r *http.Request, h *hub.Hub, anonymous bool) (*Handshake, error) {
	in := &Handshake{ConnectionID: hub.NewConnectionID(), Query: r.URL.Query(), Headers: r.Header.Clone()}
	text := token.Bearer(r.Header)
	for name, values := range in.Query {
		if strings.EqualFold(name, "access_token") {
			if len(values) > 0 && values[0] != "" {
				text = values[0]
			}
			delete(in.Query, name)
		}
	}
	in.Headers.Del("Authorization")
	for name := range in.Headers {
		if strings.HasPrefix(name, "X-Asrs-Internal-") {
			delete(in.Headers, name)
		}
	}
	for _, line := range r.Header.Values("Sec-Websocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				in.Subprotocols = append(in.Subprotocols, name)
			}
		}
	}
	if text == "" {
		if !anonymous {
			return nil, errors.New("no token, and the hub takes no anonymous clients")
		}
		return in, nil
	}
	var err error
	if in.Claims, err = e.Keys.Verify(text, e.Audiences(r, h.Name)...); err != nil {
		return nil, err
	}
	for _, claim := range [...]string{"sub", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"} {
		if id, ok := in.Claims.First(claim); ok && id != "" {
			in.UserID = &id
			break
		}
	}
	return in, nil
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

// negotiate gives the subprotocol in the client's own spelling: what the event
// handler chose, else the first of the service's own.
func negotiate(offered []string, chosen string) (string, error) {
	i := slices.IndexFunc(offered, func(name string) bool {
		if chosen != "" {
			return strings.EqualFold(name, chosen)
		}
		return subprotocol.Known(name)
	})
	switch {
	case i >= 0:
		return offered[i], nil
	case chosen != "":
		return "", fmt.Errorf("the connect event handler selected unrequested subprotocol '%s'", chosen)
	}
	return "", nil
}

// rawMode reads what raw clients ask for in their URL. It is checked for all
// clients, and counts for raw ones.
func rawMode(query url.Values) (subprotocol.Raw, error) {
	last := func(name string) string {
		if v := query[name]; len(v) > 0 {
			return v[len(v)-1]
		}
		return ""
	}
	switch mode := last("webpubsub_mode"); {
	case mode == "" || strings.EqualFold(mode, "sendEvent"):
		return subprotocol.Raw{}, nil
	case !strings.EqualFold(mode, "sendToGroup"):
		return subprotocol.Raw{}, fmt.Errorf("webpubsub_mode %q: want sendEvent or sendToGroup", mode)
	}
	raw := subprotocol.Raw{Group: last("group")}
	if err := subprotocol.CheckGroup(raw.Group); err != nil {
		return raw, err
	}
	switch noEcho := last("noEcho"); {
	case strings.EqualFold(noEcho, "true"):
		raw.NoEcho = true
	case noEcho != "" && !strings.EqualFold(noEcho, "false"):
		return raw, fmt.Errorf("noEcho %q: want true or false", noEcho)
	}
	return raw, nil
}

// recover takes up a connection again. A refusal is a close frame, since clients
// take an HTTP error for a reason to go on trying.
func (e *Endpoint) recover(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	q := r.URL.Query()
	id, secret := q.Get("awps_connection_id"), q.Get("awps_reconnection_token")
	c := h.Connection(id)
	name, protocol := "", subprotocol.Protocol(subprotocol.Raw{})
	if c != nil {
		name = c.Subprotocol
		protocol, _ = c.Codec.(subprotocol.Protocol)
	} else if in := r.Header.Get("Sec-Websocket-Protocol"); in != "" {
		name, _, _ = strings.Cut(in, ",")
	}
	e.accept(w, r, strings.TrimSpace(name), func(s *socket) *hub.Connection {
		if c := h.Recover(id, secret, s.link); c != nil {
			return c
		}
		e.Logger.Info("recovery refused", "hub", h.Name, "connection", id)
		s.link.Close(hub.ClosePolicy, "The connection could not be recovered.")
		return nil
	}, protocol)
}

func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && headerHas(r.Header, "Connection", "upgrade") && headerHas(r.Header, "Upgrade", "websocket")
}

func headerHas(header http.Header, name, want string) bool {
	for _, line := range header.Values(name) {
		for v := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(v), want) {
				return true
			}
		}
	}
	return false
}

func (e *Endpoint) refuse(w http.ResponseWriter, r *http.Request, hubName string, status int, reason string) {
	e.Logger.LogAttrs(r.Context(), slog.LevelInfo, "client refused", slog.String("hub", hubName), slog.Int("status", status), slog.String("reason", reason))
	if status != http.StatusBadRequest {
		reason = http.StatusText(status)
	}
	http.Error(w, reason, status)
}

// accept upgrades the request and runs the socket until it ends.
func (e *Endpoint) accept(w http.ResponseWriter, r *http.Request, name string, attach func(*socket) *hub.Connection, protocol subprotocol.Protocol) {
	options := &websocket.AcceptOptions{InsecureSkipVerify: true} // clients come from any origin; the token is what counts
	if name != "" {
		options.Subprotocols = []string{name}
	}
	conn, err := websocket.Accept(w, r, options)
	if err != nil {
		e.Logger.Info("handshake failed", "error", err)
		return // Accept has answered
	}
	s := newSocket(e, conn, protocol)
	if !e.track(s) {
		_ = conn.Close(websocket.StatusGoingAway, "The server is stopping.")
		return
	}
	defer e.untrack(s)
	s.run(context.WithoutCancel(r.Context()), attach)
}

func (e *Endpoint) track(s *socket) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	if e.sockets == nil {
		e.sockets = make(map[*socket]struct{})
	}
	e.sockets[s] = struct{}{}
	e.running.Add(1)
	return true
}

func (e *Endpoint) untrack(s *socket) {
	e.mu.Lock()
	delete(e.sockets, s)
	e.mu.Unlock()
	e.running.Done()
}

// Close ends all sockets and waits until nothing of them runs any more.
func (e *Endpoint) Close() {
	e.mu.Lock()
	e.closed = true
	sockets := make([]*socket, 0, len(e.sockets))
	for s := range e.sockets {
		sockets = append(sockets, s)
	}
	e.mu.Unlock()
	for _, s := range sockets {
		s.stop()
	}
	e.running.Wait()
}
