package rest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// TestParameters breaks the rules of parameters: each is answered with a problem
// that names the field.
func TestParameters(t *testing.T) {
	t.Parallel()
	const (
		q         = "?" + version
		hubRule   = "The field hub must match the regular expression '^[A-Za-z][A-Za-z0-9_`,.[\\]]{0,127}$'."
		groupRule = "The field group must have 1 to 1024 characters, no line feed, and not be blank."
		userRule  = "The field userId must be UTF-8 and not blank."
		idRule    = "The field connectionId must be UTF-8 and not blank."
		target    = "The field targetName must be the name of a group."
		minutes   = "The field minutesToExpire must be between 1 and 2147483647."
		some      = "The field groups must have one group at least."
		known     = "is not supported, want one of 2021-10-01, 2022-11-01, 2023-07-01, 2024-01-01, 2024-12-01."
		body      = "The request body is not one object of groups and filter, of at most 1 MiB."
	)
	long := strings.Repeat("g", 1025)
	tests := []struct {
		name         string
		method, path string
		body         string
		field, rule  string
	}{
		{"hub with hyphen", "POST", "/api/hubs/my-hub/:send" + q, "", "hub", hubRule},
		{"hub that begins with a digit", "POST", "/api/hubs/1/:send" + q, "", "hub", hubRule},
		{"hub of 129 characters", "POST", "/api/hubs/" + strings.Repeat("h", 129) + "/:send" + q, "", "hub", hubRule},
		{"blank group", "PUT", hubPath + "groups/%20/connections/x" + q, "", "group", groupRule},
		{"group of 1025 characters", "POST", hubPath + "groups/" + long + "/:send" + q, "", "group", groupRule},
		{"group with line feed", "POST", hubPath + "groups/a%0Ab/:send" + q, "", "group", groupRule},
		{"group that is not UTF-8", "GET", hubPath + "groups/%ff/connections" + q, "", "group", groupRule},
		{"user that is not UTF-8", "POST", hubPath + "users/%ff/:send" + q, "", "userId", userRule},
		{"blank user", "HEAD", hubPath + "users/%20%09" + q, "", "userId", userRule},
		{"blank connection", "DELETE", hubPath + "connections/%20/groups" + q, "", "connectionId", idRule},
		{"permission", "PUT", hubPath + "permissions/read/connections/x" + q + "&targetName=g", "", "permission", "The field permission must be joinLeaveGroup or sendToGroup."},
		{"grant without target", "PUT", hubPath + "permissions/sendToGroup/connections/x" + q, "", "targetName", target},
		{"revoke without target", "DELETE", hubPath + "permissions/sendToGroup/connections/x" + q, "", "targetName", target},
		{"TTL over 300", "POST", hubPath + ":send" + q + "&messageTtlSeconds=301", "", "messageTtlSeconds", "Invalid messageTtlSeconds."},
		{"TTL under 0", "POST", hubPath + "groups/g/:send" + q + "&messageTtlSeconds=-1", "", "messageTtlSeconds", "Invalid messageTtlSeconds."},
		{"TTL that is no number", "POST", hubPath + "users/u/:send" + q + "&messageTtlSeconds=1s", "", "messageTtlSeconds", "Invalid messageTtlSeconds."},
		{"TTL to a connection", "POST", hubPath + "connections/c/:send" + q + "&messageTtlSeconds=1e9", "", "messageTtlSeconds", "Invalid messageTtlSeconds."},
		{"filter that is no condition", "POST", hubPath + ":send" + with("filter", "null"), "", "filter", "Invalid syntax for 'null': Type 'null', expect 'bool'. (Parameter 'filter')"},
		{"filter that compares texts by size", "POST", hubPath + "groups/g/:send" + with("filter", "userId gt 'a'"), "", "filter", "Invalid syntax for 'userId gt 'a'': Type 'string', expect 'int'. (Parameter 'filter')"},
		{"filter with not before a comparison", "POST", hubPath + "users/u/:send" + with("filter", "not length(userId) gt 5"), "", "filter", "Invalid syntax for 'not length(userId) gt 5': Type 'int', expect 'bool'. (Parameter 'filter')"},
		{"filter in a body", "POST", hubPath + ":addToGroups" + q, `{"groups":["g"],"filter":"1"}`, "filter", "Invalid syntax for '1': Type 'int', expect 'bool'. (Parameter 'filter')"},
		{"filter in a body that removes", "POST", hubPath + ":removeFromGroups" + q, `{"groups":["g"],"filter":"1"}`, "filter", "Invalid syntax for '1': Type 'int', expect 'bool'. (Parameter 'filter')"},
		{"blank group in a body", "POST", hubPath + ":addToGroups" + q, `{"groups":["g"," "]}`, "groups", groupRule},
		{"no groups in a body", "POST", hubPath + ":addToGroups" + q, `{}`, "groups", some},
		{"null for a body", "POST", hubPath + ":addToGroups" + q, `null`, "groups", some},
		{"empty groups in a body", "POST", hubPath + ":addToGroups" + q, `{"groups":[],"filter":"true"}`, "groups", some},
		{"empty groups in a body that removes", "POST", hubPath + ":removeFromGroups" + q, `{"groups":[]}`, "groups", some},
		{"blank filter in a body", "POST", hubPath + ":addToGroups" + q, `{"groups":["g"],"filter":" "}`, "filter", "Invalid syntax for ' ': End of filter at offset 1, expect an operand. (Parameter 'filter')"},
		{"blank filter", "POST", hubPath + ":send" + with("filter", "  "), "", "filter", "Invalid syntax for '  ': End of filter at offset 2, expect an operand. (Parameter 'filter')"},
		{"filter of the service's own tests", "POST", hubPath + ":send" + with("filter", "invalid filter"), "", "filter", "Invalid syntax for 'invalid filter': Syntax error at position 14 in 'invalid filter'. (Parameter 'filter')"},
		{"other member in a body", "POST", hubPath + ":addToGroups" + q, `{"groups":["g"],"more":1}`, "Request", body},
		{"two values in a body", "POST", hubPath + ":addToGroups" + q, `{"groups":["g"]}{}`, "Request", body},
		{"group of a wrong type in a body", "POST", hubPath + ":addToGroups" + q, `{"groups":[1]}`, "Request", body},
		{"no body", "POST", hubPath + ":addToGroups" + q, "", "Request", body},
		{"body outside of its charset", "POST", hubPath + ":addToGroups" + q, "{\"groups\":[\"\xff\"]}", "Request", body},
		{"body over 1 MiB", "POST", hubPath + ":addToGroups" + q, `{"groups":["` + strings.Repeat("g", 1<<20) + `"]}`, "Request", body},
		{"message that is no JSON", "POST", hubPath + ":send" + q, "{", "Request", "The request body is not a valid JSON."},
		{"query that cannot be read", "POST", hubPath + ":send" + q + "&filter=%zz", "", "Request", "The query cannot be read."},
		{"unknown version", "POST", hubPath + ":send?api-version=2099-01-01", "", "api-version", "The API version '2099-01-01' " + known},
		{"empty version", "HEAD", "/api/health?api-version=", "", "api-version", "The API version '' " + known},
		{"list of versions", "POST", hubPath + ":send?api-version=2024-12-01,2021-10-01", "", "api-version", "The API version '2024-12-01,2021-10-01' " + known},
		{"two versions", "POST", hubPath + ":send" + q + "&" + version, "", "api-version", "The API version stands more than once."},
		{"lifetime 0", "POST", hubPath + ":generateToken" + q + "&minutesToExpire=0", "", "minutesToExpire", minutes},
		{"lifetime over an int32", "POST", hubPath + ":generateToken" + q + "&minutesToExpire=2147483648", "", "minutesToExpire", minutes},
		{"type of client", "POST", hubPath + ":generateToken" + q + "&clientType=socketio", "", "clientType", "The value 'socketio' is not valid."},
		{"blank group of a token", "POST", hubPath + ":generateToken" + q + "&group=g&group=%20", "", "group", groupRule},
		{"page of 0", "GET", hubPath + "groups/g1/connections" + q + "&maxpagesize=0", "", "maxpagesize", "Invalid maxpagesize."},
		{"page over 200", "GET", hubPath + "groups/g1/connections" + q + "&maxpagesize=201", "", "maxpagesize", "Invalid maxpagesize."},
		{"two page sizes", "GET", hubPath + "groups/g1/connections" + q + "&maxpagesize=2&maxpagesize=2", "", "maxpagesize", "Invalid maxpagesize."},
		{"blank top", "GET", hubPath + "groups/g1/connections" + q + "&top=", "", "top", "Invalid top."},
		{"top over an int32", "GET", hubPath + "groups/g1/connections" + q + "&top=2147483648", "", "top", "Invalid top."},
		{"token of a list that is none", "GET", hubPath + "groups/g1/connections" + q + "&continuationToken=!", "", "continuationToken", "Invalid continuationToken."},
		{"token of a list that is blank", "GET", hubPath + "groups/g1/connections" + q + "&continuationToken=", "", "continuationToken", "Invalid continuationToken."},
		{"token of a list over 2048 characters", "GET", hubPath + "groups/g1/connections" + q + "&continuationToken=" + strings.Repeat("A", 2049), "", "continuationToken", "Invalid continuationToken."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			got := w.call(t, tt.method, tt.path, asJSON, tt.body)
			if tt.method == http.MethodHead { // a header is all there is
				assert.Equal(t, http.StatusBadRequest, got.status)
				assert.Equal(t, "Error.BadRequest", got.header.Get("X-Ms-Error-Code"))
			} else {
				media := "application/problem+json"
				if strings.Contains(tt.path, ":generateToken") {
					media = "application/json"
				}
				got.problem(t, media, tt.field, tt.rule)
			}
			w.ann.nothing(t)
		})
	}
}

// TestPaths that lead to no operation: nothing is redirected to another one.
func TestPaths(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, path string
		status             int
		allow              string
	}{
		{"empty connection", "POST", hubPath + "connections//:send", 404, ""},
		{"empty group", "POST", hubPath + "groups//:send", 404, ""},
		{"empty hub", "POST", "/api/hubs//:send", 404, ""},
		{"dot for a group", "POST", hubPath + "groups/./:send", 404, ""},
		{"dots for a group", "POST", hubPath + "groups/../:send", 404, ""},
		{"slash at the end", "HEAD", hubPath + "groups/g1/", 404, ""},
		{"unknown verb", "POST", hubPath + ":broadcast", 404, ""},
		{"chat API", "GET", hubPath + "chat/rooms/r", 404, ""},
		{"other method", "GET", hubPath + ":send", 405, "POST"},
		{"method of a group", "DELETE", hubPath + "groups/g1", 405, "HEAD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			got := w.call(t, tt.method, tt.path+"?"+version, asText, "x")
			assert.Equal(t, tt.status, got.status)
			assert.Equal(t, tt.allow, got.header.Get("Allow"))
			w.ann.nothing(t)
		})
	}
}

// TestNames of groups, users and hubs are decoded segment by segment; a hub has
// no case, all else has.
func TestNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t, "a/b c+d%", "x/y z", "ü.*")
	const q = "?" + version
	w.steps(t,
		has("groups/x%2Fy%20z"), hasNot("groups/x"), has("groups/%C3%BC.*"),
		has("users/a%2Fb%20c+d%25"), hasNot("users/a"),
		call{"HEAD", "/api/hubs/CHAT/groups/g1" + q, "", "", 200},
		call{"HEAD", "/api/hubs/other/groups/g1" + q, "", "", 404},
		call{"POST", hubPath + "%3Asend" + q, asText, "hi", 202},
		call{"HEAD", "/api/hubs/chat/groups/g1", "", "", 200}, // no api-version: the newest
		call{"HEAD", "/api/hubs/chat/groups/g1?api-version=2021-10-01", "", "", 200},
	)
	w.ann.gets(t, fromServer)
}

// TestAuthorization tries tokens against one and the same call.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = hubPath + "groups/x%20y/connections"
	base := w.emu.Endpoint + path
	full := base + "?" + version + "&top=1"
	soon := time.Now().Add(time.Minute)
	tests := []struct {
		name   string
		token  string
		status int
	}{
		{"URL with query", sign(t, primary, full, soon), 200},
		{"URL without query", sign(t, primary, base, soon), 200},
		{"other case", sign(t, primary, strings.ToUpper(full), soon), 200},
		{"decoded", sign(t, primary, strings.ReplaceAll(full, "%20", " "), soon), 200},
		{"decoded without query", sign(t, primary, strings.ReplaceAll(base, "%20", " "), soon), 200},
		{"https", sign(t, primary, strings.Replace(full, "http:", "https:", 1), soon), 200},
		{"ws", sign(t, primary, strings.Replace(full, "http:", "ws:", 1), soon), 200},
		{"wss", sign(t, primary, strings.Replace(base, "http:", "WSS:", 1), soon), 200},
		{"ftp", sign(t, primary, strings.Replace(base, "http:", "ftp:", 1), soon), 401},
		{"no scheme", sign(t, primary, strings.Replace(base, "http://", "", 1), soon), 401},
		{"slash at the end", sign(t, primary, base+"/", soon), 200},
		{"continued path", sign(t, primary, base+"/c1", soon), 200},
		{"continued name", sign(t, primary, base+"2", soon), 401},
		{"escaped mark of a query", sign(t, primary, base+"%253Fa", soon), 401},
		{"shorter path", sign(t, primary, strings.TrimSuffix(base, "/connections"), soon), 401},
		{"longer host", sign(t, primary, strings.Replace(base, "/api/", ".evil.example/api/", 1), soon), 401},
		{"secondary key", sign(t, secondary, full, soon), 200},
		{"expired within the leeway", sign(t, primary, full, time.Now().Add(-time.Minute)), 200},
		{"expired", sign(t, primary, full, time.Now().Add(-6*time.Minute)), 401},
		{"other key", sign(t, "tertiary", full, soon), 401},
		{"other path", sign(t, primary, w.emu.Endpoint+hubPath+"groups/g1/connections", soon), 401},
		{"other host", sign(t, primary, "http://example.com"+path, soon), 401},
		{"other query", sign(t, primary, base+"?top=2", soon), 200},
		{"the client's URL", sign(t, primary, w.emu.Endpoint+"/client/hubs/chat", soon), 401},
		{"none", "", 401},
		{"not a token", "a.b.c", 401},
		{"no signature", unsigned, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := w.do(t, "GET", full, tt.token, "", http.NoBody, nil)
			assert.Equal(t, tt.status, got.status)
			if tt.status == http.StatusUnauthorized {
				assert.Empty(t, got.body)
			}
		})
	}
	t.Run("other scheme of authorization", func(t *testing.T) {
		t.Parallel()
		got := w.do(t, "GET", full, "", "", http.NoBody, http.Header{"Authorization": {"Basic " + sign(t, primary, full, soon)}})
		assert.Equal(t, http.StatusUnauthorized, got.status)
	})
	t.Run("before the parameters are looked at", func(t *testing.T) {
		t.Parallel()
		got := w.do(t, "POST", w.emu.Endpoint+"/api/hubs/my-hub/:send", "", asText, http.NoBody, nil)
		assert.Equal(t, http.StatusUnauthorized, got.status)
	})
	t.Run("health needs none", func(t *testing.T) {
		t.Parallel()
		for _, method := range []string{"GET", "HEAD"} {
			assert.Equal(t, http.StatusOK, w.do(t, method, w.emu.Endpoint+"/api/health", "", "", http.NoBody, nil).status)
		}
	})
}

// unsigned is a token of the algorithm "none" that is good for everything.
const unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJleHAiOjk5OTk5OTk5OTl9."

func TestTrustTokens(t *testing.T) {
	t.Parallel()
	for _, trust := range []bool{false, true} {
		w := emptyWorld(t, emulator.Config{TrustTokens: trust})
		for token, status := range map[string]int{"any": http.StatusNotFound, "": http.StatusUnauthorized} {
			if !trust {
				status = http.StatusUnauthorized
			}
			got := w.do(t, "HEAD", w.emu.Endpoint+hubPath+"users/u?"+version, token, "", http.NoBody, nil)
			assert.Equal(t, status, got.status, "trust %v, token %q", trust, token)
		}
	}
}

func TestGenerateTokenForMQTT(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, clientType := range []string{"MQTT", "mqtt"} {
		last := w.steps(t, call{"POST", ":generateToken" + with("clientType", clientType) + "&minutesToExpire=2147483647", "", "", 200})
		claims := claimsOf(t, last.body)
		assert.Equal(t, w.emu.Endpoint+"/clients/mqtt/hubs/chat", claims["aud"])
		assert.Greater(t, claims["exp"], claims["iat"])
		assert.NotContains(t, claims, "sub")
		assert.NotContains(t, claims, "role")
		assert.NotContains(t, claims, "webpubsub.group")
	}
}
