package otelwebpubsub_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/protocol"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
)

const secret = "s3cr3t-that-nobody-may-see"

// everything returns all spans and metrics as text.
func (r *rig) everything(tb testing.TB) string {
	tb.Helper()
	spans, err := json.Marshal(tracetest.SpanStubsFromReadOnlySpans(r.spans.Ended()))
	require.NoError(tb, err)
	require.NotEmpty(tb, r.spans.Ended())
	metrics, err := json.Marshal(r.metrics(tb))
	require.NoError(tb, err)
	return string(spans) + string(metrics) + fmt.Sprintf("%+v", r.metrics(tb))
}

func holdsNone(tb testing.TB, text string) {
	tb.Helper()
	for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))[:24], url.QueryEscape(secret), fmt.Sprintf("%x", secret)} {
		assert.NotContains(tb, text, form)
	}
}

// TestHandlerShowsNoSecret puts a secret everywhere: claims, tokens, query, headers,
// cookies, certificates, user, groups, roles, payloads, metadata, state, errors, panics,
// and names of events without a function.
func TestHandlerShowsNoSecret(t *testing.T) {
	t.Parallel()
	for _, linking := range []bool{false, true} {
		r := newRig(t, otelwebpubsub.Options{LinkConnections: linking})
		var state webpubsub.State[map[string]string]
		send := r.Sender(func(context.Context, cloudevents.Event) protocol.Result { return errors.New(secret) })
		svc := r.started(t, webpubsub.Config{
			Hub: "chat",
			OnConnect: func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
				return &webpubsub.ConnectReply{UserID: secret, Groups: []string{secret}, State: state.Set(map[string]string{"k": secret})}, nil
			},
			UserEvents: map[string]webpubsub.UserEventFunc{
				"say": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
					return webpubsub.TextReply(secret), nil
				},
				"fail": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
					return webpubsub.Reply{}, errors.New(secret)
				},
				"panic": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) { panic(secret) },
				"refuse": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
					return webpubsub.Reply{}, webpubsub.Forbidden(secret)
				},
				"decode": webpubsub.JSON(func(context.Context, *webpubsub.UserEvent, int) (int, error) { return 0, nil }),
				"forward": func(ctx context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
					out, err := ev.CloudEvent()
					return webpubsub.Reply{}, errors.Join(err, send(ctx, out))
				},
			},
		})
		all := map[string][]string{"Authorization": {"Bearer " + secret}, "Cookie": {"session=" + secret}, secret: {secret}}
		conn, err := svc.Connect(t.Context(), &httptest.Client{
			UserID: secret, Groups: []string{secret}, Roles: []string{secret}, Claims: map[string][]string{secret: {secret}},
			Query: url.Values{"access_token": {secret}}, Headers: all, Subprotocols: []string{secret},
			Certificates: []webpubsub.ClientCertificate{{Thumbprint: secret, Content: secret}},
		})
		require.NoError(t, err)
		require.NoError(t, conn.Connected(t.Context()))
		require.NoError(t, conn.JoinedGroup(t.Context(), secret))
		for _, event := range []string{"say", "fail", "panic", "refuse", "decode", "forward", secret} {
			_, _ = conn.Send(t.Context(), event, httptest.Message{DataType: webpubsub.DataText, Data: []byte(`"` + secret + `"`), Metadata: map[string]string{"k": secret}})
		}
		require.NoError(t, conn.Disconnect(t.Context(), secret))
		assert.Len(t, r.spans.Ended(), 12)
		holdsNone(t, r.everything(t))
	}
}
