package service_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
)

func TestClientAccessByKey(t *testing.T) {
	t.Parallel()
	const audience = testEndpoint + "/client/hubs/chat"
	tests := []struct {
		name   string
		opts   *service.ClientAccessOptions
		base   string
		claims map[string]any // iat and exp from now
	}{
		{"nothing", nil, "wss://name.webpubsub.azure.com/client/hubs/chat", map[string]any{"aud": audience, "iat": 0.0, "exp": 3600.0}},
		{"zero", &service.ClientAccessOptions{Roles: []string{}, Groups: []string{}}, "wss://name.webpubsub.azure.com/client/hubs/chat", map[string]any{"aud": audience, "iat": 0.0, "exp": 3600.0}},
		{
			"everything", &service.ClientAccessOptions{
				UserID: "ann & <bob>", Roles: []string{"webpubsub.joinLeaveGroup", "webpubsub.sendToGroup.a"}, RawRoles: []string{"admin"},
				Groups: []string{"g/1", "ü"}, Lifetime: 90 * time.Second,
			},
			"wss://name.webpubsub.azure.com/client/hubs/chat",
			map[string]any{
				"aud": audience, "iat": 0.0, "exp": 90.0, "sub": "ann & <bob>",
				"role": []any{"webpubsub.joinLeaveGroup", "webpubsub.sendToGroup.a", "admin"}, "webpubsub.group": []any{"g/1", "ü"},
			},
		},
		{"rounded up to seconds", &service.ClientAccessOptions{Lifetime: 1001 * time.Millisecond}, "wss://name.webpubsub.azure.com/client/hubs/chat", map[string]any{"aud": audience, "iat": 0.0, "exp": 2.0}},
		{
			"MQTT", &service.ClientAccessOptions{Protocol: service.ProtocolMQTT}, "wss://name.webpubsub.azure.com/clients/mqtt/hubs/chat",
			map[string]any{"aud": testEndpoint + "/clients/mqtt/hubs/chat", "iat": 0.0, "exp": 3600.0},
		},
		{
			"Socket.IO", &service.ClientAccessOptions{Protocol: service.ProtocolSocketIO}, "wss://name.webpubsub.azure.com/clients/socketio/hubs/chat",
			map[string]any{"aud": testEndpoint + "/clients/socketio/hubs/chat", "iat": 0.0, "exp": 3600.0},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{status: 500}
				got, err := keyClient(t, over(f)).ClientAccess(t.Context(), test.opts)
				require.NoError(t, err)
				assert.Empty(t, f.requests())
				assert.Equal(t, test.base, got.BaseURL())
				u, err := url.Parse(got.URL())
				require.NoError(t, err)
				assert.Equal(t, url.Values{"access_token": {got.Token()}}, u.Query())
				assert.Equal(t, test.base, strings.TrimSuffix(got.URL(), "?"+u.RawQuery))

				claims := verify(t, got.Token(), testKey)
				now := float64(time.Now().Unix())
				claims["iat"] = claims["iat"].(float64) - now
				claims["exp"] = claims["exp"].(float64) - now
				assert.Equal(t, test.claims, map[string]any(claims))
			})
		})
	}
}

// TestClientAccessURL: clients connect at the proxy with tokens for the service.
func TestClientAccessURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, endpoint, proxy, hub, base, aud string }{
		{"http", "http://localhost:8080", "", "h", "ws://localhost:8080/client/hubs/h", "http://localhost:8080/client/hubs/h"},
		{"path", "https://a.example/base", "", "h", "wss://a.example/base/client/hubs/h", "https://a.example/base/client/hubs/h"},
		{"hub", "https://a.example", "", "h[`,]", "wss://a.example/client/hubs/h%5B%60%2C%5D", "https://a.example/client/hubs/h%5B%60%2C%5D"},
		{"proxy", "https://a.example", "http://gw.example/p", "h", "ws://gw.example/p/client/hubs/h", "https://a.example/client/hubs/h"},
		{"host like scheme", "https://http.example", "", "h", "wss://http.example/client/hubs/h", "https://http.example/client/hubs/h"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := service.NewClientFromConnectionString("Endpoint="+test.endpoint+";AccessKey="+testKey, test.hub, &service.Options{ReverseProxy: test.proxy})
			require.NoError(t, err)
			got, err := c.ClientAccess(t.Context(), nil)
			require.NoError(t, err)
			assert.Equal(t, test.base, got.BaseURL())
			assert.Equal(t, test.aud, verify(t, got.Token(), testKey)["aud"])
		})
	}
}

// TestClientAccessQuery: the URL has the query, the token does not.
func TestClientAccessQuery(t *testing.T) {
	t.Parallel()
	q := url.Values{"room": {"a b&c", ""}, "ticket/": {"ü+'"}, "none": nil}
	f := &fake{answer: func(int, *http.Request) (*http.Response, error) { return reply(200, nil, `{"token":"made"}`), nil }}
	for _, c := range []*service.Client{keyClient(t, over(f)), entraClient(t, &credential{}, over(f))} {
		got, err := c.ClientAccess(t.Context(), &service.ClientAccessOptions{Query: q})
		require.NoError(t, err)
		assert.Equal(t, "wss://name.webpubsub.azure.com/client/hubs/chat", got.BaseURL())
		assert.Equal(t, got.BaseURL()+"?access_token="+got.Token()+"&room=a%20b%26c&room=&ticket%2F=%C3%BC%2B%27", got.URL())
		u, err := url.Parse(got.URL())
		require.NoError(t, err)
		assert.Equal(t, url.Values{"access_token": {got.Token()}, "room": {"a b&c", ""}, "ticket/": {"ü+'"}}, u.Query())
		for _, printed := range []string{got.String(), fmt.Sprintf("%+v %#v", got, struct{ a service.ClientAccess }{got})} {
			assert.NotContains(t, printed, "ticket")
		}
	}
	assert.Len(t, f.requests(), 1)
	assert.NotContains(t, f.only(t).URL, "ticket")
	assert.Equal(t, "?access_token=", new(service.ClientAccess).URL())
}

// TestSocketIOByEntra: the service has no clientType for Socket.IO.
func TestSocketIOByEntra(t *testing.T) {
	t.Parallel()
	f := &fake{answer: func(int, *http.Request) (*http.Response, error) { return reply(200, nil, `{"token":"made"}`), nil }}
	got, err := entraClient(t, &credential{}, over(f)).ClientAccess(t.Context(), &service.ClientAccessOptions{Protocol: service.ProtocolSocketIO})
	require.NoError(t, err)
	assert.Equal(t, testEndpoint+"/api/hubs/chat/:generateToken?"+testVersion+"&minutesToExpire=60", f.only(t).URL)
	assert.Equal(t, "wss://name.webpubsub.azure.com/clients/socketio/hubs/chat?access_token=made", got.URL())
}

// TestClientAccessByEntra: the service makes the token, for whole minutes.
func TestClientAccessByEntra(t *testing.T) {
	t.Parallel()
	for lifetime, minutes := range map[time.Duration]string{
		0:                                "60",
		time.Nanosecond:                  "1",
		time.Minute:                      "1",
		time.Minute + time.Nanosecond:    "2",
		24 * time.Hour:                   "1440",
		time.Duration(1<<63 - 1):         "153722868",
		time.Hour + 59*time.Second + 1e8: "61",
	} {
		f := &fake{answer: func(int, *http.Request) (*http.Response, error) { return reply(200, nil, `{"token":"made"}`), nil }}
		got, err := entraClient(t, &credential{}, over(f)).ClientAccess(t.Context(), &service.ClientAccessOptions{Lifetime: lifetime})
		require.NoError(t, err)
		assert.Equal(t, testEndpoint+"/api/hubs/chat/:generateToken?"+testVersion+"&minutesToExpire="+minutes, f.only(t).URL)
		assert.Equal(t, "made", got.Token())
		assert.Equal(t, "wss://name.webpubsub.azure.com/client/hubs/chat?access_token=made", got.URL())
	}
}

func TestClientAccessByEntraFails(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"empty": "", "no token": "{}", "null": `{"token":null}`, "not JSON": "ey.token"} {
		f := &fake{answer: func(int, *http.Request) (*http.Response, error) { return reply(200, nil, body), nil }}
		_, err := entraClient(t, &credential{}, over(f)).ClientAccess(t.Context(), nil)
		require.EqualError(t, err, "service: GenerateClientToken: 200 OK: answer has no token", name)
	}
	_, err := entraClient(t, &credential{}, over(&fake{status: 403})).ClientAccess(t.Context(), nil)
	require.ErrorIs(t, err, service.ErrForbidden)
}

func TestClientAccessRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		opts service.ClientAccessOptions
		err  string
	}{
		{"lifetime", service.ClientAccessOptions{Lifetime: -1}, "Lifetime is -1ns, want more than 0, or 0 for 1h0m0s"},
		{"protocol", service.ClientAccessOptions{Protocol: 7}, "Protocol is ClientProtocol(7), want ProtocolDefault, ProtocolMQTT or ProtocolSocketIO"},
		{"token in the query", service.ClientAccessOptions{Query: url.Values{"a": {"b"}, "Access_Token": {"secret"}}}, `Query name "Access_Token": access_token and awps_… are reserved for the service`},
		{"connection in the query", service.ClientAccessOptions{Query: url.Values{"awps_connection_id": {"secret"}}}, `Query name "awps_connection_id": access_token and awps_… are reserved for the service`},
		{"no name in the query", service.ClientAccessOptions{Query: url.Values{"": {"secret"}}}, `Query name "": access_token and awps_… are reserved for the service`},
		{"no UTF-8 in the query", service.ClientAccessOptions{Query: url.Values{"a": {"secret\xff"}}}, `Query "a" is not UTF-8`},
		{"user", service.ClientAccessOptions{UserID: "a\xff"}, `UserID: want UTF-8 without control characters, which the header ce-userId cannot have`},
		{"role", service.ClientAccessOptions{Roles: []string{service.RoleJoinLeaveAnyGroup, "sendToGroup"}}, `Roles[1]: role "sendToGroup" is unknown to the service, which ignores it; did you mean "webpubsub.sendToGroup"? (put roles of your own into RawRoles)`},
		{"role of no group", service.ClientAccessOptions{Roles: []string{service.RoleSendToGroup("")}}, `Roles[0]: role "webpubsub.sendToGroup.": group "": want 1 to 1024 characters of UTF-8, not blank (put roles of your own into RawRoles)`},
		{"raw role", service.ClientAccessOptions{RawRoles: []string{"admin", " "}}, `RawRoles[1] is " ", want a role that is not blank, in UTF-8`},
		{"group", service.ClientAccessOptions{Groups: []string{""}}, `Groups[0]: group "": want 1 to 1024 characters of UTF-8, not blank, without line feed`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{status: 200}
			for _, c := range []*service.Client{keyClient(t, over(f)), entraClient(t, &credential{}, over(f))} {
				got, err := c.ClientAccess(t.Context(), &test.opts)
				require.EqualError(t, err, "service: GenerateClientToken: "+test.err)
				require.ErrorIs(t, err, service.ErrInvalid)
				assert.Empty(t, got.Token())
			}
			assert.Empty(t, f.requests())
		})
	}
}

func TestClientProtocolString(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "default", service.ProtocolDefault.String())
	assert.Equal(t, "mqtt", service.ProtocolMQTT.String())
	assert.Equal(t, "socketio", service.ProtocolSocketIO.String())
}
