package upstream

import (
	"cmp"
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

// Timeouts of the service for the header of an answer.
const (
	EventTimeout      = 100 * time.Second
	ValidationTimeout = 10 * time.Second
)

// Errors of a delivery, matched with [errors.Is]. The service retries neither.
var (
	// ErrTimeout reports that the header of an answer did not arrive in time.
	ErrTimeout = errors.New("no answer in time")
	// ErrAnswerTooLarge reports that an answer is longer than the service reads.
	ErrAnswerTooLarge = fmt.Errorf("answer is longer than %d bytes", wire.MaxUpstreamAnswer)
)

// Sender delivers requests. It follows no redirects and keeps no cookies, which
// belong to a [Session].
type Sender struct {
	// Transport sends the requests; defaults to [http.DefaultTransport].
	Transport http.RoundTripper
	// Retry makes up to four attempts: after a transport error, 408 or any 5xx the
	// Sender waits for 1, 3 and 5 seconds.
	Retry bool
}

// Answer is the answer to a delivery.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// Attempts is the number of times that the request was sent.
	Attempts int
	// Log has all attempts, this answer's last.
	Log []Attempt
}

// Attempt is one attempt to deliver a request. It has a status or an error.
type Attempt struct {
	Start, Took time.Duration // since the first attempt began
	Status      int
	Err         error
}

// maxText is the number of bytes of a handler's text that an error or log shows.
const maxText = 128

// Text returns the first 128 bytes of an answer's body as one line without control
// characters, for errors and logs. The caller quotes it.
func Text(body []byte) string {
	head := body[:min(len(body), 4*maxText)]
	return excerpt.Line(strings.TrimSpace(string(head)), maxText)
}

// OK reports whether the answer is a success: any 2xx.
func (a *Answer) OK() bool { return a.Status >= 200 && a.Status < 300 }

// DeliveryError reports a delivery without an answer.
type DeliveryError struct {
	Attempts int
	Log      []Attempt
	Err      error
}

// Error returns the last attempt's error.
func (e *DeliveryError) Error() string {
	return fmt.Sprintf("no answer after %d attempt(s): %v", e.Attempts, e.Err)
}

// Unwrap returns the last attempt's error.
func (e *DeliveryError) Unwrap() error { return e.Err }

// Send delivers a request and returns the answer, whatever its status. All attempts
// send the same header and body; if there is a body, req needs GetBody. The timeout
// is per attempt. The error is a [*DeliveryError].
func (s *Sender) Send(ctx context.Context, req *http.Request, timeout time.Duration) (*Answer, error) {
	var waits []time.Duration
	if s.Retry {
		waits = []time.Duration{1 * time.Second, 3 * time.Second, 5 * time.Second}
	}
	var log []Attempt
	first := time.Now()
	for attempt := 1; ; attempt++ {
		start := time.Since(first)
		answer, err := s.attempt(ctx, req, timeout)
		log = append(log, Attempt{Start: start, Took: time.Since(first) - start, Err: err})
		if err == nil {
			log[attempt-1].Status = answer.Status
			answer.Attempts, answer.Log = attempt, log
			if !Retried(answer.Status) || attempt > len(waits) {
				return answer, nil
			}
		} else if !retriedError(ctx, err) || attempt > len(waits) {
			return nil, &DeliveryError{Attempts: attempt, Log: log, Err: err}
		}
		if err := wait(ctx, waits[attempt-1]); err != nil {
			return nil, &DeliveryError{Attempts: attempt, Log: log, Err: err}
		}
	}
}

// Retried reports whether the service retries after an answer with a status: 408
// and any 5xx.
func Retried(status int) bool {
	return status == http.StatusRequestTimeout || status >= 500
}

func retriedError(ctx context.Context, err error) bool {
	var local *localError
	return ctx.Err() == nil && !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrAnswerTooLarge) && !errors.As(err, &local)
}

// localError is an error found before anything was sent. Retrying is pointless.
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
	timer := time.AfterFunc(timeout, func() { cancel(ErrTimeout) })
	resp, err := cmp.Or(s.Transport, http.DefaultTransport).RoundTrip(out)
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

// readAnswer reads a response up to the service's limit.
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

// CheckHeader returns an error if a value cannot be sent as a header line. Only
// ce-userId may have bytes above ASCII, since the service's HTTP client refuses to
// send others.
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
