package httptest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// ConnectionString is the well-known one of the service's local emulator: its
// origin is "localhost" and its key is no secret. A handler configured with it
// and a [Service] with default [Options] fit together.
const ConnectionString = "Endpoint=http://localhost;Port=8080;AccessKey=" + connstr.EmulatorKey + ";Version=1.0;"

// Defaults of [Options].
const (
	DefaultHub = "chat"
	DefaultURL = "http://localhost/eventhandler"
)

// Options of a [Service]. The zero value of each field, like a nil *Options,
// stands for its default.
type Options struct {
	// Hub (ce-hub) whose events are raised, a name that the service could have;
	// empty is [DefaultHub].
	Hub string
	// ConnectionString of the service that is played: its host is the origin of
	// the requests, its key signs them. Empty is [ConnectionString].
	ConnectionString string
	// SecondaryKey makes the second of the two signatures that every event has.
	// Empty is a random key, which no handler knows.
	SecondaryKey string
	// Origins (WebHook-Request-Origin) are the host names by which the service
	// calls itself, one header line for all, as with replicas and custom domains.
	// Nil is the connection string's host alone.
	Origins []string

	// URL of the handler, a template as in the hub's settings: {event} stands for
	// the event's name, or "validate" in a validation request, and {hub} for the
	// hub. Empty is [DefaultURL].
	//
	// To test what a handler does with [webpubsub.Meta.PathValue], mount it on an
	// [http.ServeMux], give the mux to [New] and a URL that its pattern matches.
	URL string
	// Transport delivers over the network to a handler that is not given to
	// [New]; nil is [http.DefaultTransport].
	Transport http.RoundTripper

	// Retry delivers an event or validation request again, up to four times in
	// all, after a transport error, 408 and any 5xx, with the service's waits of 1,
	// 3 and 5 seconds. By default there is one delivery.
	Retry bool
}

// String returns which hub the options are for, and no key.
func (o Options) String() string {
	return fmt.Sprintf("httptest.Options(hub %q)", or(o.Hub, DefaultHub))
}

// GoString is String.
func (o Options) GoString() string { return o.String() }

// Format is String, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// LogValue is String.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// Service plays the service. It is safe for concurrent use; it prints and logs
// without its keys.
type Service struct {
	hub     string
	origin  string // the service's own host
	origins []string
	keys    []string
	url     upstream.Template
	sender  upstream.Sender
	direct  upstream.Sender // never retries
}

// String returns which hub and origin the service plays, and no key.
func (s *Service) String() string {
	return fmt.Sprintf("httptest.Service(hub %q of %s)", s.hub, s.origin)
}

// GoString is String.
func (s *Service) GoString() string { return s.String() }

// Format is String, whatever the verb.
func (s *Service) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String.
func (s *Service) LogValue() slog.Value { return slog.StringValue(s.String()) }

// New makes a service that raises its events on h, in memory: h is called in
// the goroutine of the test. With a nil h it delivers to [Options.URL] over the
// network.
//
// Options that make no sense are a mistake in the test's code, so New panics,
// as net/http/httptest does.
func New(h http.Handler, opts *Options) *Service {
	s, err := newService(h, opts)
	if err != nil {
		panic("httptest: options: " + err.Error())
	}
	return s
}

func newService(h http.Handler, opts *Options) (*Service, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if h == nil && o.URL == "" {
		return nil, errors.New("neither a handler nor URL is given")
	}
	if h != nil && o.Transport != nil {
		return nil, errors.New("Transport is for delivery to URL, but a handler is given too")
	}
	o.Hub = or(o.Hub, DefaultHub)
	if err := rule.CheckHub(o.Hub); err != nil {
		return nil, fmt.Errorf("Hub: %w", err)
	}
	c, err := connstr.Parse(or(o.ConnectionString, ConnectionString))
	if err != nil {
		return nil, fmt.Errorf("ConnectionString: %w", err)
	}
	if c.AccessKey == "" {
		return nil, errors.New("ConnectionString has no AccessKey to sign with")
	}
	s := &Service{
		hub:     o.Hub,
		origin:  c.Host(),
		origins: slices.Clone(o.Origins),
		keys:    []string{c.AccessKey, or(o.SecondaryKey, rand.Text())},
	}
	if s.origins == nil {
		s.origins = []string{c.Host()}
	}
	if s.url, err = upstream.ParseTemplate(or(o.URL, DefaultURL)); err != nil {
		return nil, fmt.Errorf("URL: %w", err)
	}
	s.direct.Transport = o.Transport
	if h != nil {
		s.direct.Transport = upstream.Memory{Handler: h}
	} else {
		s.direct.Transport = spelled{o.Transport}
	}
	s.sender = s.direct
	s.sender.Retry = o.Retry
	return s, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Validate asks the handler for its consent, as the service does before it
// sends any event: by OPTIONS and, if that is answered with 404, by GET. Nil is
// consent; a handler that does not give it is a [*NoConsentError]. The other
// methods do not ask first.
func (s *Service) Validate(ctx context.Context) error {
	req, err := s.NewValidationRequest(ctx)
	if err != nil {
		return err
	}
	return wrapError(wire.NameValidate, s.sender.Validate(ctx, req, s.origins))
}

// NewValidationRequest makes the request by which the service asks for consent:
// OPTIONS with WebHook-Request-Origin, and neither signature nor cookies. For
// the service's second attempt after a 404, set its Method to GET.
func (s *Service) NewValidationRequest(ctx context.Context) (*http.Request, error) {
	u, err := s.url.Resolve(s.hub, wire.NameValidate)
	if err != nil {
		return nil, err
	}
	return upstream.NewValidation(ctx, u.String(), s.origins)
}

// Answer is a handler's answer to a request that [Service.Do] has sent.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// BodyRead is how many bytes of the request's body the handler has read. Over
	// the network it is how many were sent.
	BodyRead int64
}

// Do sends any request to the handler, once, and returns the answer whatever its
// status. The error is a [*DeliveryError].
func (s *Service) Do(req *http.Request) (*Answer, error) {
	ctx := req.Context()
	req = req.Clone(ctx)
	counted := &countingBody{}
	if req.Body != nil && req.Body != http.NoBody {
		counted.ReadCloser = req.Body
		req.Body = counted
		req.GetBody = nil
	}
	answer, err := s.direct.Send(ctx, req, upstream.EventTimeout)
	if err != nil {
		return nil, wrapError(or(req.Header.Get(wire.HeaderEventName), wire.NameValidate), err)
	}
	return &Answer{Status: answer.Status, Header: answer.Header, Body: answer.Body, BodyRead: counted.n.Load()}, nil
}
