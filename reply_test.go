package webpubsub_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

func withMetadata(reply webpubsub.Reply, metadata map[string]string) webpubsub.Reply {
	reply.Metadata = metadata
	return reply
}

func withState(reply webpubsub.Reply, state webpubsub.StateUpdate) webpubsub.Reply {
	reply.State = state
	return reply
}

func withProperties(reply webpubsub.Reply, properties ...mqtt.UserProperty) webpubsub.Reply {
	reply.MQTTUserProperties = properties
	return reply
}

func TestUserEventAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		golden  string
		fixture string
		reply   webpubsub.Reply
		err     error
	}{
		{"UE 65 text", "reply_text", "user_text", webpubsub.TextReply("a, 世界"), nil},
		{"UE 66 JSON string", "reply_json", "user_json", webpubsub.JSONReply("a"), nil},
		{"UE 66 JSON null", "reply_json_null", "user_json", webpubsub.JSONReply(nil), nil},
		{"UE 67 binary", "reply_binary", "user_binary", webpubsub.BinaryReply([]byte{'a', 0, 0x7f}), nil},
		{"UE 72 nothing", "reply_none", "user_text", webpubsub.Reply{}, nil},
		{"UE 73 fail", "reply_failed", "user_text", webpubsub.Reply{}, &webpubsub.Error{Status: 500, Message: "e"}},
		{"UE 73 fail beside state", "reply_refused", "user_text", withState(webpubsub.TextReply("x"), webpubsub.RawState("s")), webpubsub.BadRequest("")},
		{"empty text", "reply_text_empty", "user_text", webpubsub.TextReply(""), nil},
		{"empty binary", "reply_binary_empty", "user_text", webpubsub.BinaryReply(nil), nil},
		{"data of a type with a parameter", "reply_data", "user_text", webpubsub.DataReply("text/plain; charset=us-ascii", []byte("x")), nil},
		{"data of any type for MQTT", "reply_data_mqtt", "mqtt_publish", webpubsub.DataReply("application/xml", []byte("<t/>")), nil},
		{"metadata without a message", "reply_metadata_alone", "user_text", withMetadata(webpubsub.Reply{}, map[string]string{"trace": "1"}), nil},
		{"metadata", "reply_metadata", "user_text", withMetadata(webpubsub.TextReply("x"), map[string]string{"trace-id": "a b", "b": ""}), nil},
		{"state without a message", "reply_state_alone", "user_text", withState(webpubsub.Reply{}, webpubsub.RawState("abc")), nil},
		{"state emptied", "reply_state_empty", "user_text", withState(webpubsub.Reply{}, webpubsub.RawState("")), nil},
		{"MQTT user properties", "reply_mqtt", "mqtt_publish", withProperties(webpubsub.TextReply("x"),
			mqtt.UserProperty{Name: "x", Value: "1"}, mqtt.UserProperty{Name: "x", Value: "2"}), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assertGolden(t, tt.golden, serveFixture(t, onUserEvent(tt.reply, tt.err), tt.fixture))
		})
	}
}

func TestLargeRepliesHaveALength(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2048, 2049, 1 << 20} {
		text := strings.Repeat("x", n)
		for name, reply := range map[string]webpubsub.Reply{
			"text": webpubsub.TextReply(text), "binary": webpubsub.BinaryReply([]byte(text)), "JSON": webpubsub.JSONReply(text[2:]),
		} {
			server := httptest.NewServer(wireHandler(t, onUserEvent(reply, nil)))
			t.Cleanup(server.Close)
			r := wireRequest(t, "user_text")
			out, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, r.Body)
			require.NoError(t, err)
			out.Header, out.ContentLength = r.Header, r.ContentLength
			resp, err := server.Client().Do(out)
			require.NoError(t, err)
			assert.Equal(t, int64(n), resp.ContentLength, name)
			assert.Empty(t, resp.TransferEncoding, name)
			assert.Len(t, wireText(t, resp), n, name)
			require.NoError(t, resp.Body.Close())
		}
	}
	resp := serveFixture(t, onUserEvent(webpubsub.TextReply(strings.Repeat("x", 3000)), nil), "user_text")
	assert.Equal(t, strconv.Itoa(3000), resp.Header.Get("Content-Length"))
}

type notEncodable struct{}

func (notEncodable) MarshalJSON() ([]byte, error) { return nil, errors.New("secret") }

func TestReplyChecks(t *testing.T) {
	t.Parallel()
	pairs := func(n int) map[string]string { // of 1025 bytes each
		m := make(map[string]string, n)
		for i := range n {
			m[string(rune('a'+i))] = strings.Repeat("v", 1024)
		}
		return m
	}
	full := pairs(7) // 7175 bytes
	full["z"] = strings.Repeat("v", 8192-7175-1)
	over := pairs(7)
	over["z"] = strings.Repeat("v", 8192-7175)
	text := webpubsub.TextReply("x")
	long := func(n int) string { return strings.Repeat("k", n) }
	tests := []struct {
		name   string
		reply  webpubsub.Reply
		want   int
		record string
		mqtt   bool
	}{
		{"longest metadata name", withMetadata(text, map[string]string{long(256): "v"}), 200, "", false},
		{"metadata name too long", withMetadata(text, map[string]string{long(257): "v"}), 500, "metadata name", false},
		{"longest metadata value", withMetadata(text, map[string]string{"k": long(1024)}), 200, "", false},
		{"metadata value too long", withMetadata(text, map[string]string{"k": long(1025)}), 500, "metadata value", false},
		{"most metadata", withMetadata(text, full), 200, "", false},
		{"too much metadata", withMetadata(text, over), 500, "metadata has 8193 bytes", false},
		{"metadata without name", withMetadata(text, map[string]string{"": "v"}), 500, "metadata name", false},
		{"metadata name with a space", withMetadata(text, map[string]string{"a b": "v"}), 500, "metadata name", false},
		{"metadata name with a colon", withMetadata(text, map[string]string{"a:b": "v"}), 500, "metadata name", false},
		{"metadata name not ASCII", withMetadata(text, map[string]string{"ä": "v"}), 500, "metadata name", false},
		{"metadata value not ASCII", withMetadata(text, map[string]string{"a": "ä"}), 500, "metadata value", false},
		{"metadata value with a leading space", withMetadata(text, map[string]string{"a": " v"}), 500, "metadata value", false},
		{"metadata value with a trailing tab", withMetadata(text, map[string]string{"a": "v\t"}), 500, "metadata value", false},
		{"metadata value with DEL", withMetadata(text, map[string]string{"a": "\x7f"}), 500, "metadata value", false},
		{"metadata names that differ by case alone", withMetadata(text, map[string]string{"Trace": "1", "trace": "2"}), 500, "metadata name", false},
		{"text not UTF-8", webpubsub.TextReply("\xff"), 500, "UTF-8", false},
		{"JSON of a channel", webpubsub.JSONReply(make(chan int)), 500, "encode JSON", false},
		{"JSON of NaN", webpubsub.JSONReply(math.NaN()), 500, "encode JSON", false},
		{"JSON that refuses", webpubsub.JSONReply(notEncodable{}), 500, "encode JSON", false},
		{"JSON of a Reply", webpubsub.JSONReply(text), 500, "not a JSON value", false},
		{"JSON of a pointer to a Reply", webpubsub.JSONReply(&text), 500, "not a JSON value", false},
		{"data of no type", webpubsub.DataReply("", nil), 500, "content type", false},
		{"data of half a type", webpubsub.DataReply("text", nil), 500, "content type", false},
		{"data of another type", webpubsub.DataReply("application/xml", nil), 500, "content type", false},
		{"data of protobuf", webpubsub.DataReply("Application/x-protobuf", []byte("\x0a\x01u")), 200, "", false},
		{"data of protobuf that is no Any", webpubsub.DataReply("application/x-protobuf", []byte("{}")), 500, "not a serialized google.protobuf.Any", false},
		{"data of protobuf for MQTT", webpubsub.DataReply("application/x-protobuf", []byte("{}")), 200, "", true},
		{"protobuf", webpubsub.ProtobufReply("u", nil), 200, "", false},
		{"protobuf without a type URL", webpubsub.ProtobufReply("", []byte{8, 1}), 500, "type URL of the protobuf message is empty", false},
		{"protobuf with a type URL that is not UTF-8", webpubsub.ProtobufReply("\xff", nil), 500, "type URL of google.protobuf.Any is not UTF-8", false},
		{"data of JSON in upper case", webpubsub.DataReply("APPLICATION/JSON", []byte("1")), 200, "", false},
		{"longest state", withState(text, webpubsub.RawState(long(8192))), 200, "", false},
		{"state too long", withState(text, webpubsub.RawState(long(8193))), 500, "8193 bytes", false},
		{"state not ASCII", withState(text, webpubsub.RawState("ä")), 500, "state", false},
		{"state with a trailing space", withState(text, webpubsub.RawState("a ")), 500, "state", false},
		{"user property for another client", withProperties(text, mqtt.UserProperty{Name: "a", Value: "v"}), 500, "not an MQTT client", false},
		{"user property", withProperties(text, mqtt.UserProperty{Name: "a", Value: "v"}), 200, "", true},
		{"user property without name", withProperties(text, mqtt.UserProperty{Value: "v"}), 500, "user property", true},
		{"user property with a space in its name", withProperties(text, mqtt.UserProperty{Name: "a b"}), 500, "user property", true},
		{"user property not ASCII", withProperties(text, mqtt.UserProperty{Name: "a", Value: "ä"}), 500, "user property", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			cfg := onUserEvent(tt.reply, nil)
			cfg.Logger = logTo(&out)
			fixture := "user_text"
			if tt.mqtt {
				fixture = "mqtt_publish"
			}
			resp := serveFixture(t, cfg, fixture)
			assert.Equal(t, tt.want, resp.StatusCode)
			if tt.want == http.StatusOK {
				assert.NotContains(t, out.String(), "ERROR")
				return
			}
			assert.Equal(t, "Internal Server Error", wireText(t, resp))
			assert.Empty(t, resp.Header.Values("ce-connectionState"))
			record := logRecord(t, &out)
			assert.Equal(t, "ERROR", record["level"])
			assert.Contains(t, record["error"], tt.record)
			assert.Less(t, out.Len(), 1024)
		})
	}
}

// No value of a field adds another header or a control character to the answer.
func TestControlCharactersNeverReachAHeader(t *testing.T) {
	t.Parallel()
	const evil = "X-Evil"
	for _, inject := range []string{"a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\x00b", "\x1b[31m", "a\x7f", "\r\n\r\nbody", "X-Evil\r", "a\u0085b", "a\u2028b"} {
		property := mqtt.UserProperty{Name: "n", Value: inject}
		named := mqtt.UserProperty{Name: inject, Value: "v"}
		replies := map[string]webpubsub.Reply{
			"state":          withState(webpubsub.Reply{}, webpubsub.RawState(inject)),
			"encoded state":  withState(webpubsub.Reply{}, webpubsub.State[map[string]string]{}.Set(map[string]string{inject: inject})),
			"metadata name":  withMetadata(webpubsub.Reply{}, map[string]string{inject: "v"}),
			"metadata value": withMetadata(webpubsub.Reply{}, map[string]string{"k": inject}),
			"property name":  withProperties(webpubsub.Reply{}, named),
			"property value": withProperties(webpubsub.Reply{}, property),
			"content type":   webpubsub.DataReply("text/plain; "+inject, []byte("x")),
			"text":           webpubsub.TextReply(inject),
			"JSON":           webpubsub.JSONReply(inject),
		}
		for name, reply := range replies {
			resp := serveFixture(t, onUserEvent(reply, nil), "mqtt_publish")
			assertCleanHeader(t, resp, evil, name)
		}
		connects := map[string]webpubsub.ConnectReply{
			"user id":     {UserID: inject},
			"group":       {Groups: []string{inject}},
			"role":        {Roles: []string{inject}},
			"subprotocol": {Subprotocol: inject},
			"property":    {MQTTUserProperties: []mqtt.UserProperty{named, property}},
			"state":       {State: webpubsub.RawState(inject)},
		}
		for name, reply := range connects {
			assertCleanHeader(t, serveFixture(t, onConnect(&reply, nil), "mqtt_connect_v5"), evil, name)
		}
		refusal := &webpubsub.Error{Status: 403, Message: inject, Err: errors.New(inject), MQTTUserProperties: []mqtt.UserProperty{named, property}}
		for _, fixture := range []string{"connect", "mqtt_connect_v5"} {
			assertCleanHeader(t, serveFixture(t, onConnect(nil, refusal), fixture), evil, "error")
		}
		assertCleanHeader(t, serveFixture(t, onUserEvent(webpubsub.Reply{}, refusal), "mqtt_publish"), evil, "error")
	}
}

func assertCleanHeader(t *testing.T, resp *http.Response, evil, field string) {
	t.Helper()
	assert.NotContains(t, resp.Header, evil, field)
	for name, values := range resp.Header {
		for _, v := range append(values, name) {
			assert.NotRegexp(t, `[^\t\x20-\x7e]`, v, field)
		}
	}
}

func TestEachFieldOfReplyCounts(t *testing.T) {
	t.Parallel()
	resp := serveFixture(t, onUserEvent(withState(webpubsub.Reply{}, webpubsub.RawState("s")), nil), "user_text")
	assert.Equal(t, "s", resp.Header.Get("ce-connectionState"))
	resp = serveFixture(t, onUserEvent(withMetadata(webpubsub.Reply{}, map[string]string{"Key": "v"}), nil), "user_text")
	assert.Equal(t, "v", resp.Header.Get("X-WebPubSub-Metadata-key"))
	resp = serveFixture(t, onUserEvent(withProperties(webpubsub.Reply{}, mqtt.UserProperty{Name: "n", Value: "v"}), nil), "mqtt_publish")
	assert.Equal(t, "v", resp.Header.Get("mqtt-n"))
}

// If an interceptor returns an error, nothing of the reply is sent.
func TestReplyIsDroppedIfAnInterceptorFails(t *testing.T) {
	t.Parallel()
	reply := withMetadata(withState(webpubsub.TextReply("x"), webpubsub.RawState("s")), map[string]string{"k": "v"})
	cfg := onUserEvent(reply, nil)
	cfg.Interceptors = []webpubsub.Interceptor{
		func(ctx context.Context, _ webpubsub.Event, next func(context.Context) error) error {
			return errors.Join(next(ctx), webpubsub.Forbidden(""))
		},
	}
	assertGolden(t, "reply_dropped", serveFixture(t, cfg, "user_text"))
}

// A reply can be sent many times.
func TestRepliesCanBeShared(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, onUserEvent(withState(webpubsub.JSONReply([]int{1}), webpubsub.State[typedOdd]{}.Set(typedOdd{N: 1})), nil))
	for range 3 {
		resp := wireServe(h, wireRequest(t, "user_text"))
		assert.Equal(t, "[1]", wireText(t, resp))
		assert.Equal(t, "eyJuIjoxfQ==", resp.Header.Get("ce-connectionState"))
	}
}

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

// The service's documentation allows mqtt even if it was not offered.
func TestMQTTSubprotocolNeedNotBeListed(t *testing.T) {
	t.Parallel()
	resp := serveFixture(t, onConnect(&webpubsub.ConnectReply{Subprotocol: "mqtt"}, nil), "mqtt_connect_v5", wireBody("{}"))
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, map[string]string{"subprotocol": `"mqtt"`}, memberTexts(t, resp))
}

// An invalid reply does not set the state.
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
