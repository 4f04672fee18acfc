package service_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
)

const entraToken = "entra-token-of-the-tests"

// credential is an [azcore.TokenCredential] that records what it was asked for.
type credential struct {
	asked atomic.Pointer[policy.TokenRequestOptions]
	err   error
}

func (c *credential) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.asked.Store(&o)
	return azcore.AccessToken{Token: entraToken, ExpiresOn: time.Now().Add(time.Hour)}, c.err
}

func entraClient(tb testing.TB, cred azcore.TokenCredential, opts *service.Options) *service.Client {
	tb.Helper()
	c, err := service.NewClient(testEndpoint, testHub, cred, opts)
	require.NoError(tb, err)
	return c
}

func TestEntraScope(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"": service.DefaultScope, "https://webpubsub.azure.cn/.default": "https://webpubsub.azure.cn/.default"} {
		cred := &credential{}
		opts := over(&fake{status: 200})
		opts.Scope = name
		require.NoError(t, entraClient(t, cred, opts).Health(t.Context()))
		assert.Equal(t, []string{want}, cred.asked.Load().Scopes)
	}
}

func TestEntraCredentialFails(t *testing.T) {
	t.Parallel()
	cause := errors.New("no account")
	f := &fake{status: 202}
	err := entraClient(t, &credential{err: cause}, over(f)).All().SendText(t.Context(), "hi", nil)
	require.ErrorIs(t, err, cause)
	require.EqualError(t, err, "service: SendToAll: no account")
	assert.Empty(t, f.requests())
}

// TestEntraNeedsTLS: the scheme of the URL that receives the token counts.
func TestEntraNeedsTLS(t *testing.T) {
	t.Parallel()
	const no = "is not https, want https for Entra tokens"
	tests := []struct {
		name, endpoint, proxy string
		insecure              bool
		err                   string
	}{
		{"https", "https://a.example", "", false, ""},
		{"http", "http://a.example", "", false, "service: new client: http://a.example " + no},
		{"http allowed", "http://a.example", "", true, ""},
		{"localhost", "http://LocalHost:8080", "", false, ""},
		{"IPv4 loopback", "http://127.1.2.3:8080", "", false, ""},
		{"IPv6 loopback", "http://[::1]:8080", "", false, ""},
		{"IPv4 in IPv6 loopback", "http://[::ffff:127.0.0.1]:8080", "", false, ""},
		{"name that begins as loopback", "http://127.0.0.1.example", "", false, "service: new client: http://127.0.0.1.example " + no},
		{"name that ends as loopback", "http://localhost.example", "", false, "service: new client: http://localhost.example " + no},
		{"http proxy", "https://a.example", "http://p.example/x", false, "service: new client: http://p.example/x " + no},
		{"http proxy on loopback", "https://a.example", "http://127.0.0.1:1", false, ""},
		{"https proxy before http", "http://a.example", "https://p.example", false, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{status: 200}
			opts := over(f)
			opts.ReverseProxy = test.proxy
			opts.InsecureAllowCredentialWithHTTP = test.insecure
			c, err := service.NewClient(test.endpoint, testHub, &credential{}, opts)
			if test.err != "" {
				require.EqualError(t, err, test.err)
				assert.Nil(t, c)
				return
			}
			require.NoError(t, err)
			require.NoError(t, c.Health(t.Context()))
			assert.Equal(t, entraToken, f.only(t).bearer(t))
		})
	}
}

// TestReverseProxy: requests go to the proxy with its path, tokens are for the
// service.
func TestReverseProxy(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, endpoint, proxy, url, host, aud string }{
		{
			"path", testEndpoint, "https://gw.example:8443/pub/sub/",
			"https://gw.example:8443/pub/sub/api/hubs/chat/groups/a%20b?" + testVersion, "gw.example:8443",
			testEndpoint + "/api/hubs/chat/groups/a%20b?" + testVersion,
		},
		{
			"no path", testEndpoint, "http://gw.example",
			"http://gw.example/api/hubs/chat/groups/a%20b?" + testVersion, "gw.example",
			testEndpoint + "/api/hubs/chat/groups/a%20b?" + testVersion,
		},
		{
			"endpoint with path", "https://a.example/in%20ner", "https://gw.example/outer",
			"https://gw.example/outer/api/hubs/chat/groups/a%20b?" + testVersion, "gw.example",
			"https://a.example/in%20ner/api/hubs/chat/groups/a%20b?" + testVersion,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{status: 200}
			opts := over(f)
			opts.ReverseProxy = test.proxy
			c, err := service.NewClientFromConnectionString("Endpoint="+test.endpoint+";AccessKey="+testKey, testHub, opts)
			require.NoError(t, err)
			_, err = c.Group("a b").Exists(t.Context())
			require.NoError(t, err)
			got := f.only(t)
			assert.Equal(t, test.url, got.URL)
			assert.Equal(t, test.host, got.Host)
			assert.Equal(t, test.aud, verify(t, got.bearer(t), testKey)["aud"])
		})
	}
}

// TestReverseProxyChallenge: a request that the policy of the credential repeats
// goes to the proxy again.
func TestReverseProxyChallenge(t *testing.T) {
	t.Parallel()
	f := &fake{answer: func(n int, _ *http.Request) (*http.Response, error) {
		if n > 1 {
			return reply(200, nil, ""), nil
		}
		// {"access_token":{}} in base64
		return reply(401, []string{"WWW-Authenticate", `Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="`}, ""), nil
	}}
	opts := over(f)
	opts.ReverseProxy = "https://gw.example/prefix"
	require.NoError(t, entraClient(t, &credential{}, opts).Health(t.Context()))
	for _, got := range f.requests() {
		assert.Equal(t, "https://gw.example/prefix/api/health?"+testVersion, got.URL)
	}
	assert.Len(t, f.requests(), 2)
}

// TestRedirect: the default transport does not follow redirects.
func TestRedirect(t *testing.T) {
	t.Parallel()
	other := newServer(t, func(http.ResponseWriter, *http.Request) { t.Error("redirect was followed") })
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", other)
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	c, err := service.NewClientFromConnectionString("Endpoint="+srv+";AccessKey="+testKey, testHub, nil)
	require.NoError(t, err)
	require.EqualError(t, c.All().SendText(t.Context(), "hi", nil), "service: SendToAll: 307 Temporary Redirect: want status 202")
}
