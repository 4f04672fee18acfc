package service_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
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

// TestRetries: the number of tries by operation and failure.
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

// TestRetrySucceeds: each try has a new token and the whole body.
func TestRetrySucceeds(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(context.Context, service.Group) error{
		"text":   func(ctx context.Context, g service.Group) error { return g.SendText(ctx, "hello", nil) },
		"JSON":   func(ctx context.Context, g service.Group) error { return g.SendJSON(ctx, "hello", nil) },
		"binary": func(ctx context.Context, g service.Group) error { return g.SendBinary(ctx, []byte("hello"), nil) },
		"reader": func(ctx context.Context, g service.Group) error {
			return g.Send(ctx, "text/plain", slowSeeker{bytes.NewReader([]byte("hello"))}, nil)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var times []int64
			f := &fake{answer: func(n int, _ *http.Request) (*http.Response, error) {
				times = append(times, time.Now().Unix())
				return reply([]int{503, 429, 202}[n-1], nil, ""), nil
			}}
			opts := over(f)
			opts.Retry.RetryDelay = 2 * time.Second // tokens count whole seconds
			require.NoError(t, send(t.Context(), keyClient(t, opts).Group("g")))
			require.Len(t, f.requests(), 3)
			seen := map[string]bool{}
			for i, got := range f.requests() {
				assert.Contains(t, []string{"hello", `"hello"`}, got.Body, name)
				assert.Equal(t, f.requests()[0].Body, got.Body, name)
				claims := verify(t, got.bearer(t), testKey)
				assert.InDelta(t, times[i], claims["iat"], 0, "%s: try %d", name, i)
				assert.InDelta(t, times[i]+300, claims["exp"], 0, "%s: try %d", name, i)
				seen[got.bearer(t)] = true
			}
			assert.Len(t, seen, 3, "each try is signed afresh")
		})
	}
}

// TestRetryWithNewCredential: the key is replaced, or the token expires, while a
// request waits for its next try.
func TestRetryWithNewCredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key, err := service.NewAccessKey("first")
		require.NoError(t, err)
		f := &fake{answer: func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return reply(503, nil, ""), key.Replace("second")
			}
			return reply(202, nil, ""), nil
		}}
		c, err := service.NewClientWithKey(testEndpoint, testHub, key, over(f))
		require.NoError(t, err)
		require.NoError(t, c.All().SendText(t.Context(), "hi", nil))
		verify(t, f.requests()[0].bearer(t), "first")
		verify(t, f.requests()[1].bearer(t), "second")
	})
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return reply(503, []string{"Retry-After", "60"}, ""), nil
			}
			return reply(202, nil, ""), nil
		}}
		require.NoError(t, entraClient(t, new(shortLived), over(f)).All().SendText(t.Context(), "hi", nil))
		assert.Equal(t, "token 1", f.requests()[0].bearer(t))
		assert.Equal(t, "token 2", f.requests()[1].bearer(t))
	})
}

// shortLived is a credential whose tokens are valid for half a minute.
type shortLived struct{ made int }

func (c *shortLived) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.made++
	return azcore.AccessToken{Token: fmt.Sprintf("token %d", c.made), ExpiresOn: time.Now().Add(30 * time.Second)}, nil
}

// TestRetryAfter: the header is respected up to MaxRetryDelay.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		status        int
		header, value string
		tries         int
		wait          time.Duration
	}{
		{"seconds", 429, "Retry-After", "7", 2, 7 * time.Second},
		{"seconds of 503", 503, "Retry-After", "60", 2, time.Minute},
		{"milliseconds", 429, "Retry-After-Ms", "1500", 2, 1500 * time.Millisecond},
		{"date", 503, "Retry-After", "Sat, 01 Jan 2000 00:00:09 GMT", 2, 9 * time.Second}, // synctest begins at midnight
		{"too long", 429, "Retry-After", "61", 1, 0},
		{"not of a send that may be taken", 500, "Retry-After", "7", 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{answer: func(n int, _ *http.Request) (*http.Response, error) {
				if n > 1 {
					return reply(202, nil, ""), nil
				}
				return reply(test.status, []string{test.header, test.value}, ""), nil
			}}
			start := time.Now()
			err := keyClient(t, over(f)).All().SendText(t.Context(), "hi", nil)
			assert.Equal(t, test.tries == 1, err != nil, test.name)
			assert.Len(t, f.requests(), test.tries, test.name)
			assert.Equal(t, test.wait, time.Since(start), test.name)
		})
	}
}

// TestRetryOptions: options of the client and of a call limit the tries of sends too.
func TestRetryOptions(t *testing.T) {
	t.Parallel()
	never := policy.RetryOptions{ShouldRetry: func(*http.Response, error) bool { return false }}
	always := policy.RetryOptions{ShouldRetry: func(resp *http.Response, _ error) bool { return resp == nil || resp.StatusCode >= 300 }}
	with500 := policy.RetryOptions{StatusCodes: []int{500}}
	tests := []struct {
		name   string
		status int
		opts   policy.RetryOptions
		call   *policy.RetryOptions
		tries  int // of a send
		full   int // of a send with RetrySends
	}{
		{"none", 503, policy.RetryOptions{MaxRetries: -1}, nil, 1, 1},
		{"one", 503, policy.RetryOptions{MaxRetries: 1}, nil, 2, 2},
		{"statuses", 503, policy.RetryOptions{StatusCodes: []int{429}}, nil, 1, 1},
		{"predicate", 503, never, nil, 1, 1},
		{"none for the call", 503, policy.RetryOptions{}, &policy.RetryOptions{MaxRetries: -1}, 1, 1},
		{"more for the call", 503, policy.RetryOptions{MaxRetries: -1}, &policy.RetryOptions{MaxRetries: 5}, 6, 6},
		{"statuses that may be taken", 500, with500, nil, 1, 4},
		{"statuses that may be taken, for the call", 500, policy.RetryOptions{}, &with500, 1, 4},
		{"predicate that repeats everything", 400, always, nil, 1, 4},
		{"predicate that repeats everything, for the call", 400, policy.RetryOptions{}, &always, 1, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, full := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					f := &fake{status: test.status}
					ctx := t.Context()
					if test.call != nil {
						ctx = policy.WithRetryOptions(ctx, *test.call)
					}
					opts := &service.Options{ClientOptions: azcore.ClientOptions{Transport: f, Retry: test.opts}, RetrySends: full}
					require.Error(t, keyClient(t, opts).Group("g").SendText(ctx, "hi", nil))
					want := test.tries
					if full {
						want = test.full
					}
					assert.Len(t, f.requests(), want, "RetrySends %t", full)
				})
			}
		})
	}
}

// TestPoliciesSeeAnswers: policies of the caller see the service's answers and errors,
// and no takenError.
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

// TestContextEnds: before a try, during it and between two.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		f := &fake{answer: func(_ int, req *http.Request) (*http.Response, error) { return nil, req.Context().Err() }}
		require.ErrorIs(t, keyClient(t, over(f)).All().SendText(ctx, "hi", nil), context.Canceled)
		f.only(t)
	})
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
	})
	for _, header := range [][]string{{"Retry-After", "7"}, nil} { // or about 800 ms
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			f := &fake{answer: func(int, *http.Request) (*http.Response, error) { return reply(503, header, ""), nil }}
			start := time.Now()
			require.ErrorIs(t, keyClient(t, over(f)).All().SendText(ctx, "hi", nil), context.DeadlineExceeded)
			assert.Equal(t, 100*time.Millisecond, time.Since(start))
			f.only(t)
		})
	}
}

// TestSendOverTCP: a message that the service may have accepted is sent once, even if
// the connection breaks. Without a server, the send is retried until there is one.
func TestSendOverTCP(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"nothing":        "",
		"half a status":  "HTTP/1.1 202 Acc",
		"half a header":  "HTTP/1.1 429 \r\nContent-Len",
		"half a body":    "HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n",
		"continue, only": "HTTP/1.1 100 Continue\r\n\r\n",
		"not HTTP":       "220 smtp.example ESMTP\r\n\r\n",
		"reset":          "reset",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			var requests atomic.Int32
			served := make(chan struct{})
			go func() {
				defer close(served)
				for {
					conn, err := ln.Accept()
					if err != nil {
						return
					}
					req, err := http.ReadRequest(bufio.NewReader(conn))
					if assert.NoError(t, err) {
						_, _ = io.Copy(io.Discard, req.Body)
						requests.Add(1)
					}
					if tcp, ok := conn.(*net.TCPConn); ok && answer == "reset" {
						_ = tcp.SetLinger(0)
					} else {
						_, _ = io.WriteString(conn, answer)
					}
					_ = conn.Close()
				}
			}()
			opts := new(service.Options)
			opts.Retry.RetryDelay = time.Millisecond
			c, err := service.NewClientFromConnectionString("Endpoint=http://"+ln.Addr().String()+";AccessKey="+testKey, testHub, opts)
			require.NoError(t, err)
			require.Error(t, c.All().SendText(t.Context(), "hi", nil))
			require.NoError(t, ln.Close())
			<-served
			assert.EqualValues(t, 1, requests.Load())
		})
	}
	t.Run("nobody there yet", func(t *testing.T) {
		t.Parallel()
		var requests, dials atomic.Int32
		srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
			requests.Add(1)
			w.WriteHeader(http.StatusAccepted)
		})
		transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials.Add(1) <= 2 {
				address = "127.0.0.1:1"
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}}
		t.Cleanup(transport.CloseIdleConnections)
		opts := new(service.Options)
		opts.Transport = &http.Client{Transport: transport}
		opts.Retry.RetryDelay = time.Millisecond
		c, err := service.NewClientFromConnectionString("Endpoint="+srv+";AccessKey="+testKey, testHub, opts)
		require.NoError(t, err)
		require.NoError(t, c.All().SendText(t.Context(), "hi", nil))
		assert.EqualValues(t, 3, dials.Load())
		assert.EqualValues(t, 1, requests.Load())
	})
}
