package transport

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// Endpoint serves WebSocket clients. It is safe for concurrent use.
type Endpoint struct {
	Hubs *hub.Hubs
	// Anonymous reports whether clients may connect to a hub without a token.
	Anonymous func(hubName string) bool
	// Audiences returns the valid audiences of tokens for a hub and a request.
	Audiences func(r *http.Request, hubName string) []string
	Keys      *token.Keys
	KeepAlive time.Duration // between pings; zero: no pings
}

// Serve serves a client of a hub until its WebSocket ends.
func (e *Endpoint) Serve(w http.ResponseWriter, r *http.Request, hubName string) {
	if !e.Hubs.Begin() {
		e.refuse(w, r, hubName, http.StatusServiceUnavailable, hub.Stopping)
		return
	}
	defer e.Hubs.Done()
	if !r.ProtoAtLeast(1, 1) {
		e.refuse(w, r, hubName, http.StatusBadRequest, "a WebSocket handshake needs HTTP/1.1, not "+r.Proto+": set the version that your proxy uses (proxy_http_version 1.1 of nginx)")
		return
	}
	if !isUpgrade(r) {
		e.refuse(w, r, hubName, http.StatusBadRequest, "not a WebSocket handshake")
		return
	}
	if r.URL.Query().Get("awps_connection_id") != "" {
		e.recover(w, r, hubName)
		return
	}
	e.connect(w, r, hubName)
}

// connect serves a client with a new connection.
func (e *Endpoint) connect(w http.ResponseWriter, r *http.Request, hubName string) {
	raw, err := subprotocol.ParseRaw(r.URL.Query())
	if err != nil {
		e.refuse(w, r, hubName, http.StatusBadRequest, err.Error())
		return
	}
	in, err := e.handshake(r, strings.ToLower(hubName))
	e.recordHandshake(r, hubName, in, err)
	if err != nil {
		e.refuse(w, r, hubName, http.StatusUnauthorized, err.Error())
		return
	}
	h := e.Hubs.Hub(hubName)
	client, err := h.Accept(in)
	if err != nil {
		e.notAccepted(w, r, h, in, err)
		return
	}
	s := newSocket(e, subprotocol.Choose(client.Subprotocol, raw))
	if !e.Hubs.Admit(s.link) {
		h.Events.Abandoned(client.ID, hub.Stopping)
		e.refuse(w, r, hubName, http.StatusServiceUnavailable, hub.Stopping)
		return
	}
	s.serve(w, r, client.Subprotocol, h.Connect(client, s.protocol.Output(), s.link))
}

// recover serves a client that resumes a connection. It refuses a client with a close
// frame, since clients retry after an HTTP error.
func (e *Endpoint) recover(w http.ResponseWriter, r *http.Request, hubName string) {
	q := r.URL.Query()
	id, secret := q.Get("awps_connection_id"), q.Get("awps_reconnection_token")
	h := e.Hubs.Existing(hubName)
	var c *hub.Connection
	if h != nil {
		c = h.Connection(id)
	}
	name := ""
	if c != nil && c.Resumable() {
		name = c.Subprotocol
	} else if offered := list(r.Header, headerSubprotocol); len(offered) > 0 {
		name = offered[0]
	}
	s := newSocket(e, subprotocol.Choose(name, subprotocol.Raw{}))
	if !e.Hubs.Admit(s.link) {
		e.refuse(w, r, hubName, http.StatusServiceUnavailable, hub.Stopping)
		return
	}
	var attempt *hub.Recovery
	if c != nil {
		attempt = c.Recover(secret)
	}
	if attempt == nil {
		e.refuseRecovery(s, hubName)
		s.serve(w, r, name, nil)
		return
	}
	s.resume = sync.OnceFunc(func() {
		if !attempt.Resume(s.link) {
			e.refuseRecovery(s, hubName)
			return
		}
		emit(s, trace.ClientRecord{Kind: trace.KindClientRecovered, Client: c.Identity()})
	})
	s.serve(w, r, name, c)
}

func (e *Endpoint) refuseRecovery(s *socket, hubName string) {
	emit(s, trace.ClientRecord{Kind: trace.KindRecoveryRefused, Client: trace.Client{Hub: strings.ToLower(hubName)}})
	s.link.Close(hub.ClosePolicy, "The connection could not be recovered.")
}

// notAccepted answers the error of [hub.Hub.Accept].
func (e *Endpoint) notAccepted(w http.ResponseWriter, r *http.Request, h *hub.Hub, in *hub.Handshake, err error) {
	status := http.StatusInternalServerError
	if tokenError := (*hub.TokenError)(nil); errors.As(err, &tokenError) {
		e.refuse(w, r, h.Name, http.StatusBadRequest, err.Error())
		return
	}
	if refusal := (*hub.RefusalError)(nil); errors.As(err, &refusal) {
		status = refusal.Status
	}
	e.refused(r, in.Identity(h.Name), status, err.Error())
	http.Error(w, http.StatusText(status), status)
}

// refuse answers an HTTP error. Only the reason of a bad request is sent to the client.
func (e *Endpoint) refuse(w http.ResponseWriter, r *http.Request, hubName string, status int, reason string) {
	e.refused(r, trace.Client{Hub: strings.ToLower(hubName)}, status, reason)
	if status != http.StatusBadRequest {
		reason = http.StatusText(status)
	}
	http.Error(w, reason, status)
}

func (e *Endpoint) refused(r *http.Request, client trace.Client, status int, reason string) {
	trace.Emit(r.Context(), e.Hubs.Trace, trace.ClientRecord{Kind: trace.KindClientRefused, Client: client, Status: status, Reason: reason})
}
