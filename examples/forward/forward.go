package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/client"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/go-webpubsub/webpubsub"
)

// Sink is an HTTP endpoint that receives CloudEvents.
type Sink struct{ client cloudevents.Client }

// NewSink returns a Sink for target, an http or https URL.
func NewSink(target string) (*Sink, error) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("sink is not an http or https URL") // not printed: it may contain a key
	}
	protocol, err := cloudevents.NewHTTP(cloudevents.WithTarget(target), cehttp.WithClient(http.Client{
		Transport: briefAnswers{&http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			MaxIdleConnsPerHost: 100, // all events go to one host
			IdleConnTimeout:     90 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second,
			ForceAttemptHTTP2:   true,
		}},
		// A redirect must not send events to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}))
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	// Structured mode: the event is one JSON document. In binary mode attributes are
	// headers, and a user id such as "Zoë" is not a valid header.
	c, err := cloudevents.NewClient(protocol, client.WithForceStructured())
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	return &Sink{client: c}, nil
}

// Forward is a [webpubsub.UserEventFunc] that forwards events and sends the client no
// answer. If the sink does not accept an event, it answers 503, and the service
// repeats the event up to three times. The sink can therefore receive an event more
// than once, with the same source and id.
func (s *Sink) Forward(ctx context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
	out, err := ev.CloudEvent()
	if err != nil {
		return webpubsub.Reply{}, err
	}
	if result := s.client.Send(ctx, out); !cloudevents.IsACK(result) {
		return webpubsub.Reply{}, webpubsub.Unavailable("the event could not be forwarded").WithCause(cause(result))
	}
	return webpubsub.Reply{}, nil
}

// cause returns an error for the log without the URL of the sink, which may contain a
// key, and without its answer, which may contain the event.
func cause(result cloudevents.Result) error {
	var answered *cehttp.Result
	if errors.As(result, &answered) {
		return fmt.Errorf("sink answered %d", answered.StatusCode)
	}
	var request *url.Error
	if errors.As(result, &request) {
		return fmt.Errorf("sink: %w", request.Err)
	}
	return fmt.Errorf("sink: %w", result)
}

// briefAnswers limits the answers of the sink: the SDK reads all of those that are
// not 2xx.
type briefAnswers struct{ next http.RoundTripper }

func (b briefAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body := res.Body
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(body, 4<<10), body}
	return res, nil
}
