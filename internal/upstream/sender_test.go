package upstream_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// transport is a function that implements http.RoundTripper.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}
}

func post(tb testing.TB, body string) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, "http://app.test/events", strings.NewReader(body))
	require.NoError(tb, err)
	req.Header.Set("Ce-Id", "7")
	return req
}

func TestUE53RetriedStatuses(t *testing.T) {
	t.Parallel()
	tests := map[int]int{
		200: 1, 202: 1, 204: 1, 302: 1, 400: 1, 401: 1, 404: 1, 409: 1, 429: 1,
		408: 4, 500: 4, 501: 4, 503: 4, 599: 4,
	}
	for status, attempts := range tests {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var at []time.Duration
				s := upstream.Sender{Retry: true, Transport: transport(func(*http.Request) (*http.Response, error) {
					at = append(at, time.Since(start))
					return response(status, "x"), nil
				})}
				answer, err := s.Send(t.Context(), post(t, "{}"), upstream.EventTimeout)
				require.NoError(t, err)
				assert.Equal(t, status, answer.Status)
				assert.Equal(t, attempts, answer.Attempts)
				want := []time.Duration{0, 1 * time.Second, 4 * time.Second, 9 * time.Second}
				assert.Equal(t, want[:attempts], at)
				var log []upstream.Attempt
				for _, begun := range want[:attempts] {
					log = append(log, upstream.Attempt{Start: begun, Status: status})
				}
				assert.Equal(t, log, answer.Log)
			})
		})
	}
}

func TestSendWithoutRetry(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]error{"after 503": nil, "after a transport error": errors.New("reset")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			s := upstream.Sender{Transport: transport(func(*http.Request) (*http.Response, error) {
				calls++
				if result != nil {
					return nil, result
				}
				return response(503, ""), nil
			})}
			_, err := s.Send(t.Context(), post(t, ""), upstream.EventTimeout)
			require.ErrorIs(t, err, result)
			assert.Equal(t, 1, calls)
		})
	}
}

func TestSendRepeatsTheSameRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var bodies, ids []string
		s := upstream.Sender{Retry: true, Transport: transport(func(req *http.Request) (*http.Response, error) {
			data, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			bodies, ids = append(bodies, string(data)), append(ids, req.Header.Get("Ce-Id"))
			req.Header.Set("Ce-Id", "changed on the way")
			if len(bodies) == 1 {
				return nil, errors.New("connection reset")
			}
			return response(204, ""), nil
		})}
		answer, err := s.Send(t.Context(), post(t, "same"), upstream.EventTimeout)
		require.NoError(t, err)
		assert.Equal(t, 2, answer.Attempts)
		assert.Equal(t, []string{"same", "same"}, bodies)
		assert.Equal(t, []string{"7", "7"}, ids)
	})
}

func TestSendGivesUpOnTransportErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reset := errors.New("connection reset")
		s := upstream.Sender{Retry: true, Transport: transport(func(*http.Request) (*http.Response, error) { return nil, reset })}
		start := time.Now()
		_, err := s.Send(t.Context(), post(t, ""), upstream.EventTimeout)
		var delivery *upstream.DeliveryError
		require.ErrorAs(t, err, &delivery)
		require.ErrorIs(t, err, reset)
		assert.Equal(t, 4, delivery.Attempts)
		assert.Equal(t, 9*time.Second, time.Since(start))
	})
}

func TestSendTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := upstream.Sender{Retry: true, Transport: transport(func(req *http.Request) (*http.Response, error) {
			calls++
			<-req.Context().Done()
			return nil, req.Context().Err()
		})}
		start := time.Now()
		_, err := s.Send(t.Context(), post(t, ""), upstream.EventTimeout)
		require.ErrorIs(t, err, upstream.ErrTimeout)
		assert.Equal(t, 1, calls, "a timeout is not retried")
		assert.Equal(t, 100*time.Second, time.Since(start))
	})
}

// The timeout is for the header; the body may take longer.
func TestSendSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := upstream.Sender{Transport: transport(func(*http.Request) (*http.Response, error) {
			resp := response(200, "")
			resp.Body = io.NopCloser(&slowBody{data: "late", after: 5 * time.Minute})
			return resp, nil
		})}
		answer, err := s.Send(t.Context(), post(t, ""), upstream.EventTimeout)
		require.NoError(t, err)
		assert.Equal(t, "late", string(answer.Body))
	})
}

type slowBody struct {
	data  string
	after time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	<-time.After(b.after)
	n := copy(p, b.data)
	return n, io.EOF
}

func TestSendCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("client is gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(2*time.Second, func() { cancel(gone) })
		calls := 0
		s := upstream.Sender{Retry: true, Transport: transport(func(*http.Request) (*http.Response, error) {
			calls++
			return response(503, ""), nil
		})}
		start := time.Now()
		_, err := s.Send(ctx, post(t, ""), upstream.EventTimeout)
		require.ErrorIs(t, err, gone)
		assert.Equal(t, 2, calls)
		assert.Equal(t, 2*time.Second, time.Since(start))
	})
}

func TestUE51AnswerLimit(t *testing.T) {
	t.Parallel()
	const limit = 16 << 20
	tests := map[string]struct {
		size     int64
		declared bool
		err      error
	}{
		"all that is allowed":       {size: limit, declared: true},
		"all, length not declared":  {size: limit},
		"too long":                  {size: limit + 1, declared: true, err: upstream.ErrAnswerTooLarge},
		"too long and not declared": {size: limit + 1, err: upstream.ErrAnswerTooLarge},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			s := upstream.Sender{Retry: true, Transport: transport(func(*http.Request) (*http.Response, error) {
				calls++
				resp := response(200, "")
				resp.Body = io.NopCloser(io.LimitReader(zeros{}, test.size))
				if test.declared {
					resp.ContentLength = test.size
				}
				return resp, nil
			})}
			answer, err := s.Send(t.Context(), post(t, ""), upstream.EventTimeout)
			require.ErrorIs(t, err, test.err)
			assert.Equal(t, 1, calls)
			if test.err == nil {
				assert.Len(t, answer.Body, limit)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestSendRefusesHeaders(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		name, value string
		ok          bool
	}{
		"text":                {"Ce-Hub", "chat", true},
		"a tab":               {"Ce-Hub", "a\tb", true},
		"a line break":        {"Ce-Hub", "a\r\nEvil: 1", false},
		"a control character": {"Ce-Userid", "a\x00", false},
		"UTF-8 in a user id":  {"ce-userId", "用户", true},
		"UTF-8 in a state":    {"Ce-Connectionstate", "用户", false},
		"delete":              {"Ce-Userid", "\x7f", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			s := upstream.Sender{Retry: true, Transport: transport(func(*http.Request) (*http.Response, error) {
				calls++
				return response(200, ""), nil
			})}
			req := post(t, "")
			req.Header[test.name] = []string{test.value}
			_, err := s.Send(t.Context(), req, upstream.EventTimeout)
			if test.ok {
				require.NoError(t, err)
				return
			}
			var delivery *upstream.DeliveryError
			require.ErrorAs(t, err, &delivery)
			assert.Equal(t, 1, delivery.Attempts)
			assert.Zero(t, calls)
		})
	}
}
