package service_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
)

// TestKeyToken: a token is valid for five minutes, and its audience is the URL.
func TestKeyToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{status: 202}
		require.NoError(t, keyClient(t, over(f)).Group("a b+c#ü'(").SendText(t.Context(), "", nil))
		got := f.only(t)
		assert.Equal(t, testEndpoint+"/api/hubs/chat/groups/a%20b%2Bc%23%C3%BC'(/:send?"+testVersion, got.URL)
		now := float64(time.Now().Unix())
		assert.Equal(t, map[string]any{"aud": got.URL, "iat": now, "exp": now + 300}, map[string]any(verify(t, got.bearer(t), testKey)))
	})
}

// TestAudienceOfOddURL: the claims are JSON whatever URL a policy of the caller
// makes.
func TestAudienceOfOddURL(t *testing.T) {
	t.Parallel()
	f := &fake{status: 200}
	opts := over(f)
	opts.PerCallPolicies = []policy.Policy{policyFunc(func(req *policy.Request) (*http.Response, error) {
		req.Raw().URL.Host = `a"b<é>.example`
		req.Raw().URL.RawQuery += "&a=\\b\"é\x7f\u2028"
		return req.Next()
	})}
	require.NoError(t, keyClient(t, opts).Health(t.Context()))
	got := f.only(t)
	assert.Equal(t, `https://a"b<%C3%A9>.example/api/health?`+testVersion+"&a=\\b\"é\x7f\u2028", got.URL)
	assert.Equal(t, got.URL, verify(t, got.bearer(t), testKey)["aud"])
}

// TestAudienceIsTheURL: the server sees the URL of the audience, byte for byte.
func TestAudienceIsTheURL(t *testing.T) {
	t.Parallel()
	var aud, line, host string
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		aud, _ = verify(t, r.Header.Get("Authorization")[len("Bearer "):], testKey)["aud"].(string)
		line, host = r.RequestURI, r.Host
		w.WriteHeader(http.StatusNoContent)
	})
	c, err := service.NewClientFromConnectionString("Endpoint="+srv+"/base;AccessKey="+testKey, "h[]`,.", nil)
	require.NoError(t, err)
	err = c.User("!*'() ~;:@&=+$,?#[]%\\\"<>{}|^`é\u2028").CloseConnections(t.Context(), &service.CloseOptions{Reason: "'+ &=\n"})
	require.NoError(t, err)
	assert.Equal(t, "http://"+host+line, aud)
	assert.Equal(t, "/base/api/hubs/h%5B%5D%60%2C./users/"+
		"!*'()%20~%3B%3A%40%26%3D%2B%24%2C%3F%23%5B%5D%25%5C%22%3C%3E%7B%7D%7C%5E%60%C3%A9%E2%80%A8"+
		"/:closeConnections?"+testVersion+"&reason=%27%2B%20%26%3D%0A", line)
}

func TestReplaceKey(t *testing.T) {
	t.Parallel()
	key, err := service.NewAccessKey("first")
	require.NoError(t, err)
	f := &fake{status: 200}
	c, err := service.NewClientWithKey(testEndpoint, testHub, key, over(f))
	require.NoError(t, err)
	require.NoError(t, c.Health(t.Context()))
	require.NoError(t, key.Replace("second"))
	require.EqualError(t, key.Replace(""), "service: access key is empty")
	require.NoError(t, c.Health(t.Context()))
	verify(t, f.requests()[0].bearer(t), "first")
	verify(t, f.requests()[1].bearer(t), "second")
}
