package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/client"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/go-webpubsub/webpubsub"
)

// Sink is an HTTP endpoint that takes CloudEvents.
type Sink struct{ client cloudevents.Client }

// NewSink makes a client for the endpoint at target, an http or https URL.
func NewSink(target string) (*Sink, error) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("sink is not an http or https URL") // not printed: it may hold a key
	}
	protocol, err := cloudevents.NewHTTP(cloudevents.WithTarget(target), cehttp.WithClient(http.Client{
		Transport: briefAnswers{http.DefaultTransport},
		// An event goes to the sink it was meant for, or nowhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}))
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	// Structured mode: the whole event is one JSON document. In binary mode
	// attributes are headers, and a user id such as "Zoë" is no legal one.
	c, err := cloudevents.NewClient(protocol, client.WithForceStructured())
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	return &Sink{client: c}, nil
}

// Forward is a [webpubsub.UserEventFunc] that sends events on and the client
// nothing. Unless the sink accepts an event it answers 503, so that the service
// delivers it again, up to three times. The sink may therefore see an event more
// than once, and knows it by its source and id.
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

// cause says what went wrong in words for a log: neither the sink's URL, which
// may hold a key, nor its answer, which may repeat the event.
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

// briefAnswers cuts the sink's answers: the SDK reads all of one that is not 2xx.
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
