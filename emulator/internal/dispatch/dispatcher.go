package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/client"
	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Config of a [Dispatcher].
type Config struct {
	// Handlers by the name of the hub in lower case.
	Handlers map[string][]Handler
	// Origin is the host name by which the emulator calls itself.
	Origin string
	// AccessKeys sign events: one, or a primary and a secondary.
	AccessKeys []string
	// Transport for handlers that are not local; nil is one of its own, like
	// [http.DefaultTransport].
	Transport http.RoundTripper
	Clock     hub.Clock
	Logger    *slog.Logger
}

// Dispatcher raises events. It is a client.EventHandler and a hub.Observer.
type Dispatcher struct {
	cfg      Config
	routes   map[string][]*route
	consents *consents
	remote   upstream.Sender
	own      *http.Transport // nil if Transport was given

	ctx    context.Context //nolint:containedctx // ends with Close, as all that it starts
	cancel context.CancelFunc

	mu       sync.Mutex
	closed   bool
	running  int                 // functions in the background
	idle     sync.Cond           // signalled when there are none, and when Close has waited enough
	sessions map[string]*session // by connection id
}

// New checks the settings.
func New(cfg Config) (*Dispatcher, error) {
	d := &Dispatcher{cfg: cfg, routes: make(map[string][]*route), sessions: make(map[string]*session)}
	for hubName, handlers := range cfg.Handlers {
		for i, in := range handlers {
			r, err := compile(in)
			if err != nil {
				return nil, fmt.Errorf("hub %q, event handler %d: %w", hubName, i, err)
			}
			d.routes[strings.ToLower(hubName)] = append(d.routes[strings.ToLower(hubName)], r)
		}
	}
	if cfg.Transport == nil {
		// Its own, so that Close can end its idle connections.
		d.own = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second}
		d.cfg.Transport = d.own
	}
	d.remote = upstream.Sender{Transport: d.cfg.Transport, Retry: true}
	d.idle.L = &d.mu
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.consents = newConsents(cfg.Clock, d.validate, func(f func(context.Context)) bool {
		return d.background(func() { f(d.ctx) })
	})
	return d, nil
}

// Close waits for the notifications that are on their way until the context ends,
// and then ends them. It reports false if it did so.
func (d *Dispatcher) Close(ctx context.Context) bool {
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		d.mu.Lock()
		d.idle.Broadcast()
		d.mu.Unlock()
		close(told)
	})
	defer func() {
		if !stop() {
			<-told
		}
	}()
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.running > 0 && ctx.Err() == nil {
		d.idle.Wait()
	}
	delivered := d.running == 0
	d.closed = true
	d.cancel()
	for d.running > 0 {
		d.idle.Wait()
	}
	if d.own != nil {
		d.own.CloseIdleConnections()
	}
	return delivered
}

// background runs f, and reports false if the dispatcher is closed.
func (d *Dispatcher) background(f func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.running++
	go func() {
		defer d.done()
		f()
	}()
	return true
}

func (d *Dispatcher) done() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running--; d.running == 0 {
		d.idle.Broadcast()
	}
}

func (d *Dispatcher) route(hubName, typ, name, group string) *route {
	for _, r := range d.routes[strings.ToLower(hubName)] {
		if r.takes(typ, name, group) {
			return r
		}
	}
	return nil
}

func (d *Dispatcher) session(id string) *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sessions[id]
}

// Connect asks the handler whether a client may connect.
func (d *Dispatcher) Connect(ctx context.Context, h *hub.Hub, in *client.Handshake) (*client.Decision, error) {
	s := &session{hubName: h.Name, connectionID: in.ConnectionID, nextID: firstID}
	if in.UserID != nil {
		s.userID = *in.UserID
	}
	d.mu.Lock()
	d.sessions[in.ConnectionID] = s
	d.mu.Unlock()
	decision, err := d.connect(ctx, s, in)
	if err != nil {
		d.forget(s)
	}
	return decision, err
}

func (d *Dispatcher) forget(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sessions, s.connectionID)
}

func (d *Dispatcher) connect(ctx context.Context, s *session, in *client.Handshake) (*client.Decision, error) {
	ev := &event{session: s, id: idConnect, typ: wire.TypeConnect, name: wire.NameConnect, contentType: jsonType}
	r := d.route(s.hubName, ev.typ, ev.name, "")
	if r == nil {
		return nil, nil //nolint:nilnil // nobody asks to be asked
	}
	body := wire.ConnectRequest{
		Claims: in.Claims, Query: in.Query, Headers: in.Headers,
		Subprotocols: in.Subprotocols, ClientCertificates: []wire.ClientCertificate{},
	}
	if body.Subprotocols == nil {
		body.Subprotocols = []string{}
	}
	var err error
	if ev.body, err = json.Marshal(&body); err != nil {
		return nil, err
	}
	answer, err := d.deliver(ctx, r, ev)
	if err != nil {
		return nil, err
	}
	if !answer.OK() {
		return nil, &client.RefusalError{Status: answer.Status}
	}
	out, err := upstream.DecodeConnect(answer)
	if err != nil {
		return nil, err
	}
	ev.learn(answer)
	decision := &client.Decision{UserID: out.UserID, Groups: out.Groups, Roles: out.Roles}
	if out.Subprotocol != nil {
		decision.Subprotocol = *out.Subprotocol
	}
	return decision, nil
}

// Abandoned forgets a client that did not get its connection after all. With a
// reason, the handler that accepted it is told that it is gone.
func (d *Dispatcher) Abandoned(connectionID, reason string) {
	s := d.session(connectionID)
	if s == nil {
		return
	}
	d.forget(s)
	if reason != "" {
		d.notify(s, wire.TypeDisconnected, wire.NameDisconnected, "", wire.Disconnected{Reason: &reason})
	}
}

// Connected tells the handler that a client has connected.
func (d *Dispatcher) Connected(c *hub.Connection) {
	s := d.session(c.ID)
	if s == nil {
		return
	}
	s.mu.Lock()
	s.userID, s.subprotocol = "", c.Subprotocol
	if c.UserID != nil {
		s.userID = *c.UserID
	}
	s.mu.Unlock()
	d.notify(s, wire.TypeConnected, wire.NameConnected, "", struct{}{})
}

// Disconnected tells the handler that a connection has ended.
func (d *Dispatcher) Disconnected(c *hub.Connection, reason string) {
	if s := d.session(c.ID); s != nil {
		d.forget(s)
		d.notify(s, wire.TypeDisconnected, wire.NameDisconnected, "", wire.Disconnected{Reason: &reason})
	}
}

// Joined tells the handler that a connection is in a group.
func (d *Dispatcher) Joined(c *hub.Connection, group string) {
	if s := d.session(c.ID); s != nil {
		d.notify(s, wire.TypeGroupJoined, wire.NameJoined, group, wire.GroupPresence{Group: group})
	}
}

// Left tells the handler that a connection is not in a group any more.
func (d *Dispatcher) Left(c *hub.Connection, group string) {
	if s := d.session(c.ID); s != nil {
		d.notify(s, wire.TypeGroupLeft, wire.NameLeft, group, wire.GroupPresence{Group: group})
	}
}

// notify delivers a notification after those before it. What comes of it is for
// the log only.
func (d *Dispatcher) notify(s *session, typ, name, group string, body any) {
	r := d.route(s.hubName, typ, name, group)
	if r == nil && group != "" {
		return // a group's event without handler has no id, as if there were no such events
	}
	ev := &event{session: s, id: idConnected, typ: typ, name: name, contentType: jsonType}
	if typ != wire.TypeConnected {
		ev.id = s.id()
	}
	if r == nil {
		return
	}
	var err error
	if ev.body, err = json.Marshal(body); err != nil {
		d.cfg.Logger.Error("event not written", "event", name, "error", err)
		return
	}
	s.notices.add(d.background, func() {
		if answer, err := d.deliver(d.ctx, r, ev); err == nil && answer.OK() {
			ev.session.learnCookies(ev.url, answer.Cookies())
		}
	})
}

// Event delivers a client's message and gives the handler's for the client.
func (d *Dispatcher) Event(ctx context.Context, c *hub.Connection, name string, m *hub.Message) (*hub.Message, error) {
	s := d.session(c.ID)
	if s == nil {
		return nil, errors.New("the connection has ended")
	}
	ev := &event{session: s, id: s.id(), typ: wire.TypePrefixUser + name, name: name, body: m.Data, metadata: m.Metadata}
	ev.contentType = mediaTypes[m.Type]
	r := d.route(s.hubName, ev.typ, name, "")
	if r == nil {
		d.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "event not delivered", slog.String("hub", s.hubName), slog.String("connection", c.ID),
			slog.String("event", name), slog.String("id", ev.id), slog.String("reason", errNoHandler.Error()))
		return nil, errNoHandler
	}
	answer, err := d.deliver(ctx, r, ev)
	if err != nil {
		return nil, err
	}
	if !answer.OK() {
		return nil, &client.RefusalError{Status: answer.Status}
	}
	out, err := upstream.DecodeUser(answer)
	if err != nil {
		d.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "answer not understood", slog.String("hub", s.hubName), slog.String("connection", c.ID),
			slog.String("event", name), slog.String("id", ev.id), slog.String("reason", err.Error()))
		return nil, err
	}
	ev.learn(answer)
	if !out.Message {
		return nil, nil //nolint:nilnil // no message for the client
	}
	return &hub.Message{Type: dataTypes[out.DataType], Data: out.Data, Metadata: out.Metadata}, nil
}

// mediaTypes of user events. Text has its charset, as Microsoft's emulator sends
// it: a handler that takes it with the parameter takes it without one, too.
var mediaTypes = [...]string{hub.Text: wire.MediaText + "; charset=utf-8", hub.JSON: wire.MediaJSON, hub.Binary: wire.MediaBinary, hub.Protobuf: wire.MediaProtobuf}

var dataTypes = [...]hub.DataType{
	webpubsub.DataText: hub.Text, webpubsub.DataJSON: hub.JSON,
	webpubsub.DataBinary: hub.Binary, webpubsub.DataProtobuf: hub.Protobuf,
}

// deliver sends an event to a handler that wants it, and logs how it went.
func (d *Dispatcher) deliver(ctx context.Context, r *route, ev *event) (*upstream.Answer, error) {
	start := d.cfg.Clock.Now()
	answer, err := d.send(ctx, r, ev)
	if err != nil && ctx.Err() != nil {
		return nil, err // the emulator stops
	}
	attrs := []slog.Attr{
		slog.String("hub", ev.session.hubName), slog.String("connection", ev.session.connectionID),
		slog.String("event", ev.name), slog.String("id", ev.id),
	}
	level, what := slog.LevelInfo, "event delivered"
	if err == nil {
		attrs = append(attrs, slog.Int("status", answer.Status))
		if answer.Attempts > 1 {
			attrs = append(attrs, slog.Int("attempts", answer.Attempts))
		}
		if !answer.OK() {
			level, what = slog.LevelWarn, "event refused"
		}
	}
	attrs = append(attrs, slog.Float64("ms", float64(d.cfg.Clock.Now().Sub(start).Microseconds())/1000))
	if err != nil {
		level, what = slog.LevelWarn, "event not delivered"
		attrs = append(attrs, slog.String("reason", err.Error()))
	}
	d.cfg.Logger.LogAttrs(ctx, level, what, attrs...)
	return answer, err
}

func (d *Dispatcher) send(ctx context.Context, r *route, ev *event) (*upstream.Answer, error) {
	u, err := r.template.resolve(ev.session.hubName, ev.name)
	if err != nil {
		return nil, err
	}
	if err := d.consent(ctx, r, ev.session.hubName); err != nil {
		return nil, err
	}
	ev.url = u
	req, err := ev.request(ctx, d.cfg.Origin, d.cfg.AccessKeys, d.cfg.Clock.Now())
	if err != nil {
		return nil, err
	}
	return d.sender(r).Send(ctx, req, upstream.EventTimeout)
}

func (d *Dispatcher) sender(r *route) *upstream.Sender {
	if r.local != nil {
		return &upstream.Sender{Transport: upstream.Memory{Handler: r.local}, Retry: true}
	}
	return &d.remote
}
