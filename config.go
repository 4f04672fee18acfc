package webpubsub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// DefaultMaxBodyBytes is the default of [Config.MaxBodyBytes]. The service accepts
// frames of up to 1 MB from clients; a connect event has claims, headers and
// certificates.
const DefaultMaxBodyBytes = 1<<20 + 64<<10

// Config configures a [Handler]. Its functions may be called concurrently.
type Config struct {
	// Hub is the name of the hub whose events are handled, compared without case.
	// Events of other hubs get 404. If Hub is empty, events of all hubs are handled.
	// A name is a letter, then at most 127 letters, digits or characters of _`,.[]
	Hub string

	// ConnectionStrings are the service's, as the portal shows them. Their keys
	// verify signatures, each for the host of its own Endpoint, and their hosts
	// are the allowed origins. Use the primary string, the secondary string or both,
	// and one for each further service, replica or custom domain that sends events.
	//
	// A Config prints without them. Package fmt does not call the methods of a value
	// in an unexported field: a struct with a Config in such a field prints its
	// connection strings. Keep the [Handler], or pass them to [NewAccessKeys].
	ConnectionStrings []string
	// Verifier checks whether a request comes from the service, instead of
	// ConnectionStrings or in addition to them; then both must accept the request. Use
	// [NewAccessKeys] for keys that change while serving, and package entra for Entra
	// tokens. An [AnyVerifier] accepts either. [InsecureSkipVerify] disables
	// verification. ConnectionStrings or Verifier is required.
	Verifier Verifier
	// AllowedOrigins are the hosts from which events are accepted and to whose
	// validation requests the handler consents: host names, URLs of which the host
	// is used, or "*" for any host. Ports are ignored. If AllowedOrigins is nil, they
	// are the hosts of ConnectionStrings or of an [AccessKeys] verifier, alone or in an
	// [AnyVerifier]; with any other Verifier AllowedOrigins is required. An empty, non-nil slice allows no host. With
	// ConnectionStrings, it must have at least one of their hosts, since a key
	// verifies requests of its own host only.
	AllowedOrigins []string

	// OnConnect decides whether a client may connect. A nil reply accepts the
	// client with the user, groups and roles of its token; an error refuses it, see
	// [Error]. If OnConnect is nil, every client is accepted.
	OnConnect func(ctx context.Context, ev *ConnectEvent) (*ConnectReply, error)
	// OnConnected is called when a client has connected. Its error is logged; its
	// status decides whether the service delivers the event again. It has no other
	// effect.
	OnConnected func(ctx context.Context, ev *ConnectedEvent) error
	// OnDisconnected is called when a connection has ended. Its error is treated
	// like that of OnConnected.
	OnDisconnected func(ctx context.Context, ev *DisconnectedEvent) error
	// OnGroupJoined is called when a connection has joined a group. Its error is
	// treated like that of OnConnected.
	OnGroupJoined func(ctx context.Context, ev *GroupJoinedEvent) error
	// OnGroupLeft is called when a connection has left a group. Its error is
	// treated like that of OnConnected.
	OnGroupLeft func(ctx context.Context, ev *GroupLeftEvent) error
	// UserEvents has the functions of the events that clients send, by name. An event
	// without a function of exactly its name goes to the one whose name differs by
	// case alone, unless there are several. The event's EventName is the key of this
	// map. Clients without a Web PubSub subprotocol send "message".
	UserEvents map[string]UserEventFunc
	// Fallback handles user events that have no function in UserEvents. Their
	// EventName is the name that the client sent. If Fallback is nil, these events
	// are answered with 204, as if they had been handled, so that an old server does
	// not disconnect a new client. The first event of each of the first 32 such names is
	// logged at Info, with the names in UserEvents. To refuse these events, return
	// [NotFound] from Fallback.
	Fallback UserEventFunc

	// RefusalReply returns a reply to the client whose user event is refused. Without
	// it the client learns only that its event failed, see [Error]. If it
	// returns true, the event is answered with 200 and the reply, as if its function
	// had returned it: a client of a Web PubSub subprotocol receives a message and a
	// positive ack, an invocation receives the reply as its result, and a client
	// without subprotocol receives a frame and stays connected. The service considers
	// the event handled: it does not deliver it again, and keeps the reply's State. If
	// it returns false, the event is answered with the refusal.
	//
	// The error is the [*Error] that the function or an interceptor returned or that
	// reading the body failed with. A [*DecodeError] or [*ValidationError] is the Err of an
	// *Error with status 400. err.Message is the text that a client may see.
	// RefusalReply is not called for other errors and panics. If it panics or
	// its reply is invalid, that is logged and the event is answered with the refusal.
	//
	// [JSONRefusal] is a function for this field.
	RefusalReply func(ctx context.Context, ev *UserEvent, err *Error) (Reply, bool)

	// Interceptors run around the functions above. The first one is the outermost.
	Interceptors []Interceptor
	// Validate checks the payload that [UserEvent.DecodeJSON] has decoded; its
	// argument is a pointer to it. If Validate is nil, go-playground/validator checks
	// the payload's validate tags. An error is answered with 400, without its text,
	// unless it is an [*Error] or [*ValidationError].
	Validate func(payload any) error

	// MaxBodyBytes is the length of the longest body that is read; a longer one gets
	// 413. Zero means [DefaultMaxBodyBytes].
	MaxBodyBytes int64
	// HandlerTimeout limits the context of interceptors and functions. A function that
	// returns the context's error is answered with 504. A function that ignores its
	// context is not interrupted. Zero means no limit. The service itself stops waiting after 100
	// seconds.
	HandlerTimeout time.Duration

	// Deduplication handles each event once. The zero value does not: the service
	// can deliver an event several times, and each delivery is handled.
	Deduplication Deduplication

	// Observe is called with the outcome of each request, validation requests
	// included, after it has been answered: for metrics and traces. The context is the
	// request's. Observe runs in the request's goroutine before ServeHTTP returns.
	// It should be quick, since net/http may hold the answer back until then. It cannot
	// change the answer. If it panics, the panic is logged. It is not called
	// for a request that was aborted with [http.ErrAbortHandler].
	Observe func(ctx context.Context, o Outcome)

	// Logger receives one record for each event that fails: at level Error for a 5xx,
	// Warn for 401 and 403, Debug for 429 and for requests that are not events of this
	// hub, and Info for other refusals by a function and for invalid payloads. Claims,
	// tokens, headers and payloads are not logged. Nil means [slog.Default].
	Logger *slog.Logger
}

// String returns a description with the name of the hub, and without keys. It does
// not show an invalid name, which may be a connection string.
func (c Config) String() string {
	if c.Hub != "" && !rule.IsHub(c.Hub) {
		return "webpubsub.Config(hub not a name)"
	}
	return fmt.Sprintf("webpubsub.Config(hub %q)", c.Hub)
}

// GoString is String.
func (c Config) GoString() string { return c.String() }

// Format is String, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue is String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// compile checks the config and copies what the handler needs of it.
func (c Config) compile() (*Handler, error) {
	h := &Handler{
		hub:          c.Hub,
		interceptors: slices.Clone(c.Interceptors),
		validate:     c.Validate,
		refusalReply: c.RefusalReply,
		observe:      c.Observe,
		maxBody:      c.MaxBodyBytes,
		timeout:      c.HandlerTimeout,
		log:          &eventLog{logger: c.Logger, known: namesOf(c.UserEvents)},
		fallback:     userFunction("", c.Fallback),
	}
	h.systemEvents = map[EventKind]*function{
		EventKindConnect:      connectFunction(c.OnConnect),
		EventKindConnected:    notification(EventKindConnected, c.OnConnected),
		EventKindDisconnected: notification(EventKindDisconnected, c.OnDisconnected),
		EventKindGroupJoined:  notification(EventKindGroupJoined, c.OnGroupJoined),
		EventKindGroupLeft:    notification(EventKindGroupLeft, c.OnGroupLeft),
	}
	if c.Hub != "" {
		if err := rule.CheckHub(c.Hub); err != nil {
			return nil, fmt.Errorf("Hub: %w", err)
		}
	}
	switch {
	case c.MaxBodyBytes < 0:
		return nil, fmt.Errorf("MaxBodyBytes is %d, want 0 or more", c.MaxBodyBytes)
	case c.MaxBodyBytes == 0:
		h.maxBody = DefaultMaxBodyBytes
	}
	var err error
	if h.dedup, err = c.Deduplication.compile(); err != nil {
		return nil, fmt.Errorf("Deduplication.%w", err)
	}
	if c.HandlerTimeout < 0 {
		return nil, fmt.Errorf("HandlerTimeout is %v, want 0 or more", c.HandlerTimeout)
	}
	if i := slices.IndexFunc(c.Interceptors, func(i Interceptor) bool { return i == nil }); i >= 0 {
		return nil, fmt.Errorf("Interceptors[%d] is nil", i)
	}
	if err := c.compileVerification(h); err != nil {
		return nil, err
	}
	return h, c.compileUserEvents(h)
}

func (c Config) compileVerification(h *Handler) error {
	var insecure bool
	switch c.Verifier.(type) {
	case InsecureSkipVerify, *InsecureSkipVerify:
		insecure = true
	}
	switch {
	case c.Verifier != nil && holdsNil(c.Verifier):
		return fmt.Errorf("Verifier is a nil %T", c.Verifier)
	case len(c.ConnectionStrings) == 0 && c.Verifier == nil:
		return errors.New("nothing to verify requests with: set ConnectionStrings or Verifier")
	case len(c.ConnectionStrings) > 0 && insecure:
		return errors.New("ConnectionStrings together with Verifier InsecureSkipVerify: choose one")
	}
	if len(c.ConnectionStrings) > 0 {
		ring, err := newKeyring(c.ConnectionStrings)
		if err != nil {
			return fmt.Errorf("ConnectionStrings%w", err)
		}
		h.keys = new(AccessKeys)
		h.keys.current.Store(ring)
	}
	if either, ok := c.Verifier.(*AnyVerifier); ok {
		c.Verifier = *either
	}
	if either, ok := c.Verifier.(AnyVerifier); ok {
		if err := either.check(); err != nil {
			return err
		}
		c.Verifier = slices.Clone(either)
	}
	h.verifier = c.Verifier
	h.originsOf = h.keys
	if all := accessKeys(c.Verifier); len(all) == 1 && h.keys == nil {
		h.originsOf = all[0]
	}
	switch {
	case c.AllowedOrigins != nil:
		set, err := parseOrigins(c.AllowedOrigins)
		if err != nil {
			return fmt.Errorf("AllowedOrigins: %w", err)
		}
		h.origins = &set
		if h.keys == nil || len(c.AllowedOrigins) == 0 {
			break
		}
		// Without a key, the handler would consent to events and then refuse each of them.
		hosts := h.keys.current.Load().origins.hosts
		if !slices.ContainsFunc(hosts, set.allows) {
			return fmt.Errorf("AllowedOrigins %q has no host of ConnectionStrings (%s), whose keys verify requests of their own hosts only: no event could be accepted",
				set.hosts, strings.Join(hosts, ", "))
		}
	case h.originsOf != nil:
	case insecure:
		h.origins = &originSet{any: true}
	default:
		return errors.New(`AllowedOrigins is required with this Verifier: name the service's hosts, or "*"`)
	}
	return nil
}

func (c Config) compileUserEvents(h *Handler) error {
	h.userEvents = make(map[string]*function, len(c.UserEvents))
	h.foldedEvents = make(map[string]*function, len(c.UserEvents))
	for _, name := range slices.Sorted(maps.Keys(c.UserEvents)) {
		f, folded := c.UserEvents[name], strings.ToLower(name)
		switch {
		case name == "":
			return errors.New("UserEvents has an empty name")
		case f == nil:
			return fmt.Errorf("UserEvents[%q] is nil", name)
		}
		h.userEvents[name] = userFunction(name, f)
		if _, twice := h.foldedEvents[folded]; twice {
			h.foldedEvents[folded] = nil
		} else {
			h.foldedEvents[folded] = h.userEvents[name]
		}
	}
	return nil
}

// holdsNil reports whether v is a nil pointer, function or map, which would fail at
// the first request.
func holdsNil(v any) bool {
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map:
		return value.IsNil()
	default:
		return false
	}
}
