package webpubsub_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

func TestConnectAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		golden string
		reply  *webpubsub.ConnectReply
		err    error
	}{
		{"UE 34 nil reply", "connect_none", nil, nil},
		{"UE 34 empty reply", "connect_none", &webpubsub.ConnectReply{}, nil},
		{"UE 35 user id alone", "connect_user", &webpubsub.ConnectReply{UserID: "vic"}, nil},
		{"UE 36 everything", "connect_full", &webpubsub.ConnectReply{
			UserID: "用户", Groups: []string{"lobby", "a b"}, Roles: []string{"webpubsub.sendToGroup"}, Subprotocol: "json.webpubsub.azure.v1",
			State: webpubsub.RawState("x"),
		}, nil},
		{"UE 36 empty roles clear", "connect_no_roles", &webpubsub.ConnectReply{Roles: []string{}}, nil},
		{"UE 36 empty groups", "connect_no_groups", &webpubsub.ConnectReply{Groups: []string{}}, nil},
		{"UE 36 cleared user id", "connect_no_user", &webpubsub.ConnectReply{ClearUserID: true}, nil},
		{"UE 37 fail 401", "connect_denied", nil, webpubsub.Unauthorized("denied")},
		{"UE 37 fail 400 without a message", "connect_bad", nil, webpubsub.BadRequest("")},
		{"UE 37 an error beside a reply", "connect_denied", &webpubsub.ConnectReply{UserID: "vic"}, webpubsub.Unauthorized("denied")},
		{"UE 42 state alone", "connect_state", &webpubsub.ConnectReply{
			State: webpubsub.State[map[string]int]{}.Set(map[string]int{"k": 1}),
		}, nil},
		{"UE 43 state and an error", "connect_bad", &webpubsub.ConnectReply{
			State: webpubsub.State[map[string]int]{}.Set(map[string]int{"k": 1}),
		}, webpubsub.BadRequest("")},
		{"UE 44 three keys", "connect_state_three", &webpubsub.ConnectReply{
			State: webpubsub.State[map[string]any]{}.Set(map[string]any{"key3": "", "key2": "val2", "key1": []string{"val3"}}),
		}, nil},
		{"unknown error", "connect_failed", nil, errors.New("dial tcp 10.0.0.1: secret")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assertGolden(t, tt.golden, serveFixture(t, onConnect(tt.reply, tt.err), "connect"))
		})
	}
}

func TestUE34MissingOnConnectAccepts(t *testing.T) {
	t.Parallel()
	assertGolden(t, "connect_none", serveFixture(t, webpubsub.Config{}, "connect"))
}

func TestUE42AndUE44StateVectors(t *testing.T) {
	t.Parallel()
	for fixture, want := range map[string]map[string]any{
		"eyJrIjoxfQ==": {"k": 1},
		"eyJrZXkxIjpbInZhbDMiXSwia2V5MiI6InZhbDIiLCJrZXkzIjoiIn0=": {"key1": []string{"val3"}, "key2": "val2", "key3": ""},
	} {
		reply := &webpubsub.ConnectReply{State: webpubsub.State[map[string]any]{}.Set(want)}
		resp := serveFixture(t, onConnect(reply, nil), "connect")
		assert.Equal(t, http.StatusNoContent, resp.StatusCode)
		assert.Equal(t, []string{fixture}, resp.Header.Values("ce-connectionState"))
	}
}

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

func TestCertificatesThatCannotBeParsed(t *testing.T) {
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

func TestUE41BodiesThatAreNoObject(t *testing.T) {
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

func TestConnectReplyChecks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ж", 1024) // characters count, not bytes
	tests := []struct {
		name    string
		reply   webpubsub.ConnectReply
		fixture string
		want    int
		record  string // what the log says
	}{
		{"user id set and cleared", webpubsub.ConnectReply{UserID: "a", ClearUserID: true}, "connect", 500, "ClearUserID"},
		{"user id with a line break", webpubsub.ConnectReply{UserID: "a\r\nce-hub: x"}, "connect", 500, "UserID"},
		{"user id with NUL", webpubsub.ConnectReply{UserID: "a\x00"}, "connect", 500, "UserID"},
		{"user id with a C1 control", webpubsub.ConnectReply{UserID: "a\u0085b"}, "connect", 500, "UserID"},
		{"user id not UTF-8", webpubsub.ConnectReply{UserID: "\xff"}, "connect", 500, "UserID"},
		{"user id in any script", webpubsub.ConnectReply{UserID: "用户 1"}, "connect", 200, ""},
		{"blank group", webpubsub.ConnectReply{Groups: []string{"a", " "}}, "connect", 500, "Groups[1]"},
		{"empty group", webpubsub.ConnectReply{Groups: []string{""}}, "connect", 500, "Groups[0]"},
		{"group not UTF-8", webpubsub.ConnectReply{Groups: []string{"\xff"}}, "connect", 500, "Groups[0]"},
		{"longest group", webpubsub.ConnectReply{Groups: []string{long}}, "connect", 200, ""},
		{"group too long", webpubsub.ConnectReply{Groups: []string{long + "ж"}}, "connect", 500, "Groups[0]"},
		{"blank role", webpubsub.ConnectReply{Roles: []string{"\t"}}, "connect", 500, "Roles[0]"},
		{"role not UTF-8", webpubsub.ConnectReply{Roles: []string{webpubsub.RoleSendToAnyGroup, "\xff"}}, "connect", 500, "Roles[1]"},
		{"role misspelt", webpubsub.ConnectReply{Roles: []string{"sendToGroup.lobby"}}, "connect", 500, `connect reply: Roles[0]: role "sendToGroup.lobby" is unknown to the service, which ignores it; did you mean "webpubsub.sendToGroup.lobby"? (put roles of your own into RawRoles)`},
		{"role of no group", webpubsub.ConnectReply{Roles: []string{webpubsub.RoleSendToGroup("")}}, "connect", 500, `Roles[0]: role "webpubsub.sendToGroup.": group "": want 1 to 1024 characters`},
		{"role with a wrong pattern", webpubsub.ConnectReply{Roles: []string{webpubsub.RoleJoinLeaveGroupPattern(`a\b`)}}, "connect", 500, "Roles[0]"},
		{"blank raw role", webpubsub.ConnectReply{RawRoles: []string{"admin", " "}}, "connect", 500, "RawRoles[1]"},
		{"subprotocol offered", webpubsub.ConnectReply{Subprotocol: "custom.protocol"}, "connect", 200, ""},
		{"subprotocol not offered", webpubsub.ConnectReply{Subprotocol: "graphql-ws"}, "connect", 500, "Subprotocol"},
		{"subprotocol in another case", webpubsub.ConnectReply{Subprotocol: "Custom.Protocol"}, "connect", 500, "Subprotocol"},
		{"mqtt for another client", webpubsub.ConnectReply{Subprotocol: "mqtt"}, "connect", 500, "Subprotocol"},
		{"mqtt for an MQTT client", webpubsub.ConnectReply{Subprotocol: "mqtt"}, "mqtt_connect_v5", 200, ""},
		{"user properties for another client", webpubsub.ConnectReply{MQTTUserProperties: []mqtt.UserProperty{{Name: "a"}}}, "connect", 500, "MQTTUserProperties"},
		{"state with a line break", webpubsub.ConnectReply{State: webpubsub.RawState("a\r\nx: y")}, "connect", 500, "state"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			cfg := onConnect(&tt.reply, nil)
			cfg.Logger = logTo(&out)
			resp := serveFixture(t, cfg, tt.fixture)
			assert.Equal(t, tt.want, resp.StatusCode)
			assert.Empty(t, resp.Header.Values("ce-connectionState"))
			if tt.want == http.StatusOK {
				assert.Empty(t, out.String())
				return
			}
			if tt.fixture == "connect" {
				assert.Equal(t, "Internal Server Error", wireText(t, resp))
			}
			record := logRecord(t, &out)
			assert.Equal(t, "ERROR", record["level"])
			assert.Contains(t, record["error"], tt.record)
		})
	}
}

// The service's documentation allows mqtt whatever the list of offers says.
func TestMQTTSubprotocolNeedNotBeListed(t *testing.T) {
	t.Parallel()
	resp := serveFixture(t, onConnect(&webpubsub.ConnectReply{Subprotocol: "mqtt"}, nil), "mqtt_connect_v5", wireBody("{}"))
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, map[string]string{"subprotocol": `"mqtt"`}, memberTexts(t, resp))
}

// A mistake in one field must not be hidden by the state that goes with it.
func TestConnectReplyMistakeSendsNoState(t *testing.T) {
	t.Parallel()
	resp := serveFixture(t, onConnect(&webpubsub.ConnectReply{Groups: []string{""}, State: webpubsub.RawState("x")}, nil), "connect")
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Empty(t, resp.Header.Values("ce-connectionState"))
}

func TestEachFieldOfConnectReplyCounts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		reply webpubsub.ConnectReply
		want  map[string]string
	}{
		{"UserID", webpubsub.ConnectReply{UserID: "u"}, map[string]string{"userId": `"u"`}},
		{"ClearUserID", webpubsub.ConnectReply{ClearUserID: true}, map[string]string{"userId": `""`}},
		{"Groups", webpubsub.ConnectReply{Groups: []string{"g"}}, map[string]string{"groups": `["g"]`}},
		{"Roles", webpubsub.ConnectReply{Roles: []string{webpubsub.RoleSendToAnyGroup}}, map[string]string{"roles": `["webpubsub.sendToGroup"]`}},
		{"RawRoles", webpubsub.ConnectReply{RawRoles: []string{"r"}}, map[string]string{"roles": `["r"]`}},
		{"Roles and RawRoles", webpubsub.ConnectReply{Roles: []string{webpubsub.RoleJoinLeaveGroup("g")}, RawRoles: []string{"r"}}, map[string]string{"roles": `["webpubsub.joinLeaveGroup.g","r"]`}},
		{"RawRoles that clear", webpubsub.ConnectReply{RawRoles: []string{}}, map[string]string{"roles": `[]`}},
		{"Subprotocol", webpubsub.ConnectReply{Subprotocol: "mqtt"}, map[string]string{"subprotocol": `"mqtt"`}},
		{"MQTTUserProperties", webpubsub.ConnectReply{MQTTUserProperties: []mqtt.UserProperty{{Name: "n", Value: "v"}}},
			map[string]string{"mqtt": `{"userProperties":[{"name":"n","value":"v"}]}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp := serveFixture(t, onConnect(&tt.reply, nil), "mqtt_connect_v5")
			assert.Equal(t, http.StatusOK, resp.StatusCode)
			assert.Equal(t, tt.want, memberTexts(t, resp))
		})
	}
	t.Run("State", func(t *testing.T) {
		t.Parallel()
		resp := serveFixture(t, onConnect(&webpubsub.ConnectReply{State: webpubsub.RawState("s")}, nil), "connect")
		assert.Equal(t, "s", resp.Header.Get("ce-connectionState"))
	})
}
