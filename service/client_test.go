package service_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/tracing"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
)

// newServer returns the URL of a server on loopback.
func newServer(tb testing.TB, h http.HandlerFunc) string {
	tb.Helper()
	srv := httptest.NewServer(h)
	tb.Cleanup(srv.Close)
	return srv.URL
}

const hubRule = ": want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)"

func TestNewClientRefuses(t *testing.T) {
	t.Parallel()
	key, err := service.NewAccessKey(testKey)
	require.NoError(t, err)
	connectionString := "Endpoint=" + testEndpoint + ";AccessKey=" + testKey
	tests := []struct {
		name string
		make func() (*service.Client, error)
		err  string
	}{
		{"no credential", func() (*service.Client, error) { return service.NewClient(testEndpoint, testHub, nil, nil) }, "credential is nil; want one of package azidentity, or an access key by NewClientWithKey"},
		{"no key", func() (*service.Client, error) { return service.NewClientWithKey(testEndpoint, testHub, nil, nil) }, "access key is nil, want one of NewAccessKey"},
		{"zero key", func() (*service.Client, error) {
			return service.NewClientWithKey(testEndpoint, testHub, new(service.AccessKey), nil)
		}, "access key is nil, want one of NewAccessKey"},
		{"hub with hyphen", func() (*service.Client, error) { return service.NewClientWithKey(testEndpoint, "my-hub", key, nil) }, `hub "my-hub"` + hubRule},
		{"no hub", func() (*service.Client, error) { return service.NewClient(testEndpoint, "", &credential{}, nil) }, `hub ""` + hubRule},
		{"hub begins with digit", func() (*service.Client, error) { return service.NewClientWithKey(testEndpoint, "1", key, nil) }, `hub "1"` + hubRule},
		{"hub with line feed", func() (*service.Client, error) { return service.NewClientWithKey(testEndpoint, "a\n", key, nil) }, `hub "a\n"` + hubRule},
		{"hub too long", func() (*service.Client, error) {
			return service.NewClientWithKey(testEndpoint, strings.Repeat("h", 129), key, nil)
		}, `hub "` + strings.Repeat("h", 128) + `…"` + hubRule},
		{"connection string as hub", func() (*service.Client, error) {
			return service.NewClientWithKey(testEndpoint, connectionString, key, nil)
		}, "hub (a connection string)" + hubRule},
		{"scheme", func() (*service.Client, error) { return service.NewClientWithKey("ftp://a", testHub, key, nil) }, `endpoint has scheme "ftp", want http or https`},
		{"connection string as endpoint", func() (*service.Client, error) {
			return service.NewClientWithKey("https://a;AccessKey="+testKey, testHub, key, nil)
		}, "endpoint has a host with an invalid character"},
		{"connection string behind a path", func() (*service.Client, error) {
			return service.NewClientWithKey("https://a/;AccessKey="+testKey, testHub, key, nil)
		}, "endpoint has ; or =, want a URL and not a connection string"},
		{"proxy", func() (*service.Client, error) {
			return service.NewClientWithKey(testEndpoint, testHub, key, &service.Options{ReverseProxy: "https://u:p@h"})
		}, "ReverseProxy: endpoint has user information, want none"},
		{"connection string without key", func() (*service.Client, error) {
			return service.NewClientFromConnectionString("Endpoint="+testEndpoint, testHub, nil)
		}, "connection string has no AccessKey; use NewClient for identity-based access"},
		{"connection string", func() (*service.Client, error) {
			return service.NewClientFromConnectionString("AccessKey="+testKey, testHub, nil)
		}, `connection string: Endpoint is missing, want Endpoint=…;AccessKey=…; as "az webpubsub key show" prints it, or "webpubsub emulator" its own`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := test.make()
			require.EqualError(t, err, "service: new client: "+test.err)
			assert.Nil(t, c)
		})
	}
	_, err = service.NewAccessKey("")
	require.EqualError(t, err, "service: access key is empty")
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"https://a.example/":        "https://a.example",
		"a.example":                 "https://a.example",
		"https://a.example:443":     "https://a.example",
		"http://a.example:80/x/":    "http://a.example/x",
		"https://a.example:8443":    "https://a.example:8443",
		"http://[::1]:80":           "http://[::1]",
		"https://A.example/Mixed/P": "https://A.example/Mixed/P",
	} {
		f := &fake{status: 200}
		c, err := service.NewClientFromConnectionString("Endpoint="+endpoint+";AccessKey="+testKey, testHub, over(f))
		require.NoError(t, err)
		assert.Equal(t, want, c.Endpoint())
		assert.Equal(t, testHub, c.Hub())
		require.NoError(t, c.Health(t.Context()))
		assert.Equal(t, want+"/api/health?"+testVersion, f.only(t).URL)
	}
}

// TestNamesLikeVerbs: a name can look like a verb.
func TestNamesLikeVerbs(t *testing.T) {
	t.Parallel()
	f := &fake{status: 200}
	_, err := keyClient(t, over(f)).User(":send").Exists(t.Context())
	require.NoError(t, err)
	assert.Equal(t, testEndpoint+"/api/hubs/chat/users/%3Asend?"+testVersion, f.only(t).URL)
}

func TestNamesOfTargets(t *testing.T) {
	t.Parallel()
	c := keyClient(t, nil)
	assert.Equal(t, "g", c.Group("g").Name())
	assert.Equal(t, "u", c.User("u").ID())
	assert.Equal(t, "c", c.Connection("c").ID())
}

func TestAPIVersion(t *testing.T) {
	t.Parallel()
	f := &fake{status: 202}
	opts := over(f)
	opts.APIVersion = "2099-01-01&x"
	require.NoError(t, keyClient(t, opts).All().SendText(t.Context(), "", nil))
	assert.Equal(t, testEndpoint+"/api/hubs/chat/:send?api-version=2099-01-01%26x", f.only(t).URL)
}

// TestOptionsAreCopied: later changes of the caller have no effect.
func TestOptionsAreCopied(t *testing.T) {
	t.Parallel()
	f := &fake{status: 418}
	opts := over(f)
	opts.Retry.StatusCodes = []int{400}
	opts.PerCallPolicies = make([]policy.Policy, 0, 4)
	before := *opts
	c := keyClient(t, opts)
	assert.Equal(t, before, *opts)
	assert.Nil(t, opts.PerCallPolicies[:1][0], "the caller's array was written to")
	opts.Retry.StatusCodes[0] = 418
	opts.Transport = nil
	require.Error(t, c.Health(t.Context()))
	f.only(t)
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	key, err := service.NewAccessKey(testKey)
	require.NoError(t, err)
	f := &fake{status: 202}
	c, err := service.NewClientWithKey(testEndpoint, testHub, key, over(f))
	require.NoError(t, err)
	opts := &service.SendOptions{Metadata: map[string]string{"a": "b"}}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				assert.NoError(t, c.Group("g").SendText(t.Context(), "hi", opts))
				assert.NoError(t, key.Replace(testKey))
				_, err := c.ClientAccess(t.Context(), nil)
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	require.Len(t, f.requests(), 160)
	for _, got := range f.requests() {
		verify(t, got.bearer(t), testKey)
	}
}

// TestTracing: the provider of the options receives a span per operation.
func TestTracing(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var spans, failures []string
	provider := tracing.NewProvider(func(name, version string) tracing.Tracer {
		return tracing.NewTracer(func(ctx context.Context, name string, _ *tracing.SpanOptions) (context.Context, tracing.Span) {
			mu.Lock()
			defer mu.Unlock()
			spans = append(spans, name)
			return ctx, tracing.NewSpan(tracing.SpanImpl{SetStatus: func(_ tracing.SpanStatus, text string) {
				mu.Lock()
				defer mu.Unlock()
				failures = append(failures, text)
			}})
		}, nil)
	}, nil)
	opts := &service.Options{ClientOptions: azcore.ClientOptions{Transport: &fake{status: 404}, TracingProvider: provider}}
	require.Error(t, keyClient(t, opts).Group("g").AddUser(t.Context(), "ann"))
	assert.Equal(t, []string{"Client.AddUserToGroup", "HTTP PUT"}, spans)
	assert.Equal(t, []string{"Not Found", "*service.Error:\nservice: AddUserToGroup: 404 Not Found"}, failures)
}
