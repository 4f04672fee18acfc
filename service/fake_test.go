package service_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
)

const (
	testEndpoint = "https://name.webpubsub.azure.com"
	testKey      = "c2VjcmV0LWtleS1vZi10aGUtdGVzdHM="
	testHub      = "chat"
	testVersion  = "api-version=2024-12-01"
)

// sent is a request that the transport received.
type sent struct {
	Method string
	URL    string
	Host   string
	Header http.Header
	Body   string
	Length int64
}

// bearer returns the token of the request.
func (s sent) bearer(tb testing.TB) string {
	tb.Helper()
	token, ok := strings.CutPrefix(s.Header.Get("Authorization"), "Bearer ")
	require.True(tb, ok, "Authorization")
	return token
}

// fake is a transport in memory. It records requests and answers with a function, or
// with a status if there is none.
type fake struct {
	status int
	answer func(n int, req *http.Request) (*http.Response, error)

	mu   sync.Mutex
	seen []sent
}

func (f *fake) Do(req *http.Request) (*http.Response, error) {
	s := sent{Method: req.Method, URL: req.URL.String(), Host: req.Host, Header: req.Header.Clone(), Length: req.ContentLength}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		s.Body = string(body)
	}
	f.mu.Lock()
	f.seen = append(f.seen, s)
	n := len(f.seen)
	f.mu.Unlock()
	if f.answer != nil {
		return f.answer(n, req)
	}
	return reply(f.status, nil, ""), nil
}

func (f *fake) requests() []sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]sent(nil), f.seen...)
}

// only returns the one request that was sent.
func (f *fake) only(tb testing.TB) sent {
	tb.Helper()
	seen := f.requests()
	require.Len(tb, seen, 1)
	return seen[0]
}

// reply returns an answer; header is name, value, name, value …
func reply(status int, header []string, body string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Header: h,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// answers returns one status after another, and repeats the last.
func answers(statuses ...int) func(int, *http.Request) (*http.Response, error) {
	return func(n int, _ *http.Request) (*http.Response, error) {
		return reply(statuses[min(n, len(statuses))-1], nil, ""), nil
	}
}

// over returns options with a transport.
func over(f *fake) *service.Options {
	return &service.Options{ClientOptions: azcore.ClientOptions{Transport: f}}
}

// keyClient returns a client that signs with testKey.
func keyClient(tb testing.TB, opts *service.Options) *service.Client {
	tb.Helper()
	c, err := service.NewClientFromConnectionString("Endpoint="+testEndpoint+";AccessKey="+testKey+";Version=1.0;", testHub, opts)
	require.NoError(tb, err)
	return c
}

// verify parses a token and verifies its signature.
func verify(tb testing.TB, token, key string) jwt.MapClaims {
	tb.Helper()
	got := jwt.MapClaims{}
	parsed, err := jwt.ParseWithClaims(token, got, func(*jwt.Token) (any, error) { return []byte(key), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	require.NoError(tb, err)
	require.Equal(tb, "JWT", parsed.Header["typ"])
	return got
}

// slowSeeker is an [io.ReadSeeker] of a type that net/http does not know.
type slowSeeker struct{ *bytes.Reader }

func (s slowSeeker) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(len(p), 3)]) }
