package otelwebpubsub_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
	"github.com/go-webpubsub/webpubsub/service"
)

// answering is a transport that answers with a status and repeats the request.
type answering struct {
	status int
	sent   []http.Header
}

func (a *answering) Do(req *http.Request) (*http.Response, error) {
	a.sent = append(a.sent, req.Header.Clone())
	var said strings.Builder
	_ = req.Header.Write(&said)
	return &http.Response{StatusCode: a.status, Header: http.Header{"X-Said": {req.Header.Get("Authorization")}}, Body: io.NopCloser(strings.NewReader(said.String())), Request: req}, nil
}

// TestService: a call has a span, each try of it another one, with the trace context of the
// call, and without its key, token and message.
func TestService(t *testing.T) {
	t.Parallel()
	const key = "key-" + secret + "-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	r := newRig(t, otelwebpubsub.Options{})
	network := &answering{status: http.StatusServiceUnavailable}
	own := &service.Options{ClientOptions: azcore.ClientOptions{Transport: network, Retry: policy.RetryOptions{MaxRetries: 1, RetryDelay: 1}}}
	s, err := service.NewClientFromConnectionString("Endpoint=https://contoso.webpubsub.azure.com;AccessKey="+key+";Version=1.0;", "chat", r.Service(own))
	require.NoError(t, err)
	assert.Empty(t, own.PerRetryPolicies, "the options are copied")
	ctx, parent := r.tracers.Tracer("").Start(t.Context(), "parent")
	err = s.Group("g").SendText(ctx, secret, &service.SendOptions{Metadata: map[string]string{"k": secret}})
	require.Error(t, err)
	parent.End()

	call := r.only(t, "Client.SendToGroup")
	assert.Equal(t, parent.SpanContext().SpanID(), call.Parent().SpanID())
	assert.Equal(t, codes.Error, call.Status().Code)
	require.Len(t, network.sent, 2)
	for _, header := range network.sent {
		assert.Equal(t, "00-"+call.SpanContext().TraceID().String()+"-"+call.SpanContext().SpanID().String()+"-01", header.Get("Traceparent"))
	}
	tries := 0
	for _, span := range r.spans.Ended() {
		if span.Name() == "HTTP POST" {
			tries++
			assert.Equal(t, trace.SpanKindClient, span.SpanKind())
			assert.Equal(t, call.SpanContext().SpanID(), span.Parent().SpanID())
		}
	}
	assert.Equal(t, 2, tries)
	text := r.everything(t)
	holdsNone(t, text)
	for _, header := range network.sent {
		assert.NotContains(t, text, strings.TrimPrefix(header.Get("Authorization"), "Bearer "))
	}
}

// TestServiceKeepsAProvider: the tracing provider of the options has precedence.
func TestServiceKeepsAProvider(t *testing.T) {
	t.Parallel()
	r, other := newRig(t, otelwebpubsub.Options{}), newRig(t, otelwebpubsub.Options{})
	opts := r.Service(other.Service(&service.Options{ClientOptions: azcore.ClientOptions{Transport: &answering{status: http.StatusAccepted}}}))
	s, err := service.NewClientFromConnectionString("Endpoint=https://contoso.webpubsub.azure.com;AccessKey="+strings.Repeat("k", 40)+";Version=1.0;", "chat", opts)
	require.NoError(t, err)
	require.NoError(t, s.All().SendText(context.Background(), "x", nil))
	assert.Empty(t, r.spans.Ended())
	assert.Len(t, other.spans.Ended(), 2)
}

// TestServiceURLs: the URLs of spans have no names of groups, users and connections.
func TestServiceURLs(t *testing.T) {
	t.Parallel()
	const base = "https://contoso.webpubsub.azure.com/"
	for path, act := range map[string]func(ctx context.Context, s *service.Client) error{
		"api/hubs/chat/groups/{group}/:send": func(ctx context.Context, s *service.Client) error { return s.Group("users").SendText(ctx, "x", nil) },
		"api/hubs/chat/users/{user}/:send": func(ctx context.Context, s *service.Client) error {
			return s.User(secret).SendText(ctx, "x", nil)
		},
		"api/hubs/chat/users/{user}/groups/{group}": func(ctx context.Context, s *service.Client) error {
			return s.Group(secret).AddUser(ctx, secret)
		},
		"api/hubs/chat/groups/{group}/connections/{connection}": func(ctx context.Context, s *service.Client) error {
			return s.Group("connections").AddConnection(ctx, secret)
		},
		"api/hubs/chat/permissions/joinLeaveGroup/connections/{connection}": func(ctx context.Context, s *service.Client) error {
			return s.Connection(secret).Grant(ctx, service.JoinLeaveGroup, secret)
		},
		"api/hubs/chat/:send": func(ctx context.Context, s *service.Client) error {
			return s.All().SendText(ctx, "x", &service.SendOptions{Excluded: []string{secret}})
		},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, otelwebpubsub.Options{})
			opts := r.Service(&service.Options{ClientOptions: azcore.ClientOptions{Transport: &answering{status: http.StatusAccepted}}})
			s, err := service.NewClientFromConnectionString("Endpoint="+base+";AccessKey="+strings.Repeat("k", 40)+";Version=1.0;", "chat", opts)
			require.NoError(t, err)
			_ = act(t.Context(), s) // 202 is not the status of all
			url := ""
			for _, span := range r.spans.Ended() {
				for _, a := range span.Attributes() {
					if a.Key == "http.url" {
						url = a.Value.AsString()
					}
				}
			}
			url, _, _ = strings.Cut(url, "?")
			assert.Equal(t, base+path, url)
			holdsNone(t, r.everything(t))
		})
	}
}
