package otelwebpubsub

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/tracing"
	"github.com/Azure/azure-sdk-for-go/sdk/tracing/azotel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/go-webpubsub/webpubsub/service"
)

// Service returns a copy of the options of a service client that makes spans: one for each
// call, and one for each HTTP request of it. Nil means the zero options. A
// TracingProvider of opts is kept.
//
// The spans are those of azcore, by package azotel. Their attribute http.url is without the
// names of groups, users and connections. Each request has the header traceparent.
// The emulator passes it on to the events that the call causes. Whether the service does
// is not documented.
func (t *Telemetry) Service(opts *service.Options) *service.Options {
	var out service.Options
	if opts != nil {
		out = *opts
	}
	if !out.TracingProvider.NewTracer(Name, "").Enabled() {
		out.TracingProvider = withoutNames(azotel.NewTracingProvider(t.opts.TracerProvider, nil))
	}
	out.PerRetryPolicies = append(slices.Clip(out.PerRetryPolicies), propagate{})
	return &out
}

// withoutNames returns a provider whose spans have no names of groups, users and
// connections: not in URLs, and not in the texts of errors. These quote the service's
// answers, which may quote the request.
func withoutNames(of tracing.Provider) tracing.Provider {
	return tracing.NewProvider(func(name, version string) tracing.Tracer {
		tracer := of.NewTracer(name, version)
		silent := func(span tracing.Span) tracing.Span {
			return tracing.NewSpan(tracing.SpanImpl{
				End: span.End, SetAttributes: span.SetAttributes, AddEvent: span.AddEvent,
				SetStatus: func(status tracing.SpanStatus, _ string) { span.SetStatus(status, "") },
			})
		}
		return tracing.NewTracer(func(ctx context.Context, name string, opts *tracing.SpanOptions) (context.Context, tracing.Span) {
			if opts != nil {
				opts = &tracing.SpanOptions{Kind: opts.Kind, Attributes: slices.Clone(opts.Attributes)}
				for i, a := range opts.Attributes {
					if url, ok := a.Value.(string); ok && a.Key == "http.url" {
						opts.Attributes[i].Value = pattern(url)
					}
				}
			}
			ctx, span := tracer.Start(ctx, name, opts)
			return ctx, silent(span)
		}, &tracing.TracerOptions{SpanFromContext: func(ctx context.Context) tracing.Span { return silent(tracer.SpanFromContext(ctx)) }})
	}, nil)
}

// pattern returns a URL of the REST API with placeholders for the names of groups, users and
// connections. In its query, azcore has replaced all values but the version.
func pattern(url string) string {
	url, query, _ := strings.Cut(url, "?")
	const root = "/api/hubs/"
	base, path, _ := strings.Cut(url, root)
	segments := strings.Split(path, "/") // the first is the hub
	for i := 1; i+1 < len(segments); i++ {
		switch segments[i] {
		case "groups", "users", "connections":
			segments[i+1] = "{" + strings.TrimSuffix(segments[i], "s") + "}"
			i++
		}
	}
	if path != "" {
		url = base + root + strings.Join(segments, "/")
	}
	if query != "" {
		url += "?" + query
	}
	return url
}

// propagate is a policy that sends the trace context of a request.
type propagate struct{}

// Do sets the headers of the trace context.
func (propagate) Do(req *policy.Request) (*http.Response, error) {
	w3c.Inject(req.Raw().Context(), propagation.HeaderCarrier(req.Raw().Header))
	return req.Next()
}
