package webpubsub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Handler receives the service's webhooks and calls the functions of its
// [Config]. It is an [http.Handler] and safe for concurrent use. It starts no
// goroutines, except to renew the claims of a [Deduplication] while functions run. It
// keeps no state between requests except which warnings it has logged.
//
// Handler ignores the URL's path. Mount it at the URL of the hub's event handler
// setting, for all methods: validation requests use OPTIONS.
//
// A request passes these steps in this order. The first step that fails answers it:
//
//	validation request      200 with or without consent, 400, 404
//	method                  405 unless POST
//	header of an event      404 not the service's or another hub's; 400 missing, repeated or malformed
//	origin and signature    401
//	kind of event           501 unknown system event
//	media type of an event  415
//	body                    413 too long, 400 cut short
//	payload                 400; the function decodes that of a user event
//	repeat                  the stored answer, or 503; see [Deduplication]
//	interceptors, function  what they return, see [StatusOf] and [Config.RefusalReply]
//	reply                   500 invalid
//
// The body is not read before the request is verified. The service delivers an
// event again up to three times after a 501, like after every 5xx; a 501 means that
// this version of the package is too old for the hub's settings.
//
// Answers share the slices of their headers' values. Middleware may set and
// delete headers, but must not write to the slices.
type Handler struct {
	hub          string
	keys         *AccessKeys // of Config.ConnectionStrings, nil without them
	verifier     Verifier    // of Config.Verifier, nil without one
	origins      *originSet  // allowed; nil: those of originsOf
	originsOf    *AccessKeys
	interceptors []Interceptor
	validate     func(any) error
	refusalReply func(context.Context, *UserEvent, *Error) (Reply, bool)
	dedup        *Deduplication // complete; nil without one
	observe      func(context.Context, Outcome)
	maxBody      int64
	timeout      time.Duration
	log          *eventLog

	systemEvents map[EventKind]*function
	userEvents   map[string]*function // by exact name
	foldedEvents map[string]*function // by name in lower case
	fallback     *function
}

// NewHandler returns a handler for a configuration, or an error that names the
// invalid field. The handler copies cfg's slices and maps.
//
// NewHandler logs a warning if one of the keys is the public key of the local
// emulator.
func NewHandler(cfg Config) (*Handler, error) {
	h, err := cfg.compile()
	if err != nil {
		return nil, fmt.Errorf("webpubsub: config: %w", err)
	}
	h.warnOfKnownKey()
	return h, nil
}

// ServeHTTP answers a request of the service. The zero Handler answers every
// request with 500.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !h.isMade():
		writeText(w, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
	case !isValidation(r):
		h.serveEvent(w, r)
	case h.observe != nil:
		h.observeValidation(w, r)
	default:
		_ = h.allowedOrigins().serveValidation(w, r)
	}
}

// observeValidation answers a validation request and reports its outcome.
func (h *Handler) observeValidation(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	o := Outcome{Kind: OutcomeValidation, Hub: h.hub, Status: http.StatusOK}
	o.Err = h.allowedOrigins().serveValidation(w, r)
	switch {
	case o.Err == nil:
	case errors.Is(o.Err, ErrOrigin):
		o.Reason = ReasonOrigin
	default:
		o.Status, o.Reason = StatusOf(o.Err), ReasonHeader
		if o.Status == http.StatusNotFound {
			o.Reason = ReasonForeign
		}
	}
	h.report(r.Context(), start, &o)
}

func (h *Handler) serveEvent(w http.ResponseWriter, r *http.Request) {
	var start time.Time
	if h.observe != nil {
		start = time.Now()
	}
	var a attributes
	a.read(r.Header)
	o := Outcome{Hub: h.hub, EventKind: a.kind}
	out := h.serve(r, &a, &o)
	if o.Reason == ReasonMethod {
		w.Header()[wire.HeaderAllow] = allowMethods
	}
	o.Status, o.HeaderBytes, o.StateBytes = out.code(), out.headerBytes(), len(out.state)
	if h.log.wants(&o) { // before the sender can see the answer
		o.Header = a.header()
		h.log.record(r.Context(), &o)
	}
	out.write(w)
	if h.observe != nil {
		o.Header = a.header()
		h.report(r.Context(), start, &o)
	}
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

// serve takes an event through the steps in the documentation of Handler, and
// records the outcome in o.
func (h *Handler) serve(r *http.Request, a *attributes, o *Outcome) answer {
	if reason, err := h.screen(r, a); err != nil {
		return o.refuse(reason, err)
	}
	if err := h.verify(r, a); err != nil {
		return o.refuseUnverified(h, r.Header, err)
	}
	if h.hub == "" {
		o.Hub = excerpt.Short(a.hub)
	}
	isPresence := a.kind == "" && hasPrefixFold(a.typ, wire.TypePrefixGroup)
	if a.kind == "" && !isPresence {
		return o.refuse(ReasonEventType, &Error{Status: http.StatusNotImplemented, Message: fmt.Sprintf("events of type %q are not known here", excerpt.Short(a.typ))})
	}
	f := h.function(a)
	if isPresence || f == nil && len(h.interceptors) == 0 {
		o.Kind = OutcomeIgnored
		return answer{}
	}
	if f != nil && f.name != "" {
		o.Function, a.eventName = f.name, f.name
	}
	ev, err := h.newEvent(r, a)
	if err != nil {
		return o.refuse(ReasonMediaType, err)
	}
	ctx := r.Context()
	if h.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.timeout)
		defer cancel()
	}
	var reason RefusalReason
	o.PayloadBytes, reason, err = h.read(r, ev)
	if err != nil {
		return h.refuseEvent(ctx, ev, o, reason, err)
	}
	o.Event = ev
	if h.dedup.covers(a.kind) {
		return h.handleOnce(ctx, ev, f, o)
	}
	return h.handle(ctx, ev, f, o)
}

// screen checks that a request has the header of an event for this hub.
func (h *Handler) screen(r *http.Request, a *attributes) (RefusalReason, error) {
	switch {
	case r.Method != http.MethodPost:
		return ReasonMethod, &Error{Status: http.StatusMethodNotAllowed, Message: "events come by POST, validation requests by OPTIONS"}
	case len(r.Header[wire.HeaderVersion]) == 0:
		return ReasonForeign, NotFound(noVersion)
	case len(a.origins) == 0:
		return ReasonForeign, NotFound("not an Azure Web PubSub request: header WebHook-Request-Origin is missing")
	case a.repeated != "":
		return ReasonHeader, BadRequest("header " + a.repeated + " is repeated")
	case !hasPrefixFold(a.typ, wire.TypePrefix):
		return ReasonForeign, NotFound(fmt.Sprintf("not an Azure Web PubSub event: ce-type is %q", excerpt.Short(a.typ)))
	case a.hub == "":
		return ReasonHeader, BadRequest("header ce-hub is missing")
	case h.hub != "" && !equalFold(a.hub, h.hub):
		return ReasonHub, NotFound(fmt.Sprintf("events of hub %q are not handled here; compare it with Config.Hub", excerpt.Short(a.hub)))
	}
	if fault := a.check(); fault != "" {
		return ReasonHeader, BadRequest(fault)
	}
	return "", nil
}

// function returns the function for an event, nil if there is none.
func (h *Handler) function(a *attributes) *function {
	if a.kind != EventKindUser {
		return h.systemEvents[a.kind]
	}
	if f := h.userEvents[a.eventName]; f != nil {
		return f
	}
	if f := h.foldedEvents[strings.ToLower(a.eventName)]; f != nil {
		return f
	}
	return h.fallback
}

// newEvent returns the event that a header describes, without its body.
func (h *Handler) newEvent(r *http.Request, a *attributes) (Event, error) {
	var ev Event
	switch a.kind {
	case EventKindConnect:
		ev = new(ConnectEvent)
	case EventKindConnected:
		ev = new(ConnectedEvent)
	case EventKindDisconnected:
		ev = new(DisconnectedEvent)
	case EventKindGroupJoined:
		ev = new(GroupJoinedEvent)
	case EventKindGroupLeft:
		ev = new(GroupLeftEvent)
	default:
		kind, known := dataTypeOf(a.contentType)
		if !known && !a.isMQTT() { // MQTT messages may have any type or none
			return nil, &Error{
				Status:  http.StatusUnsupportedMediaType,
				Message: fmt.Sprintf("event payload has Content-Type %q, want text/plain, application/json, application/octet-stream or application/x-protobuf", excerpt.Short(a.contentType)),
			}
		}
		ev = &UserEvent{ContentType: a.contentType, DataType: kind, validate: h.validate}
	}
	ev.EventMeta().fill(r, a)
	return ev, nil
}

// read reads and decodes the body of an event, and returns its length. The reason is
// that of the error.
func (h *Handler) read(r *http.Request, ev Event) (n int, reason RefusalReason, err error) {
	if user, ok := ev.(*UserEvent); ok {
		user.Data, err = h.readBody(r, nil)
		return len(user.Data), ReasonBody, err
	}
	m := ev.EventMeta()
	if m.text, err = h.readText(r); err != nil {
		return len(m.text), ReasonBody, err
	}
	return len(m.text), ReasonPayload, ev.decode()
}

// handle calls interceptors and function.
func (h *Handler) handle(ctx context.Context, ev Event, f *function, o *Outcome) answer {
	out, err := run(ctx, h.interceptors, ev, f)
	switch {
	case err != nil:
		return h.refuseEvent(ctx, ev, o, ReasonFunction, err)
	case f == nil:
		o.Kind = OutcomeIgnored
	default:
		o.Kind = OutcomeHandled
	}
	return out
}
