package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestParameters checks that an invalid parameter is answered with a problem that
// names it.
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
		some      = "The field groups must have at least one group."
		known     = "is not supported, want one of 2021-10-01, 2022-11-01, 2023-07-01, 2024-01-01, 2024-12-01."
		body      = "The request body must be one object with groups and filter, of at most 1 MiB."
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
		{"TTL that is not a number", "POST", hubPath + "users/u/:send" + q + "&messageTtlSeconds=1s", "", "messageTtlSeconds", "Invalid messageTtlSeconds."},
		{"TTL to a connection", "POST", hubPath + "connections/c/:send" + q + "&messageTtlSeconds=1e9", "", "messageTtlSeconds", "Invalid messageTtlSeconds."},
		{"filter that is not a condition", "POST", hubPath + ":send" + with("filter", "null"), "", "filter", "Invalid syntax for 'null': Type 'null', expect 'bool'. (Parameter 'filter')"},
		{"filter that orders texts", "POST", hubPath + "groups/g/:send" + with("filter", "userId gt 'a'"), "", "filter", "Invalid syntax for 'userId gt 'a'': Type 'string', expect 'int'. (Parameter 'filter')"},
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
		{"unknown member in a body", "POST", hubPath + ":addToGroups" + q, `{"groups":["g"],"more":1}`, "Request", body},
		{"two values in a body", "POST", hubPath + ":addToGroups" + q, `{"groups":["g"]}{}`, "Request", body},
		{"group of a wrong type in a body", "POST", hubPath + ":addToGroups" + q, `{"groups":[1]}`, "Request", body},
		{"no body", "POST", hubPath + ":addToGroups" + q, "", "Request", body},
		{"body that is invalid in its charset", "POST", hubPath + ":addToGroups" + q, "{\"groups\":[\"\xff\"]}", "Request", body},
		{"body over 1 MiB", "POST", hubPath + ":addToGroups" + q, `{"groups":["` + strings.Repeat("g", 1<<20) + `"]}`, "Request", body},
		{"message that is not JSON", "POST", hubPath + ":send" + q, "{", "Request", "The request body is not a valid JSON."},
		{"malformed query", "POST", hubPath + ":send" + q + "&filter=%zz", "", "Request", "The query is malformed."},
		{"unknown version", "POST", hubPath + ":send?api-version=2099-01-01", "", "api-version", "The API version '2099-01-01' " + known},
		{"empty version", "HEAD", "/api/health?api-version=", "", "api-version", "The API version '' " + known},
		{"list of versions", "POST", hubPath + ":send?api-version=2024-12-01,2021-10-01", "", "api-version", "The API version '2024-12-01,2021-10-01' " + known},
		{"two versions", "POST", hubPath + ":send" + q + "&" + version, "", "api-version", "The API version is repeated."},
		{"lifetime 0", "POST", hubPath + ":generateToken" + q + "&minutesToExpire=0", "", "minutesToExpire", minutes},
		{"lifetime over an int32", "POST", hubPath + ":generateToken" + q + "&minutesToExpire=2147483648", "", "minutesToExpire", minutes},
		{"type of client", "POST", hubPath + ":generateToken" + q + "&clientType=socketio", "", "clientType", "The value 'socketio' is not valid."},
		{"blank group of a token", "POST", hubPath + ":generateToken" + q + "&group=g&group=%20", "", "group", groupRule},
		{"page of 0", "GET", hubPath + "groups/g1/connections" + q + "&maxpagesize=0", "", "maxpagesize", "Invalid maxpagesize."},
		{"page over 200", "GET", hubPath + "groups/g1/connections" + q + "&maxpagesize=201", "", "maxpagesize", "Invalid maxpagesize."},
		{"two page sizes", "GET", hubPath + "groups/g1/connections" + q + "&maxpagesize=2&maxpagesize=2", "", "maxpagesize", "Invalid maxpagesize."},
		{"blank top", "GET", hubPath + "groups/g1/connections" + q + "&top=", "", "top", "Invalid top."},
		{"top over an int32", "GET", hubPath + "groups/g1/connections" + q + "&top=2147483648", "", "top", "Invalid top."},
		{"malformed continuation token", "GET", hubPath + "groups/g1/connections" + q + "&continuationToken=!", "", "continuationToken", "Invalid continuationToken."},
		{"empty continuation token", "GET", hubPath + "groups/g1/connections" + q + "&continuationToken=", "", "continuationToken", "Invalid continuationToken."},
		{"continuation token over 2048 characters", "GET", hubPath + "groups/g1/connections" + q + "&continuationToken=" + strings.Repeat("A", 2049), "", "continuationToken", "Invalid continuationToken."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			got := w.call(t, tt.method, tt.path, asJSON, tt.body)
			if tt.method == http.MethodHead { // no body
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

// TestNotFound checks that the code and length of a 404 are in the header of HEAD.
func TestNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct{ path, code, length string }{
		{"connections/xxx", "Warning.Connection.NotExisted", "133"}, // recorded from the service
		{"users/foo", "Warning.User.NotExisted", "115"},             // likewise
		{"groups/foo", "Warning.Group.NotExisted", "118"},
		{"permissions/sendToGroup/connections/xxx", "Info.Connection.NotExisted", "130"}, // likewise
		{"permissions/sendToGroup/connections/{ann}", "Info.Connection.NotExisted", "159"},
	} {
		got := w.call(t, "HEAD", hubPath+tt.path+"?targetName=g9&"+version, "", "")
		assert.Equal(t, http.StatusNotFound, got.status, tt.path)
		assert.Equal(t, tt.code, got.header.Get("X-Ms-Error-Code"), tt.path)
		assert.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"), tt.path)
		assert.Equal(t, tt.length, got.header.Get("Content-Length"), tt.path)
		assert.Empty(t, got.body, tt.path)
	}
}
