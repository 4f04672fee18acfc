package upstream_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

func TestUE45to48ConnectAnswer(t *testing.T) {
	t.Parallel()
	token := upstream.Grant{UserID: "token-user", Groups: []string{"token-group"}, Roles: []string{"token-role"}}
	tests := map[string]struct {
		body string
		want upstream.Grant
	}{
		"empty":       {"", token},
		"null":        {"null", token},
		"no members":  {"{}", token},
		"kept":        {`{"groups":[],"roles":null}`, token},
		"null groups": {`{"groups":null}`, token},
		"cleared":     {`{"userId":"","roles":[]}`, upstream.Grant{Groups: token.Groups, Roles: []string{}}},
		"replaced": {
			`{"userId":null,"groups":["new-room"],"roles":["webpubsub.joinLeaveGroup"]}`,
			upstream.Grant{UserID: "token-user", Groups: []string{"new-room"}, Roles: []string{"webpubsub.joinLeaveGroup"}},
		},
		"unknown member": {`{"future":{"a":1},"userId":"vic"}`, upstream.Grant{UserID: "vic", Groups: token.Groups, Roles: token.Roles}},
		"other case":     {`{"UserID":"vic"}`, upstream.Grant{UserID: "vic", Groups: token.Groups, Roles: token.Roles}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := upstream.DecodeConnect(&upstream.Answer{Status: 200, Body: []byte(test.body)})
			require.NoError(t, err)
			assert.Equal(t, test.want, answer.Apply(token))
		})
	}
}

func TestUE50InvalidConnectAnswer(t *testing.T) {
	t.Parallel()
	const notJSON = "the body is not the JSON of a connect answer: "
	for name, tc := range map[string]struct{ body, want string }{
		"not JSON":      {"not-json", notJSON},
		"cut short":     {`{"userId":"vic"`, notJSON},
		"two values":    {`{} {}`, notJSON},
		"a list":        {`[]`, notJSON},
		"a string":      {`"vic"`, notJSON},
		"null group":    {`{"groups":[null]}`, "groups[0] is null"},
		"blank group":   {`{"groups":["g"," "]}`, `groups[1]: group " ": want 1 to 1024 characters of UTF-8, not blank`},
		"long group":    {`{"groups":["` + strings.Repeat("g", 1025) + `"]}`, `groups[0]: group "` + strings.Repeat("g", 128) + `…": want 1 to 1024 characters of UTF-8, not blank`},
		"null role":     {`{"roles":[null]}`, "roles[0] is null"},
		"numeric user":  {`{"userId":1}`, notJSON},
		"user of lines": {`{"userId":"ann\r\nce-hub: other"}`, "userId: want UTF-8 without control characters"},
		"groups a text": {`{"groups":"lobby"}`, notJSON},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := upstream.DecodeConnect(&upstream.Answer{Status: 200, Body: []byte(tc.body)})
			var invalid *upstream.InvalidAnswerError
			require.ErrorAs(t, err, &invalid)
			assert.Contains(t, invalid.Reason, tc.want)
		})
	}
}

func TestNegotiate(t *testing.T) {
	t.Parallel()
	pointer := func(s string) *string { return &s }
	tests := map[string]struct {
		chosen  *string
		offered []string
		want    string
		ok      bool
	}{
		"none offered":           {nil, nil, "", true},
		"custom, none chosen":    {nil, []string{"custom"}, "", true},
		"the service's first":    {nil, []string{"custom", wire.SubprotocolJSONReliable, wire.SubprotocolJSON}, wire.SubprotocolJSONReliable, true},
		"protobuf":               {nil, []string{"protobuf.webpubsub.azure.v1"}, "protobuf.webpubsub.azure.v1", true},
		"chosen":                 {pointer("custom"), []string{wire.SubprotocolJSON, "custom"}, "custom", true},
		"chosen but not offered": {pointer("other"), []string{"custom"}, "", false},
		"chosen empty":           {pointer(""), []string{"custom"}, "", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := upstream.ConnectAnswer{Subprotocol: test.chosen}
			got, err := answer.Negotiate(test.offered)
			assert.Equal(t, test.want, got)
			if test.ok {
				require.NoError(t, err)
				return
			}
			var invalid *upstream.InvalidAnswerError
			require.ErrorAs(t, err, &invalid)
		})
	}
}
