package service_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
)

func fails(err error) func(int, *http.Request) (*http.Response, error) {
	return func(int, *http.Request) (*http.Response, error) { return nil, err }
}

// TestRetries: how often is a failing request tried?
func TestRetries(t *testing.T) {
	t.Parallel()
	dial := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	read := &net.OpError{Op: "read", Err: errors.New("connection reset")}
	tests := []struct {
		name   string
		answer func(int, *http.Request) (*http.Response, error)
		send   int // tries of a send
		all    int // tries of a send with RetrySends, and of all else
	}{
		{"400", answers(400), 1, 1},
		{"401", answers(401), 1, 1},
		{"404", answers(404), 1, 1},
		{"408", answers(408), 1, 4},
		{"429", answers(429), 4, 4},
		{"500", answers(500), 1, 4},
		{"502", answers(502), 1, 4},
		{"503", answers(503), 4, 4},
		{"504", answers(504), 1, 4},
		{"503 then 500", answers(503, 500), 2, 4},
		{"connection refused", fails(&url.Error{Op: "Post", URL: "https://secret", Err: dial}), 4, 4},
		{"proxy refused", fails(&net.OpError{Op: "proxyconnect", Err: dial.Err}), 4, 4},
		{"no such host", fails(&net.DNSError{Err: "no such host", Name: "x"}), 4, 4},
		{"connection reset", fails(&url.Error{Op: "Post", URL: "https://secret", Err: read}), 1, 4},
		{"end of file", fails(io.ErrUnexpectedEOF), 1, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tries := func(t *testing.T, opts *service.Options, call func(*service.Client) error) (n int, err error) {
				synctest.Test(t, func(t *testing.T) {
					f := &fake{answer: test.answer}
					opts.Transport = f
					err = call(keyClient(t, opts))
					n = len(f.requests())
				})
				return n, err
			}
			send := func(c *service.Client) error { return c.Group("g").SendText(context.Background(), "hi", nil) }
			n, err := tries(t, new(service.Options), send)
			require.Error(t, err)
			assert.Equal(t, test.send, n, "send")
			n, errFull := tries(t, &service.Options{RetrySends: true}, send)
			assert.Equal(t, test.all, n, "send with RetrySends")
			if test.name != "503 then 500" {
				require.EqualError(t, errFull, err.Error())
			}
			n, err = tries(t, new(service.Options), func(c *service.Client) error { return c.Group("g").AddUser(context.Background(), "u") })
			require.Error(t, err)
			assert.Equal(t, test.all, n, "other operation")
		})
	}
}

// TestRetrySucceeds: with a token of its own and the whole body on each try.
func TestRetrySucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: answers(503, 429, 202)}
		opts := over(f)
		opts.Retry.RetryDelay = 2 * time.Second // tokens count whole seconds
		start := time.Now()
		require.NoError(t, keyClient(t, opts).Group("g").SendText(t.Context(), "hello", nil))
		seen := map[string]bool{}
		for _, got := range f.requests() {
			assert.Equal(t, "hello", got.Body)
			seen[got.bearer(t)] = true
			assert.InDelta(t, float64(start.Unix())+300, verify(t, got.bearer(t), testKey)["exp"], 11)
		}
		assert.Len(t, f.requests(), 3)
		assert.Len(t, seen, 3, "each try is signed afresh")
	})
}

// TestRetryAfter is waited for, unless it is longer than MaxRetryDelay.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for after, want := range map[string]struct {
		tries int
		wait  time.Duration
	}{"7": {2, 7 * time.Second}, "61": {1, 0}} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{answer: func(n int, _ *http.Request) (*http.Response, error) {
				if n > 1 {
					return reply(202, nil, ""), nil
				}
				return reply(429, []string{"Retry-After", after}, ""), nil
			}}
			start := time.Now()
			err := keyClient(t, over(f)).All().SendText(t.Context(), "hi", nil)
			assert.Equal(t, want.tries == 1, errors.Is(err, service.ErrTooManyRequests))
			assert.Len(t, f.requests(), want.tries)
			assert.Equal(t, want.wait, time.Since(start))
		})
	}
}

// TestRetryOptions: what the caller allows is a bound for sends as well, for the
// client and for a call.
func TestRetryOptions(t *testing.T) {
	t.Parallel()
	never := policy.RetryOptions{ShouldRetry: func(*http.Response, error) bool { return false }}
	tests := []struct {
		name  string
		opts  policy.RetryOptions
		call  *policy.RetryOptions
		tries int
	}{
		{"none", policy.RetryOptions{MaxRetries: -1}, nil, 1},
		{"one", policy.RetryOptions{MaxRetries: 1}, nil, 2},
		{"statuses", policy.RetryOptions{StatusCodes: []int{429}}, nil, 1},
		{"predicate", never, nil, 1},
		{"none for the call", policy.RetryOptions{}, &policy.RetryOptions{MaxRetries: -1}, 1},
		{"more for the call", policy.RetryOptions{MaxRetries: -1}, &policy.RetryOptions{MaxRetries: 5}, 6},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{status: 503}
				ctx := t.Context()
				if test.call != nil {
					ctx = policy.WithRetryOptions(ctx, *test.call)
				}
				opts := &service.Options{ClientOptions: azcore.ClientOptions{Transport: f, Retry: test.opts}}
				require.Error(t, keyClient(t, opts).Group("g").SendText(ctx, "hi", nil))
				assert.Len(t, f.requests(), test.tries)
			})
		})
	}
}

// TestPoliciesSeeAnswers: a policy of the caller's is not shown how sends are
// kept from being repeated.
func TestPoliciesSeeAnswers(t *testing.T) {
	t.Parallel()
	f := &fake{status: 500}
	var statuses []int
	look := policyFunc(func(req *policy.Request) (*http.Response, error) {
		resp, err := req.Next()
		if assert.NoError(t, err) {
			statuses = append(statuses, resp.StatusCode)
		}
		return resp, err
	})
	opts := over(f)
	opts.PerCallPolicies, opts.PerRetryPolicies = []policy.Policy{look}, []policy.Policy{look}
	var captured *http.Response
	err := keyClient(t, opts).All().SendText(policy.WithCaptureResponse(t.Context(), &captured), "hi", nil)
	require.EqualError(t, err, "service: SendToAll: 500 Internal Server Error")
	assert.Equal(t, []int{500, 500}, statuses)
	assert.Equal(t, 500, captured.StatusCode)
	f.only(t)
}

type policyFunc func(*policy.Request) (*http.Response, error)

func (f policyFunc) Do(req *policy.Request) (*http.Response, error) { return f(req) }

// TestContextEnds: during a try and between two.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		f := &fake{answer: func(_ int, req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: req.Context().Err()}
		}}
		err := keyClient(t, over(f)).All().SendText(ctx, "hi", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.EqualError(t, err, "service: SendToAll: context deadline exceeded")
		f.only(t)

		ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		f = &fake{status: 503}
		require.ErrorIs(t, keyClient(t, over(f)).Health(ctx), context.DeadlineExceeded)
		f.only(t)
	})
}
