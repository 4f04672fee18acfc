package service

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/tracing"

	"github.com/go-webpubsub/webpubsub/internal/version"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// What the client tells the service and tracers about itself.
const (
	moduleName       = "github.com/go-webpubsub/webpubsub"
	moduleVersion    = "v" + version.Version
	tracingNamespace = "Microsoft.SignalRService"
)

// Limits of the body of an answer.
const (
	maxBody      = 8 << 20 // a page of a listing
	maxErrorBody = 64 << 10
)

// route selects a pipeline.
type route uint8

const (
	routeStandard route = iota // retries failures
	routeSend                  // retries only what the service cannot have accepted
	routeToken                 // logs no body, since the answer is a secret
	routes
)

// pipelines has a pipeline for each route.
type pipelines struct {
	tracer tracing.Tracer
	to     [routes]runtime.Pipeline
}

// newPipelines returns pipelines that authorise each try anew, for the URL of the
// service, before they redirect it to the proxy.
func newPipelines(auth, proxy policy.Policy, o Options) pipelines {
	co := o.ClientOptions
	co.APIVersion = "" // it is in each URL already, and in the audience of its token
	co.Retry.StatusCodes = slices.Clone(co.Retry.StatusCodes)
	co.Logging.AllowedHeaders = slices.DeleteFunc(slices.Clone(co.Logging.AllowedHeaders), func(name string) bool {
		return strings.EqualFold(name, wire.HeaderAuthorization)
	})
	co.Transport = transport{next: co.Transport}
	if o.Transport == nil {
		co.Transport = transport{next: defaultTransport()}
	}
	perRetry := []policy.Policy{auth}
	if proxy != nil {
		perRetry = append(perRetry, proxy)
	}
	build := func(perRetry []policy.Policy, co policy.ClientOptions) runtime.Pipeline {
		return runtime.NewPipeline(moduleName, moduleVersion, runtime.PipelineOptions{PerRetry: perRetry}, &co)
	}

	tracer := co.TracingProvider.NewTracer(moduleName, moduleVersion)
	if tracer.Enabled() {
		tracer.SetAttributes(tracing.Attribute{Key: "az.namespace", Value: tracingNamespace})
	}
	p := pipelines{tracer: tracer}
	p.to[routeStandard] = build(perRetry, co)
	p.to[routeSend] = p.to[routeStandard]
	if !o.RetrySends {
		once := co
		once.PerCallPolicies = append(slices.Clone(co.PerCallPolicies), policyFunc(showTaken))
		p.to[routeSend] = build(append([]policy.Policy{policyFunc(holdTaken)}, perRetry...), once)
	}
	silent := co
	silent.Logging.IncludeBody = false
	p.to[routeToken] = build(perRetry, silent)
	return p
}

type policyFunc func(*policy.Request) (*http.Response, error)

func (f policyFunc) Do(req *policy.Request) (*http.Response, error) { return f(req) }

// keyPolicy authorises each try with a token for its URL.
type keyPolicy struct{ key *AccessKey }

func (p keyPolicy) Do(req *policy.Request) (*http.Response, error) {
	raw := req.Raw()
	authorization, err := p.key.authorize(raw.URL.String(), time.Now())
	if err != nil {
		return nil, err
	}
	raw.Header[wire.HeaderAuthorization] = []string{authorization}
	return req.Next()
}

// proxyPolicy sends a request to another base URL. It does not change the request,
// since the policies before it may send it again.
type proxyPolicy struct{ from, to *url.URL }

func (p proxyPolicy) Do(req *policy.Request) (*http.Response, error) {
	moved := req.WithContext(req.Raw().Context())
	raw := moved.Raw()
	raw.URL = rebase(raw.URL, p.from, p.to)
	raw.Host = raw.URL.Host
	return moved.Next()
}

// takenError ends the retries of a request that the service may have accepted.
type takenError struct {
	error // nil: there was an answer
	resp  *http.Response
}

func (*takenError) NonRetriable()   {}
func (e *takenError) Unwrap() error { return e.error }
func (e *takenError) Error() string {
	if e.error == nil {
		return "answered " + e.resp.Status
	}
	return e.error.Error()
}

// holdTaken makes a takenError, within the retries.
func holdTaken(req *policy.Request) (*http.Response, error) {
	resp, err := req.Next()
	switch {
	case err != nil && neverSent(err):
		return resp, err
	case err != nil:
		return resp, &takenError{error: err}
	case resp.StatusCode < 400, resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		return resp, nil
	}
	return resp, &takenError{resp: resp}
}

// showTaken returns the answer or error of a takenError, around the retries.
func showTaken(req *policy.Request) (*http.Response, error) {
	resp, err := req.Next()
	if err == nil {
		return resp, nil
	}
	var taken *takenError
	if !errors.As(err, &taken) {
		return resp, err
	}
	if taken.resp != nil {
		return taken.resp, nil
	}
	return resp, taken.error
}

// neverSent reports whether a transport failed before it had a connection.
func neverSent(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// transport removes URLs and tokens from errors and refusals, before they can be
// logged, and limits bodies.
type transport struct{ next policy.Transporter }

func (t transport) Do(req *http.Request) (*http.Response, error) {
	if err := openBody(req); err != nil {
		return nil, err
	}
	resp, err := t.next.Do(req)
	switch {
	case err != nil:
		return nil, withoutToken(withoutURL(err), bearer(req))
	case resp == nil:
		return nil, errors.New("transport returned neither answer nor error")
	}
	if resp.Request == nil {
		resp.Request = req
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		hideToken(resp, bearer(req))
	} else if resp.Body != http.NoBody {
		resp.Body = &boundedBody{resp.Body, maxBody}
	}
	return resp, nil
}

// hideToken reads the body of an answer and removes the token of its request from
// the whole answer.
func hideToken(resp *http.Response, token string) {
	body, _ := io.ReadAll(&boundedBody{resp.Body, maxErrorBody}) // a part is enough
	_ = resp.Body.Close()
	if token != "" {
		body = bytes.ReplaceAll(body, []byte(token), []byte(redacted))
		resp.Status = strings.ReplaceAll(resp.Status, token, redacted)
		for _, values := range resp.Header {
			for i := range values {
				values[i] = strings.ReplaceAll(values[i], token, redacted)
			}
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
}

// withoutToken returns an error whose text has no token: the error of net/http for a
// redirect quotes the answer.
func withoutToken(err error, token string) error {
	if text := err.Error(); token != "" && strings.Contains(text, token) {
		return errors.New(strings.ReplaceAll(text, token, redacted))
	}
	return err
}

func bearer(req *http.Request) string {
	return strings.TrimPrefix(req.Header.Get(wire.HeaderAuthorization), bearerPrefix)
}

// boundedBody is a body that ends after left bytes.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// withoutURL returns the cause of errors with a URL, which names users, groups and
// filters.
func withoutURL(err error) error {
	for {
		var u *url.Error
		if !errors.As(err, &u) {
			return err
		}
		err = u.Err
	}
}

// defaultTransport does not follow redirects: a token is for one URL, and a message
// must not go to another host. All clients share its connections.
var defaultTransport = sync.OnceValue(func() *http.Client {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dialer.DialContext,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          100,
			MaxIdleConnsPerHost:   100, // all go to the same few hosts
			IdleConnTimeout:       90 * time.Second,
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
			HTTP2:                 &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		},
	}
})

// span starts a span of a trace for an operation.
func (p pipelines) span(ctx context.Context, operation string) (context.Context, func(error)) {
	if !p.tracer.Enabled() {
		return ctx, func(error) {}
	}
	return runtime.StartSpan(ctx, "Client."+operation, p.tracer, nil)
}
