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

// Send sends an event and waits for the answer of the sink. It is a [forward.Sender].
func (s *Sink) Send(ctx context.Context, ev cloudevents.Event) cloudevents.Result {
	if result := s.client.Send(ctx, ev); !cloudevents.IsACK(result) {
		return cause(result)
	}
	return cloudevents.ResultACK
}

// cause returns an error for the log without the URL of the sink, which may contain a
// key, and without its answer, which may contain the event.
func cause(result cloudevents.Result) cloudevents.Result {
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
