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

// DefaultMaxBodyBytes is the body limit of a [Config] that sets none: the
// service takes frames of up to 1 MB from its clients, and a connect event adds
// claims, headers and certificates of its own.
const DefaultMaxBodyBytes = 1<<20 + 64<<10

// Config says what a [Handler] accepts and what it does with it. All functions
// may be called concurrently.
type Config struct {
	// Hub is the name of the hub whose events are handled, compared without
	// case; events of another hub get 404. Empty handles the events of any hub. A
	// name is a letter, then at most 127 letters, digits or characters of _`,.[]
	Hub string

	// ConnectionStrings of the service, as the portal shows them. Their keys
	// verify signatures, each for the origin of its own Endpoint, and their hosts
	// are the allowed origins. Give the primary or the secondary string or both,
	// and one for each further service, replica or custom domain that sends events.
	//
	// A Config prints without them. Package fmt calls no methods of a value in an
	// unexported field, though: a struct of yours that keeps a Config there prints
	// its connection strings. Keep the [Handler], or let [NewAccessKeys] hold them.
	ConnectionStrings []string
	// Verifier decides, instead of ConnectionStrings or in addition to them,
	// whether a request comes from the service; both must accept it. Use
	// [NewAccessKeys] for keys that change while serving, and an implementation
	// of your own for Entra bearer tokens. [InsecureSkipVerify] turns
	// verification off. One of ConnectionStrings and Verifier is required.
	Verifier Verifier
	// AllowedOrigins are the host names (or URLs, whose host counts) from which
	// events are accepted and to whose validation requests the handler consents;
	// "*" stands for any. Nil takes them from ConnectionStrings or an [AccessKeys]
	// verifier, and is required with any other Verifier. An empty, non-nil slice
	// refuses everybody. Ports are ignored. With ConnectionStrings, at least one of
	// their hosts must be among them: keys count for their own hosts only.
	AllowedOrigins []string

	// OnConnect decides whether a client may connect. A nil reply accepts it as
	// its token describes it; an error refuses it, see [Error]. If OnConnect is
	// nil, every client that the service lets through is accepted.
	OnConnect func(ctx context.Context, ev *ConnectEvent) (*ConnectReply, error)
	// OnConnected learns of a connection. Its error is logged and tells the
	// service to try again if its status says so, nothing else.
	OnConnected func(ctx context.Context, ev *ConnectedEvent) error
	// OnDisconnected learns of the end of a connection; its error is as for OnConnected.
	OnDisconnected func(ctx context.Context, ev *DisconnectedEvent) error
	// OnGroupJoined learns that a connection joined a group; its error is as for OnConnected.
	OnGroupJoined func(ctx context.Context, ev *GroupJoinedEvent) error
	// OnGroupLeft learns that a connection left a group; its error is as for OnConnected.
	OnGroupLeft func(ctx context.Context, ev *GroupLeftEvent) error
	// UserEvents handle the events that clients send, by name: first the exact
	// one, then without case if that leaves one name. Either way the event's
	// EventName is the name in this map. Clients without a Web PubSub subprotocol
	// send "message".
	UserEvents map[string]UserEventFunc
	// Fallback handles user events whose name is not in UserEvents. Their EventName
	// is the one that the client sent, in any spelling. Without a Fallback
	// they are answered with 204, as if they had been handled, so that an old server
	// does not fail or disconnect a new client. The first event of each such name,
	// of up to 32 names, is logged at Info with the names that have functions. To
	// refuse them instead, set a Fallback that returns [NotFound].
	Fallback UserEventFunc

	// RefusalReply replies to the client whose user event is refused: without it
	// the client learns that its event failed and nothing else, see [Error]. If it
	// returns true, the event is answered with 200 and the reply, as if a function
	// had returned it: a client of a Web PubSub subprotocol gets a message and a
	// positive ack, an invocation gets the reply as its result, and a client
	// without subprotocol gets a frame and stays connected. The event counts as
	// handled, so the service does not deliver it again and keeps the reply's
	// State. If it returns false, the refusal is answered as it is.
	//
	// The error is the [*Error] that the function, an interceptor or the reading of
	// the body returned, or one with status 400 made of a [*DecodeError] or a
	// [*ValidationError], which is its Err; err.Message is the text that a client
	// may see. Other errors and panics do not get here. A panic or a reply that
	// breaks a rule is logged, and the refusal is answered as it is.
	//
	// [JSONRefusal] is a function for this field.
	RefusalReply func(ctx context.Context, ev *UserEvent, err *Error) (Reply, bool)

	// Interceptors run around all event functions above, the first one outermost.
	Interceptors []Interceptor
	// Validate checks payloads that [UserEvent.DecodeJSON] has decoded, given a
	// pointer to them, instead of go-playground/validator on their validate tags.
	// Its error is answered with 400, without its text, unless it is an [*Error]
	// or [*ValidationError].
	Validate func(payload any) error

	// MaxBodyBytes is the longest body that is read; a longer one gets 413. Zero
	// is [DefaultMaxBodyBytes].
	MaxBodyBytes int64
	// HandlerTimeout is the deadline of the context that interceptors and
	// functions get; a function that returns the context's error is answered with
	// 504. Zero sets none; the service itself gives up after 100 seconds. A
	// function that does not watch its context is not interrupted.
	HandlerTimeout time.Duration

	// Observe is called for each request that the handler has answered, validation
	// requests included, with what became of it: for metrics and traces. The context is
	// the request's. It runs in the request's goroutine before ServeHTTP returns, and
	// net/http may hold the answer back until then: it should be quick. It cannot change
	// the answer; its panic is logged. A request whose function panics with
	// [http.ErrAbortHandler] is not answered. Nil costs nothing.
	Observe func(ctx context.Context, o Outcome)

	// Logger gets one record for each event that fails: Error for a 5xx, Warn for
	// 401 and 403, Info for what a function refuses otherwise and for payloads that
	// are not valid, Debug for 429 and for requests that are no events of this hub,
	// which any stranger can send. Claims, tokens, headers and payloads are not
	// logged. Nil is [slog.Default].
	Logger *slog.Logger
}

// String returns which hub the config is for, and no key. What cannot be a hub's
// name, such as a connection string in its place, is not shown.
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
	h.functions = [...]*function{
		kindConnect:      connectFunction(c.OnConnect),
		kindConnected:    notification(EventKindConnected, c.OnConnected),
		kindDisconnected: notification(EventKindDisconnected, c.OnDisconnected),
		kindGroupJoined:  notification(EventKindGroupJoined, c.OnGroupJoined),
		kindGroupLeft:    notification(EventKindGroupLeft, c.OnGroupLeft),
		kindUnknown:      nil,
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
	insecure := isInsecure(c.Verifier)
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
	h.verifier = c.Verifier
	h.originsOf = h.keys
	if own, ok := c.Verifier.(*AccessKeys); ok && h.keys == nil {
		h.originsOf = own
	}
	switch {
	case c.AllowedOrigins != nil:
		set, err := parseOrigins(c.AllowedOrigins)
		if err != nil {
			return fmt.Errorf("AllowedOrigins: %w", err)
		}
		if err := c.checkOrigins(set, h.keys); err != nil {
			return err
		}
		h.origins = &set
	case h.originsOf != nil:
	case insecure:
		h.origins = &originSet{any: true}
	default:
		return errors.New(`AllowedOrigins is required with this Verifier: name the service's hosts, or "*"`)
	}
	return nil
}

// checkOrigins refuses origins for none of which there is a key: the handler
// would consent to events and then refuse each of them. Keys of a Verifier can
// still be replaced.
func (c Config) checkOrigins(allowed originSet, keys *AccessKeys) error {
	if len(c.ConnectionStrings) == 0 || len(c.AllowedOrigins) == 0 {
		return nil
	}
	hosts := keys.current.Load().origins.hosts
	if slices.ContainsFunc(hosts, allowed.allows) {
		return nil
	}
	return fmt.Errorf("AllowedOrigins %q has no host of ConnectionStrings (%s), whose keys count for their own hosts only: no event could be accepted",
		allowed.hosts, strings.Join(hosts, ", "))
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

func isInsecure(v Verifier) bool {
	switch v.(type) {
	case InsecureSkipVerify, *InsecureSkipVerify:
		return true
	}
	return false
}

// holdsNil sees through an interface that holds a nil pointer, function or map:
// it would only fail at the first request.
func holdsNil(v Verifier) bool {
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map:
		return value.IsNil()
	default:
		return false
	}
}
