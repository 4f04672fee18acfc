package upstream_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

func TestSessionEventIDs(t *testing.T) {
	t.Parallel()
	s := new(upstream.Session)
	var ids []string
	for _, typ := range []string{
		"azure.webpubsub.sys.connect", "azure.webpubsub.user.message", "azure.webpubsub.sys.connected",
		"azure.webpubsub.gp.joined", "azure.webpubsub.sys.disconnected",
	} {
		ids = append(ids, s.EventID(typ))
	}
	assert.Equal(t, []string{"0", "2", "1", "3", "4"}, ids)
	assert.Equal(t, "2", new(upstream.Session).EventID("azure.webpubsub.sys.disconnected"))
}

func TestSessionState(t *testing.T) {
	t.Parallel()
	s, u := new(upstream.Session), &url.URL{Scheme: "http", Host: "h.test"}
	_, ok := s.State()
	assert.False(t, ok)
	s.Keep(u, &upstream.Answer{Header: http.Header{"Ce-Connectionstate": {"a", "b"}}})
	state, ok := s.State()
	assert.True(t, ok)
	assert.Equal(t, "b", state)

	s.Keep(u, &upstream.Answer{})
	s.KeepCookies(u, &upstream.Answer{Header: http.Header{"Ce-Connectionstate": {"c"}}})
	state, _ = s.State()
	assert.Equal(t, "b", state, "an answer without the header, and one to a notification, change nothing")
	s.Keep(u, &upstream.Answer{Header: http.Header{"Ce-Connectionstate": {""}}})
	state, ok = s.State()
	assert.True(t, ok)
	assert.Empty(t, state)
}

func TestSessionCookies(t *testing.T) {
	t.Parallel()
	s := new(upstream.Session)
	cookies := func(target string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, nil)
		require.NoError(t, err)
		s.AddCookies(req)
		return req.Header.Get("Cookie")
	}
	assert.Empty(t, cookies("http://h.test/"))
	s.Keep(&url.URL{Scheme: "http", Host: "h.test", Path: "/a/connect"}, &upstream.Answer{Header: http.Header{"Set-Cookie": {"arr=1; Path=/"}}})
	s.KeepCookies(&url.URL{Scheme: "http", Host: "h.test", Path: "/a/connected"}, &upstream.Answer{Header: http.Header{"Set-Cookie": {"own=2"}}})
	assert.Equal(t, "own=2; arr=1", cookies("http://h.test/a/message"))
	assert.Equal(t, "arr=1", cookies("http://h.test/b"))
	assert.Empty(t, cookies("http://other.test/a"))
}
