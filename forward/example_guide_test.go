package forward_test

import (
	"context"
	"log"
	"net/http"
	stdhttptest "net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/forward"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// The functions of this file are the Go blocks of docs/forwarding.md.

func forwarding(connectionString, sinkURL string) *webpubsub.Handler {
	protocol, err := cloudevents.NewHTTP(cloudevents.WithTarget(sinkURL))
	if err != nil {
		log.Fatal(err)
	}
	sink, err := cloudevents.NewClient(protocol, client.WithForceStructured())
	if err != nil {
		log.Fatal(err)
	}
	toSink, err := forward.To(sink.Send, nil)
	if err != nil {
		log.Fatal(err)
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{connectionString},
		Interceptors:      []webpubsub.Interceptor{toSink},
	})
	if err != nil {
		log.Fatal(err)
	}
	return h
}

func onlyOrders(send forward.Sender) (webpubsub.Interceptor, error) {
	return forward.To(send, &forward.Options{
		Select: func(ev webpubsub.Event) bool {
			order, ok := ev.(*webpubsub.UserEvent)
			return ok && order.EventName == "order"
		},
		HandleFirst: true, // an order that is refused is not sent
		Timeout:     5 * time.Second,
		MaxBytes:    256 << 10,
	})
}

func withTrace(send forward.Sender, current func(context.Context) (traceparent, tracestate string)) (webpubsub.Interceptor, error) {
	return forward.To(send, &forward.Options{
		TraceContext: func(ctx context.Context, _ webpubsub.Event) (string, string) {
			return current(ctx) // for example of an OpenTelemetry span
		},
	})
}

type publisher interface {
	Publish(ctx context.Context, id string, data []byte) error
}

func senderOf(queue publisher) forward.Sender {
	return func(ctx context.Context, ev cloudevents.Event) cloudevents.Result {
		data, err := ev.MarshalJSON()
		if err != nil {
			return err
		}
		return queue.Publish(ctx, forward.MessageID(ev), data) // nil is an acknowledgement
	}
}

// TestGuide checks that each Go block of docs/forwarding.md is a part of this file.
func TestGuide(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile("example_guide_test.go")
	require.NoError(t, err)
	all := string(code) + strings.ReplaceAll(string(code), "\n\t", "\n") // and the bodies of functions
	guide, err := os.ReadFile("../docs/forwarding.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)\n```go\n(.*?)\n```\n").FindAllStringSubmatch(string(guide), -1)
	require.Len(t, blocks, 4)
	for _, block := range blocks {
		assert.Contains(t, all, "\n"+block[1]+"\n")
	}
}

func TestGuideForwarding(t *testing.T) {
	t.Parallel()
	var media string
	sink := stdhttptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { media = r.Header.Get("Content-Type") }))
	t.Cleanup(sink.Close)
	_, err := connect(t, forwarding(httptest.ConnectionString, sink.URL), nil).SendText(t.Context(), "say", "hello")
	require.NoError(t, err)
	assert.Equal(t, cloudevents.ApplicationCloudEventsJSON, media)
}

func TestGuideOrders(t *testing.T) {
	t.Parallel()
	var q queue
	toQueue, err := onlyOrders(q.Send)
	require.NoError(t, err)
	h := handler(t, webpubsub.Config{UserEvents: map[string]webpubsub.UserEventFunc{
		"order": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
			if string(ev.Data) == "nothing" {
				return webpubsub.Reply{}, webpubsub.BadRequest("order something")
			}
			return webpubsub.Reply{}, nil
		},
	}}, toQueue)
	conn := connect(t, h, nil)
	for _, event := range []string{"order", "say"} {
		_, err = conn.SendText(t.Context(), event, "tea")
		require.NoError(t, err)
	}
	_, err = conn.SendText(t.Context(), "order", "nothing")
	require.Error(t, err)
	assert.Equal(t, "tea", string(q.one(t).Data()))
}

func TestGuideTrace(t *testing.T) {
	t.Parallel()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var q queue
	toQueue, err := withTrace(q.Send, func(context.Context) (string, string) { return parent, "" })
	require.NoError(t, err)
	_, err = connect(t, handler(t, webpubsub.Config{}, toQueue), nil).SendText(t.Context(), "say", "hello")
	require.NoError(t, err)
	assert.Equal(t, parent, q.one(t).Extensions()["traceparent"])
}

type published map[string]string

func (p published) Publish(_ context.Context, id string, data []byte) error {
	p[id] = string(data)
	return nil
}

func TestGuideSender(t *testing.T) {
	t.Parallel()
	queue := published{}
	h := handler(t, webpubsub.Config{}, interceptor(t, senderOf(queue), nil))
	_, err := connect(t, h, nil).SendText(t.Context(), "say", "hello")
	require.NoError(t, err)
	assert.Contains(t, queue["/hubs/chat/client/c1/2"], `"data":"hello"`)
}
