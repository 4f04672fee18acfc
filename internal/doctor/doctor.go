// Package doctor checks the event handler at a URL, over the network. It sends the
// requests of the service, runs the checks of package conformance, and names the causes
// of errors of DNS, TCP and TLS. It follows no redirects and sends no cookies.
package doctor

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/internal/conformance"
	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Name is what the events of a check have for a user, a group and a user event. The ids
// of connections begin with it.
const Name = "webpubsub-check"

// minSecret is the length of the shortest value of a query that is treated as secret.
const minSecret = 4

// Options of a check.
type Options struct {
	// URL of the handler, a template as in the hub's settings.
	URL string
	// Hub of the events.
	Hub string
	// Service for which the handler is configured. Its key signs the events.
	Service connstr.ConnectionString
	// Others are services whose keys the handler must not accept for events of Service.
	Others []connstr.ConnectionString
	// AnyHub means that the handler may accept the events of other hubs.
	AnyHub bool
	// UserID of the events; defaults to [Name].
	UserID string
	// Events are the names of the user events; defaults to [Name] alone.
	Events []string
	// Timeout is the longest time for an answer, up to that of the service, to which it
	// defaults.
	Timeout time.Duration
	// Transport sends the requests; defaults to one like the service's.
	Transport http.RoundTripper
	// Now is the clock for the time of answers; defaults to [time.Now].
	Now func() time.Time
}

// OptionError reports an invalid option.
type OptionError struct {
	// Field of [Options].
	Field string
	Err   error
}

// Error returns the field, the value and the rule.
func (e *OptionError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns the error without the field.
func (e *OptionError) Unwrap() error { return e.Err }

// Check runs all checks and reports each result. It returns an [*OptionError] before it
// has sent anything, and ctx's error if ctx ends.
func Check(ctx context.Context, opts Options, report func(conformance.Result)) error {
	v, err := newVisit(opts)
	if err != nil {
		return err
	}
	return conformance.Run(v.target(ctx), report)
}

// visit is the state of a check.
type visit struct {
	opts     Options
	second   string // a key that only the service has
	requests *httptest.Service
}

func newVisit(opts Options) (*visit, error) {
	v := &visit{opts: opts, second: rand.Text()}
	if _, err := upstream.ParseTemplate(opts.URL); err != nil {
		return nil, &OptionError{"URL", err}
	}
	if err := rule.CheckHub(opts.Hub); err != nil {
		return nil, &OptionError{"Hub", err}
	}
	if opts.Service.Endpoint == nil || opts.Service.AccessKey == "" {
		return nil, &OptionError{"Service", errNoKey}
	}
	for _, other := range opts.Others {
		if other.Endpoint == nil || other.AccessKey == "" {
			return nil, &OptionError{"Others", errNoKey}
		}
	}
	v.opts.UserID = cmp.Or(opts.UserID, Name)
	if err := rule.CheckUser(v.opts.UserID); err != nil {
		return nil, &OptionError{"UserID", err}
	}
	if len(opts.Events) == 0 {
		v.opts.Events = []string{Name}
	}
	for _, name := range v.opts.Events {
		if err := rule.CheckEvent(name); err != nil {
			return nil, &OptionError{"Events", err}
		}
	}
	if opts.Timeout < 0 {
		return nil, &OptionError{"Timeout", fmt.Errorf("%v is negative", opts.Timeout)}
	}
	if opts.Transport == nil {
		v.opts.Transport = newTransport()
	}
	if opts.Now == nil {
		v.opts.Now = time.Now
	}
	v.requests = httptest.New(nil, &httptest.Options{
		Hub: opts.Hub, SecondaryKey: v.second,
		ConnectionString: "Endpoint=" + opts.Service.Endpoint.String() + ";AccessKey=" + opts.Service.AccessKey,
		URL:              opts.URL, Transport: v.opts.Transport,
	})
	return v, nil
}

var errNoKey = errors.New("connection string has no AccessKey to sign with")

func (v *visit) target(ctx context.Context) conformance.Target {
	others := make([]conformance.Endpoint, len(v.opts.Others))
	for i, other := range v.opts.Others {
		others[i] = conformance.Endpoint{Origin: other.Host(), Key: other.AccessKey}
	}
	return conformance.Target{
		URL:        v.opts.URL,
		Origin:     v.opts.Service.Host(),
		Hub:        v.opts.Hub,
		AnyHub:     v.opts.AnyHub,
		Keys:       []string{v.opts.Service.AccessKey, v.second},
		Secrets:    v.secrets(),
		Others:     others,
		UserID:     v.opts.UserID,
		Group:      Name,
		UserEvents: v.opts.Events,
		Validation: func() (*http.Request, error) { return v.requests.NewValidationRequest(ctx) },
		Event:      func(ev conformance.Event) (*http.Request, error) { return v.event(ctx, ev) },
		Do:         v.do,
	}
}

// secrets returns the keys and the values of the URL's query, as they may be in an
// answer. A shorter value is not secret, and would hide parts of words.
func (v *visit) secrets() []string {
	all := []string{v.opts.Service.AccessKey, v.second}
	for _, other := range v.opts.Others {
		all = append(all, other.AccessKey)
	}
	_, query, _ := strings.Cut(v.opts.URL, "?")
	for pair := range strings.SplitSeq(query, "&") {
		_, value, _ := strings.Cut(pair, "=")
		unescaped, err := url.QueryUnescape(value)
		if len(value) < minSecret || err != nil {
			continue
		}
		all = append(all, value, unescaped)
	}
	// One may be a part of another.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// event returns a valid request. Its connection id says what it is.
func (v *visit) event(ctx context.Context, in conformance.Event) (*http.Request, error) {
	ev := httptest.Event{
		Type: in.Type, Name: in.Name, ContentType: in.ContentType, Data: []byte(in.Body),
		UserID: in.UserID, ConnectionID: newID(),
	}
	if in.MQTT {
		ev.Subprotocol, ev.PhysicalConnectionID = wire.SubprotocolMQTT, newID()
		if in.Type != wire.TypeConnect {
			ev.SessionID = newID()
		}
	}
	return v.requests.NewRequest(ctx, ev)
}

func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return Name + "-" + hex.EncodeToString(b[:])
}

// do sends a request. It waits for the answer as long as the service does.
func (v *visit) do(req *http.Request) (*conformance.Answer, error) {
	limit := upstream.EventTimeout
	if req.Header.Get(wire.HeaderEventName) == "" {
		limit = upstream.ValidationTimeout
	}
	if v.opts.Timeout > 0 {
		limit = min(limit, v.opts.Timeout)
	}
	ctx, cancel := context.WithTimeoutCause(req.Context(), limit, fmt.Errorf("%w: %v", upstream.ErrTimeout, limit))
	defer cancel()
	start := v.opts.Now()
	answer, err := v.requests.Do(req.WithContext(ctx))
	if err != nil {
		var undelivered *httptest.DeliveryError
		if errors.As(err, &undelivered) {
			err = undelivered.Err
		}
		return nil, explain(req.URL, err)
	}
	return &conformance.Answer{Status: answer.Status, Header: answer.Header, Body: answer.Body, Took: v.opts.Now().Sub(start)}, nil
}
