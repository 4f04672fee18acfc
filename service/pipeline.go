package service

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/tracing"

	"github.com/go-webpubsub/webpubsub/internal/version"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Names of this package for the service and for tracers.
const (
	moduleName       = "github.com/go-webpubsub/webpubsub"
	moduleVersion    = "v" + version.Version
	tracingNamespace = "Microsoft.SignalRService"
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

// span starts a span of a trace for an operation.
func (p pipelines) span(ctx context.Context, operation string) (context.Context, func(error)) {
	if !p.tracer.Enabled() {
		return ctx, func(error) {}
	}
	return runtime.StartSpan(ctx, "Client."+operation, p.tracer, nil)
}
