package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// How long the service waits for the header of an answer.
const (
	EventTimeout      = 100 * time.Second
	ValidationTimeout = 10 * time.Second
)

// retryWaits are the service's pauses between the attempts of one delivery.
func retryWaits() []time.Duration {
	return []time.Duration{1 * time.Second, 3 * time.Second, 5 * time.Second}
}

// Errors of a delivery, matched with [errors.Is]. Neither is retried.
var (
	// ErrTimeout says that the header of an answer did not come in time.
	ErrTimeout = errors.New("no answer in time")
	// ErrAnswerTooLarge says that an answer is longer than the service reads.
	ErrAnswerTooLarge = fmt.Errorf("answer is longer than %d bytes", wire.MaxUpstreamAnswer)
)

// Sender delivers requests. It follows no redirect and keeps no cookies: both
// would take an event, or what an answer set, to where it does not belong.
type Sender struct {
	// Transport carries the requests; nil is [http.DefaultTransport].
	Transport http.RoundTripper
	// Retry repeats a delivery, up to four attempts in all, after a transport
	// error, 408 and any 5xx, with waits of 1, 3 and 5 seconds.
	Retry bool
}

// Answer is what came back from one delivery.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// Attempts is how often the request was sent.
	Attempts int
}

// maxText is how many bytes of what a handler wrote go into an error or a log.
const maxText = 128

// Text returns the beginning of a refusal's body as one line, for errors and logs.
// It is cut after 128 bytes and has no control characters; the caller quotes it.
func Text(body []byte) string {
	head := body[:min(len(body), 4*maxText)]
	return excerpt.Line(strings.TrimSpace(string(head)), maxText)
}

// OK reports whether the answer is a success: any 2xx.
func (a *Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// DeliveryError is a delivery that ended without a usable answer.
type DeliveryError struct {
	Attempts int
	Err      error
}

// Error returns the last attempt's error.
func (e *DeliveryError) Error() string {
	return fmt.Sprintf("no answer after %d attempt(s): %v", e.Attempts, e.Err)
}

// Unwrap returns the last attempt's error.
func (e *DeliveryError) Unwrap() error { return e.Err }

// Send delivers a request and reads the answer, whatever its status. Every
// attempt is the same request, header and body, which needs GetBody if there is
// a body. The timeout is that of each attempt. Its error is a [*DeliveryError].
func (s *Sender) Send(ctx context.Context, req *http.Request, timeout time.Duration) (*Answer, error) {
	var waits []time.Duration
	if s.Retry {
		waits = retryWaits()
	}
	for attempt := 1; ; attempt++ {
		answer, err := s.attempt(ctx, req, timeout)
		if err == nil {
			answer.Attempts = attempt
			if !Retried(answer.Status) || attempt > len(waits) {
				return answer, nil
			}
		} else if !retriedError(ctx, err) || attempt > len(waits) {
			return nil, &DeliveryError{Attempts: attempt, Err: err}
		}
		if err := wait(ctx, waits[attempt-1]); err != nil {
			return nil, &DeliveryError{Attempts: attempt, Err: err}
		}
	}
}

// Retried reports whether an answer of a status is asked for again: 408 and any 5xx.
func Retried(status int) bool {
	return status == http.StatusRequestTimeout || status >= 500
}

func retriedError(ctx context.Context, err error) bool {
	var local *localError
	return ctx.Err() == nil && !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrAnswerTooLarge) && !errors.As(err, &local)
}

// localError is a mistake found before anything is sent; it would be found
// again by every further attempt.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Sender) attempt(ctx context.Context, req *http.Request, timeout time.Duration) (*Answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, &localError{fmt.Errorf("read request body again: %w", err)}
		}
		out.Body = body
	}
	if err := CheckHeader(out.Header); err != nil {
		return nil, &localError{err}
	}
	transport := s.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	timer := time.AfterFunc(timeout, func() { cancel(ErrTimeout) })
	resp, err := transport.RoundTrip(out)
	if inTime := timer.Stop(); !inTime {
		if err == nil {
			_ = resp.Body.Close()
		}
		return nil, fmt.Errorf("%w: %v", ErrTimeout, timeout)
	}
	if err != nil {
		return nil, err
	}
	return readAnswer(resp)
}

// readAnswer reads a response to its end, or to the service's limit.
func readAnswer(resp *http.Response) (*Answer, error) {
	defer resp.Body.Close()
	if resp.ContentLength > wire.MaxUpstreamAnswer {
		return nil, ErrAnswerTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, wire.MaxUpstreamAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > wire.MaxUpstreamAnswer {
		return nil, ErrAnswerTooLarge
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// CheckHeader refuses what cannot be written as one header line. Of bytes above
// ASCII only ce-userId may have some: the service's client refuses to send any
// others.
func CheckHeader(header http.Header) error {
	for name, values := range header {
		for _, v := range values {
			for i := range len(v) {
				c := v[i]
				switch {
				case c == '\t' || (c >= ' ' && c < 0x7f):
				case c > 0x7f && http.CanonicalHeaderKey(name) == wire.HeaderUserID:
				default:
					return fmt.Errorf("request header %s has a byte %#x that cannot be sent", name, c)
				}
			}
		}
	}
	return nil
}
