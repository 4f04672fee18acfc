package webpubsub_test

import (
	"context"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestUE38EmptyObject(t *testing.T) {
	t.Parallel()
	ev := receive[*webpubsub.ConnectEvent](t, "connect_empty_object")
	assert.Nil(t, ev.Claims)
	assert.Nil(t, ev.Query)
	assert.Nil(t, ev.Headers)
	assert.Nil(t, ev.Subprotocols)
	assert.Nil(t, ev.ClientCertificates)
	assert.Nil(t, ev.MQTTConnect)
	assert.Empty(t, ev.Claims.Get("sub"), "access to what is not there")
	assert.Empty(t, ev.Query.Get("q"))
	assert.Empty(t, ev.Headers.Get("h"))
	assert.False(t, ev.Claims.Has("sub", ""))
}

func TestUE38NullMembers(t *testing.T) {
	t.Parallel()
	const body = `{"claims":null,"query":null,"headers":null,"subprotocols":null,"clientCertificates":null,"mqtt":null}`
	ev := receive[*webpubsub.ConnectEvent](t, "connect", wireBody(body))
	assert.Nil(t, ev.Claims)
	assert.Nil(t, ev.ClientCertificates)
	assert.Nil(t, ev.MQTTConnect)
}

func TestUE39ValuesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	ev := receive[*webpubsub.ConnectEvent](t, "connect", wireBody(`{
		"claims":{"role":["b","a","b"],"sub":["vic"],"none":[]},
		"query":{"id":["2","1","2"],"ticket":["t"]},
		"headers":{"X-Forwarded-For":["192.0.2.1","198.51.100.7"],"user-agent":["x"],"Empty":[]},
		"subprotocols":["z","a"],"clientCertificates":[]}`))
	assert.Equal(t, webpubsub.Claims{"role": {"b", "a", "b"}, "sub": {"vic"}, "none": nil}, ev.Claims)
	assert.Equal(t, url.Values{"id": {"2", "1", "2"}, "ticket": {"t"}}, ev.Query)
	assert.Equal(t, []string{"z", "a"}, ev.Subprotocols)

	assert.Equal(t, "b", ev.Claims.Get("role"))
	assert.Empty(t, ev.Claims.Get("none"))
	assert.Empty(t, ev.Claims.Get("Role"), "claims have a case")
	assert.True(t, ev.Claims.Has("role", "a"))
	assert.False(t, ev.Claims.Has("role", "A"))
	assert.False(t, ev.Claims.Has("none", ""))
	assert.Equal(t, "192.0.2.1", ev.Headers.Get("x-forwarded-for"))
	assert.Equal(t, []string{"192.0.2.1", "198.51.100.7"}, ev.Headers.Values("X-FORWARDED-FOR"))
	assert.Equal(t, "x", ev.Headers.Get("User-Agent"))
	assert.Empty(t, ev.Headers.Get("empty"))
	assert.Nil(t, ev.Headers.Values("absent"))
}

func TestHeadersSpelledInSeveralWays(t *testing.T) {
	t.Parallel()
	h := webpubsub.Headers{"x-role": {"c"}, "X-Role": {"a", "b"}, "X-ROLE": {"z"}, "X-Roles": {"no"}}
	for _, name := range []string{"X-Role", "x-role", "X-ROLE", "x-ROLE"} {
		for range 20 { // maps have no order
			assert.Equal(t, []string{"z", "a", "b", "c"}, h.Values(name))
			assert.Equal(t, "z", h.Get(name))
		}
	}
}

func TestHeadersCookie(t *testing.T) {
	t.Parallel()
	ev := receive[*webpubsub.ConnectEvent](t, "connect", wireBody(`{"headers":{"cookie":["session=s1; theme=\"dark blue\"","session=s2; broken cookie; a=b=c"]}}`))
	for name, want := range map[string]string{"session": "s1", "theme": "dark blue", "a": "b=c"} {
		cookie, err := ev.Headers.Cookie(name)
		require.NoError(t, err, name)
		assert.Equal(t, want, cookie.Value, name)
	}
	for _, headers := range []webpubsub.Headers{ev.Headers, {}, nil} {
		for _, name := range []string{"Session", "absent", "", "broken cookie"} {
			_, err := headers.Cookie(name)
			require.ErrorIs(t, err, http.ErrNoCookie, name)
		}
	}
}

func TestUE40UnknownMembersAndCertificate(t *testing.T) {
	t.Parallel()
	ev := receive[*webpubsub.ConnectEvent](t, "connect_unknown_members")
	assert.Equal(t, "vic", ev.Claims.Get("sub"))

	ev = receive[*webpubsub.ConnectEvent](t, "connect_certificate")
	require.Len(t, ev.ClientCertificates, 1)
	cert := ev.ClientCertificates[0]
	assert.Equal(t, "E11DF5074E976A9A37978C4CBE0A415C24785351", cert.Thumbprint)
	assert.Contains(t, cert.Content, "-----BEGIN CERTIFICATE-----\r\n")
	parsed, err := cert.Parse()
	require.NoError(t, err)
	assert.Equal(t, "device-7", parsed.Subject.CommonName)
}

func TestInvalidCertificates(t *testing.T) {
	t.Parallel()
	const begin, end = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
	for name, content := range map[string]string{
		"empty":                "",
		"not PEM":              "MIIB",
		"not base64":           begin + "%%%%\n" + end,
		"empty block":          begin + end,
		"not a certificate":    begin + "AAAA\n" + end,
		"never ends":           begin + "AAAA\n",
		"a private key":        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"a request":            "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
		"a type of great size": "-----BEGIN " + strings.Repeat("A", 4096) + "-----\nAAAA\n-----END " + strings.Repeat("A", 4096) + "-----\n",
	} {
		cert, err := webpubsub.ClientCertificate{Thumbprint: "AB", Content: content}.Parse()
		require.Error(t, err, name)
		assert.Nil(t, cert, name)
		assert.Less(t, len(err.Error()), 512, name)
	}
}

func TestUE41InvalidConnectBodies(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"nope", "", "null", "[]", "1", `"s"`, "{", `{"claims":"secret"}`, `{"claims":{"a":1}}`, `{}{}`, `{"clientCertificates":[1]}`, `{"mqtt":1}`} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			resp := serveFixture(t, webpubsub.Config{
				Interceptors: []webpubsub.Interceptor{mustNotRun(t)},
				OnConnect: func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
					t.Error("OnConnect was called")
					return nil, nil
				},
			}, "connect", wireBody(body))
			assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
			assert.Equal(t, "body of the connect event cannot be decoded", wireText(t, resp))
		})
	}
}

func TestConnectMeta(t *testing.T) {
	t.Parallel()
	r := wireRequest(t, "connect", wireHeader("ce-connectionState", "abc"), setOrigin("a.example, "+wireOrigin, "c.example"))
	r.SetPathValue("tenant", "t1")
	var got *webpubsub.ConnectEvent
	h := wireHandler(t, webpubsub.Config{OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
		got = ev
		return nil, nil
	}})
	assert.Equal(t, http.StatusNoContent, wireServe(h, r).StatusCode)
	require.NotNil(t, got)
	m := got.EventMeta()
	assert.Equal(t, "0", m.ID)
	assert.Equal(t, "azure.webpubsub.sys.connect", m.Type)
	assert.Equal(t, "2026-01-01T00:00:00Z", m.Time.Format("2006-01-02T15:04:05Z07:00"))
	assert.Equal(t, "/hubs/chat/client/"+wireConnectionID, m.Source)
	assert.Equal(t, "a.example, "+wireOrigin+", c.example", m.Origin)
	assert.Equal(t, wireHub, m.Hub)
	assert.Equal(t, wireConnectionID, m.ConnectionID)
	assert.Equal(t, "vic", m.UserID)
	assert.Equal(t, "connect", m.EventName)
	assert.Equal(t, "abc", m.RawState)
	assert.Empty(t, m.Subprotocol)
	assert.Nil(t, m.MQTT)
	assert.Equal(t, r.Header, m.RequestHeader)
	assert.Equal(t, "t1", m.PathValue("tenant"))
	assert.Empty(t, m.PathValue("other"))
	assert.Empty(t, new(webpubsub.Meta).PathValue("tenant"), "an event made by hand")
}

// An application may keep the claims of each connection. They must not keep the event, whose
// request has the buffers of an HTTP connection.
func TestClaimsDoNotKeepTheEvent(t *testing.T) {
	t.Parallel()
	var claims webpubsub.Claims
	var event weak.Pointer[webpubsub.ConnectEvent]
	h := wireHandler(t, webpubsub.Config{OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
		claims, event = ev.Claims, weak.Make(ev)
		return nil, nil //nolint:nilnil // accepts the client
	}})
	require.Equal(t, http.StatusNoContent, wireServe(h, wireRequest(t, "connect")).StatusCode)
	runtime.GC()
	assert.NotEmpty(t, claims)
	assert.Nil(t, event.Value())
}
