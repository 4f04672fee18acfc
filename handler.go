package webpubsub

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Handler receives the service's webhooks and calls the functions of its
// [Config]. It is an [http.Handler] and safe for concurrent use. It starts no
// goroutine, and keeps nothing between requests but which notices it has logged.
//
// Handler never looks at the URL's path. Mount it where the hub's event handler
// setting points to, for all methods: validation comes by OPTIONS.
//
// A request passes these steps in this order, and the first that fails answers:
//
//	validation request      200 with or without consent, 400, 404
//	method                  405 unless POST
//	header of an event      404 not ours, 400 missing, repeated or malformed
//	origin and signature    401
//	kind of event           501 for a system event that is not known
//	media type of an event  415
//	body                    413 too long, 400 cut short
//	payload                 400; that of user events is decoded by the function
//	interceptors, function  what they return, see [StatusOf] and [Config.RefusalReply]
//	reply                   500 if it breaks a rule
//
// The body is not read before the signature holds. A 501 is delivered again by
// the service, up to three times, like every 5xx: it says that this version of
// the handler is too old for the hub's settings.
//
// Headers of answers share their values between requests: middleware may set and
// delete them, but not write into the slices.
type Handler struct {
	hub          string
	keys         *AccessKeys // of Config.ConnectionStrings, nil without them
	verifier     Verifier    // of Config.Verifier, nil without one
	origins      *originSet  // set, or else
	originsOf    *AccessKeys // has them
	interceptors []Interceptor
	validate     func(any) error
	refusalReply func(context.Context, *UserEvent, *Error) (Reply, bool)
	maxBody      int64
	timeout      time.Duration
	logger       *slog.Logger

	onConnect      func(context.Context, *ConnectEvent) (*ConnectReply, error)
	onConnected    func(context.Context, *ConnectedEvent) error
	onDisconnected func(context.Context, *DisconnectedEvent) error
	onGroupJoined  func(context.Context, *GroupJoinedEvent) error
	onGroupLeft    func(context.Context, *GroupLeftEvent) error
	userEvents     map[string]UserEventFunc // by exact name
	foldedEvents   map[string]UserEventFunc // by name in lower case
	fallback       UserEventFunc
	known          string // names of userEvents, for the log

	once *notices
}

// NewHandler checks a configuration and makes a handler of it. The handler
// keeps copies; changing cfg's slices and maps later has no effect. The error
// names the field that is wrong.
//
// If one of the keys is the local emulator's, which everybody knows, NewHandler
// logs that at level Warn.
func NewHandler(cfg Config) (*Handler, error) {
	h, err := cfg.compile()
	if err != nil {
		return nil, fmt.Errorf("webpubsub: config: %w", err)
	}
	h.warnOfKnownKey()
	return h, nil
}

// ServeHTTP answers one request of the service. A Handler that [NewHandler] did
// not make answers everything with 500.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.isMade() {
		writeText(w, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
		return
	}
	if isValidation(r) {
		h.allowedOrigins().serveValidation(w, r)
		return
	}
	if r.Method != http.MethodPost {
		w.Header()[wire.HeaderAllow] = allowMethods
		h.refuse(w, r, http.StatusMethodNotAllowed, "events come by POST, validation requests by OPTIONS")
		return
	}
	var a attributes
	if status, reason := h.screen(r.Header, &a); status != 0 {
		h.refuse(w, r, status, reason)
		return
	}
	if err := h.verify(r, &a); err != nil {
		h.refuseUnverified(w, r, err)
		return
	}
	h.dispatch(w, r, &a)
}

// isMade reports whether NewHandler made the handler.
func (h *Handler) isMade() bool { return h.keys != nil || h.verifier != nil }

func (h *Handler) allowedOrigins() *originSet {
	if h.origins != nil {
		return h.origins
	}
	if ring := h.originsOf.current.Load(); ring != nil {
		return &ring.origins
	}
	return &originSet{}
}

// screen reads the header and checks that it is one of an event for this hub.
// A status of zero lets it pass.
func (h *Handler) screen(header http.Header, a *attributes) (status int, reason string) {
	switch {
	case len(header[wire.HeaderVersion]) == 0:
		return http.StatusNotFound, "not an Azure Web PubSub request: header ce-awpsversion is missing"
	case len(header[wire.HeaderRequestOrigin]) == 0:
		return http.StatusNotFound, "not an Azure Web PubSub request: header WebHook-Request-Origin is missing"
	}
	a.read(header)
	switch {
	case a.repeated != "":
		return http.StatusBadRequest, "header " + a.repeated + " is repeated"
	case a.kind == kindForeign:
		return http.StatusNotFound, fmt.Sprintf("not an Azure Web PubSub event: ce-type is %q", clip(a.typ))
	case a.hub == "":
		return http.StatusBadRequest, "header ce-hub is missing"
	case h.hub != "" && !equalFold(a.hub, h.hub):
		return http.StatusNotFound, fmt.Sprintf("events of hub %q are not handled here; compare it with Config.Hub", clip(a.hub))
	}
	if reason := a.check(); reason != "" {
		return http.StatusBadRequest, reason
	}
	return 0, ""
}

// dispatch decodes the event, calls its function and answers.
func (h *Handler) dispatch(w http.ResponseWriter, r *http.Request, a *attributes) {
	ctx := r.Context()
	if h.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.timeout)
		defer cancel()
	}
	switch a.kind {
	case kindConnect:
		h.serveConnect(ctx, w, r, a)
	case kindUser:
		h.serveUser(ctx, w, r, a)
	case kindConnected:
		ev := new(ConnectedEvent)
		notify(ctx, h, w, r, a, ev, h.onConnected, nil)
	case kindDisconnected:
		ev := new(DisconnectedEvent)
		notify(ctx, h, w, r, a, ev, h.onDisconnected, ev.decode)
	case kindGroupJoined:
		ev := new(GroupJoinedEvent)
		notify(ctx, h, w, r, a, ev, h.onGroupJoined, func() (err error) { ev.Group, err = decodeGroup(ev.body); return err })
	case kindGroupLeft:
		ev := new(GroupLeftEvent)
		notify(ctx, h, w, r, a, ev, h.onGroupLeft, func() (err error) { ev.Group, err = decodeGroup(ev.body); return err })
	case kindUnknownPresence:
		h.log(r, slog.LevelWarn, "event of an unknown type ignored", http.StatusNoContent, nil)
		w.WriteHeader(http.StatusNoContent)
	default:
		h.refuse(w, r, http.StatusNotImplemented, fmt.Sprintf("events of type %q are not known here", clip(a.typ)))
	}
}

func (h *Handler) serveConnect(ctx context.Context, w http.ResponseWriter, r *http.Request, a *attributes) {
	if h.onConnect == nil && len(h.interceptors) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	ev := new(ConnectEvent)
	ev.fill(r, a)
	out, err := h.connect(ctx, r, ev)
	switch {
	case err == nil:
		h.send(w, r, &out)
	case ev.MQTT != nil:
		h.failMQTT(w, r, ev, err)
	default:
		h.fail(w, r, err)
	}
}

func (h *Handler) connect(ctx context.Context, r *http.Request, ev *ConnectEvent) (answer, error) {
	var err error
	if ev.body, err = h.readBody(r); err != nil {
		return answer{}, err
	}
	if err := ev.decode(); err != nil {
		return answer{}, err
	}
	return run(ctx, h.interceptors, ev, func(ctx context.Context) (answer, error) {
		if h.onConnect == nil {
			return answer{}, nil
		}
		reply, err := h.onConnect(ctx, ev)
		if err != nil || reply == nil {
			return answer{}, err
		}
		return reply.answer(ev)
	})
}

func (h *Handler) serveUser(ctx context.Context, w http.ResponseWriter, r *http.Request, a *attributes) {
	f := h.userEventFunc(a.eventName)
	if f == nil && len(h.interceptors) == 0 {
		h.ignored(r, a.eventName)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	ev := &UserEvent{ContentType: a.contentType, validate: h.validate}
	ev.fill(r, a)
	var known bool
	if ev.DataType, known = dataTypeOf(ev.ContentType); !known && ev.MQTT == nil { // MQTT messages may have any type or none
		h.refuse(w, r, http.StatusUnsupportedMediaType, fmt.Sprintf("event payload has Content-Type %q, want text/plain, application/json, application/octet-stream or application/x-protobuf", clip(ev.ContentType)))
		return
	}
	body, err := h.readBody(r)
	if err != nil {
		h.failUser(ctx, w, r, ev, err)
		return
	}
	ev.Data, ev.body = body, body
	out, err := run(ctx, h.interceptors, ev, func(ctx context.Context) (answer, error) {
		if f == nil {
			h.ignored(r, ev.EventName)
			return answer{}, nil
		}
		reply, err := f(ctx, ev)
		if err != nil {
			return answer{}, err
		}
		return reply.answer(ev)
	})
	if err != nil {
		h.failUser(ctx, w, r, ev, err)
		return
	}
	h.send(w, r, &out)
}

func (h *Handler) userEventFunc(name string) UserEventFunc {
	if f := h.userEvents[name]; f != nil {
		return f
	}
	if f := h.foldedEvents[strings.ToLower(name)]; f != nil {
		return f
	}
	return h.fallback
}

// notify serves an event whose answer has no content.
func notify[E Event](ctx context.Context, h *Handler, w http.ResponseWriter, r *http.Request, a *attributes, ev E, f func(context.Context, E) error, decode func() error) {
	if f == nil && len(h.interceptors) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	m := ev.EventMeta()
	m.fill(r, a)
	var err error
	m.body, err = h.readBody(r)
	if err == nil && decode != nil {
		err = decode()
	}
	if err == nil {
		_, err = run(ctx, h.interceptors, Event(ev), func(ctx context.Context) (struct{}, error) {
			if f == nil {
				return struct{}{}, nil
			}
			return struct{}{}, f(ctx, ev)
		})
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
