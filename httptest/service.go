package httptest

import (
	"cmp"
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

// ConnectionString is the connection string of the service's local emulator. Its
// origin is "localhost" and its key is public. A handler configured with it accepts
// the events of a [Service] with default [Options].
const ConnectionString = "Endpoint=http://localhost;Port=8080;AccessKey=" + connstr.EmulatorKey + ";Version=1.0;"

// Defaults of [Options].
const (
	DefaultHub = "chat"
	DefaultURL = "http://localhost/eventhandler"
)

// Options of a [Service]. A nil *Options is all defaults.
type Options struct {
	// Hub (ce-hub) of the events, a valid name of a hub; defaults to [DefaultHub].
	Hub string
	// ConnectionString of the service: its host is the origin of the requests, and its
	// key signs them. It defaults to the constant [ConnectionString].
	ConnectionString string
	// SecondaryKey makes the second of the two signatures of each event. It defaults
	// to a random key.
	SecondaryKey string
	// Origins (WebHook-Request-Origin) are the service's host names, sent in one
	// header line, as by a service with replicas or custom domains. They default to
	// the connection string's host.
	Origins []string

	// Identity whose token is sent with each event (Authorization), beside the signature;
	// nil for none. Validation requests have no token: the service's documentation does
	// not say that they have one.
	Identity *Identity

	// URL of the handler, a template as in the hub's settings: in path and query,
	// {event} is replaced by the event's name, or "validate" in a validation request,
	// and {hub} by the hub. It defaults to [DefaultURL].
	//
	// To test a handler that uses [webpubsub.Meta.PathValue], mount it on an
	// [http.ServeMux], pass the mux to [New] and set a URL that the pattern matches.
	URL string
	// Transport sends the requests if [New] gets a nil handler; defaults to
	// [http.DefaultTransport], with a connection for each request.
	Transport http.RoundTripper

	// Retry delivers an event or validation request up to four times, as the service
	// does: after a transport error, 408 or any 5xx it waits for 1, 3 and 5 seconds.
	// By default there is one delivery.
	Retry bool
}

// String returns the hub, and no key.
func (o Options) String() string {
	return fmt.Sprintf("httptest.Options(hub %q)", cmp.Or(o.Hub, DefaultHub))
}

// GoString returns the String.
func (o Options) GoString() string { return o.String() }

// Format writes the String for every verb.
func (o Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// LogValue returns the String.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// Service is a fake of the service. It is safe for concurrent use, and prints and
// logs without its keys.
type Service struct {
	hub     string
	origin  string // the service's own host
	origins []string
	keys    []string
	id      *Identity // nil for none
	url     upstream.Template
	sender  upstream.Sender
	direct  upstream.Sender // never retries
}

// String returns the hub and the origin, and no key.
func (s *Service) String() string {
	return fmt.Sprintf("httptest.Service(hub %q of %s)", s.hub, s.origin)
}

// GoString returns the String.
func (s *Service) GoString() string { return s.String() }

// Format writes the String for every verb.
func (s *Service) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue returns the String.
func (s *Service) LogValue() slog.Value { return slog.StringValue(s.String()) }

// New returns a service that sends its events to h in memory, in the goroutine of
// the test. With a nil h it sends them to [Options.URL] over the network.
//
// New panics if the options are invalid, as net/http/httptest does.
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
		return nil, errors.New("handler is nil and URL is empty, want one of them")
	}
	if h != nil && o.Transport != nil {
		return nil, errors.New("Transport is set, but the handler is called in memory")
	}
	o.Hub = cmp.Or(o.Hub, DefaultHub)
	if err := rule.CheckHub(o.Hub); err != nil {
		return nil, fmt.Errorf("Hub: %w", err)
	}
	c, err := connstr.Parse(cmp.Or(o.ConnectionString, ConnectionString))
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
		keys:    []string{c.AccessKey, cmp.Or(o.SecondaryKey, rand.Text())},
	}
	if s.id = o.Identity; s.id != nil && s.id.issuer == nil {
		return nil, errors.New("Identity was not made by NewIdentity")
	}
	if s.origins == nil {
		s.origins = []string{c.Host()}
	}
	if s.url, err = upstream.ParseTemplate(cmp.Or(o.URL, DefaultURL)); err != nil {
		return nil, fmt.Errorf("URL: %w", err)
	}
	s.direct.Transport = o.Transport
	if h != nil {
		s.direct.Transport = upstream.Memory{Handler: h}
	} else {
		s.direct.Transport = upstream.Spelled{Next: o.Transport}
	}
	s.sender = s.direct
	s.sender.Retry = o.Retry
	return s, nil
}

// Validate asks the handler for its consent, as the service does before it sends
// events: by OPTIONS and, after a 404, by GET. It returns nil if the handler
// consents, and a [*NoConsentError] if it does not. The other methods do not
// validate first.
func (s *Service) Validate(ctx context.Context) error {
	req, err := s.NewValidationRequest(ctx)
	if err != nil {
		return err
	}
	return wrapError(wire.NameValidate, s.sender.Validate(ctx, req, s.origins))
}

// NewValidationRequest returns the request that asks for consent: OPTIONS with
// WebHook-Request-Origin, without signature and cookies. For the attempt after a
// 404, set its Method to GET.
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
	// BodyRead is the number of bytes of the request's body that the handler read.
	// Over the network it is the number of bytes sent.
	BodyRead int64
}

// Do sends a request to the handler, without retries, and returns the answer
// whatever its status. The error is a [*DeliveryError].
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
		return nil, wrapError(cmp.Or(req.Header.Get(wire.HeaderEventName), wire.NameValidate), err)
	}
	return &Answer{Status: answer.Status, Header: answer.Header, Body: answer.Body, BodyRead: counted.n.Load()}, nil
}
