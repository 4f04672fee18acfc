package webpubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestMQTTConnectMembers(t *testing.T) {
	t.Parallel()
	ev := receive[*webpubsub.ConnectEvent](t, "mqtt_connect_v5")
	vic, clean := "vic", true
	assert.Equal(t, &webpubsub.MQTTConnect{
		ProtocolVersion: webpubsub.MQTT5,
		Username:        &vic,
		Password:        webpubsub.MQTTPassword("pass"),
		UserProperties:  []webpubsub.MQTTUserProperty{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}, {Name: "a", Value: "3"}},
		CleanStart:      &clean,
	}, ev.MQTTConnect, "UE 109 password decoded, UE 110 order and duplicates kept")
	assert.Equal(t, wireMQTTClientID, ev.ConnectionID)
	assert.Equal(t, "mqtt", ev.Subprotocol)

	ev = receive[*webpubsub.ConnectEvent](t, "mqtt_connect_v311")
	assert.Equal(t, webpubsub.MQTT311, ev.MQTTConnect.ProtocolVersion)
}

func TestUE109NullsAndPasswords(t *testing.T) {
	t.Parallel()
	member := func(mqtt string) *webpubsub.MQTTConnect {
		return receive[*webpubsub.ConnectEvent](t, "mqtt_connect_v5", wireBody(`{"mqtt":`+mqtt+`}`)).MQTTConnect
	}
	c := member(`{"protocolVersion":5,"username":null,"password":null,"userProperties":null}`)
	assert.Equal(t, &webpubsub.MQTTConnect{ProtocolVersion: webpubsub.MQTT5}, c)
	assert.Nil(t, c.Password)
	assert.Equal(t, "pass", string(member(`{"protocolVersion":5,"password":"cGFzcw=="}`).Password))
	assert.Equal(t, []byte{0, 0xff}, []byte(member(`{"protocolVersion":5,"password":"AP8="}`).Password), "passwords are bytes")
	empty := member(`{"protocolVersion":4,"username":"","password":"","userProperties":[]}`)
	assert.NotNil(t, empty.Password, "empty is not none")
	assert.Empty(t, empty.Password)
	require.NotNil(t, empty.Username)
	assert.Empty(t, *empty.Username)
	assert.NotNil(t, empty.UserProperties)

	var out bytes.Buffer
	resp := serveFixture(t, webpubsub.Config{Logger: logTo(&out), Interceptors: []webpubsub.Interceptor{mustNotRun(t)}},
		"mqtt_connect_v5", wireBody(`{"mqtt":{"protocolVersion":5,"password":"pass-word!"}}`))
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
	assert.NotContains(t, wireText(t, resp)+out.String(), "pass-word")
}

func TestUE110UserPropertiesKeepOrder(t *testing.T) {
	t.Parallel()
	ev := receive[*webpubsub.ConnectEvent](t, "mqtt_connect_v5", wireBody(
		`{"mqtt":{"protocolVersion":5,"userProperties":[{"name":"z","value":"1"},{"name":"a","value":""},{"name":"z","value":"1"},{"name":"","value":"x"}]}}`))
	assert.Equal(t, []webpubsub.MQTTUserProperty{{Name: "z", Value: "1"}, {Name: "a"}, {Name: "z", Value: "1"}, {Value: "x"}}, ev.MQTTConnect.UserProperties)
}

func TestUE111Sessions(t *testing.T) {
	t.Parallel()
	connect := receive[*webpubsub.ConnectEvent](t, "mqtt_connect_v5")
	require.NotNil(t, connect.MQTT)
	assert.Equal(t, "ph-31c6", connect.MQTT.PhysicalConnectionID)
	assert.Empty(t, connect.MQTT.SessionID)

	connected := receive[*webpubsub.ConnectedEvent](t, "mqtt_connected", wireHeader("ce-sessionId", "s-1"))
	require.NotNil(t, connected.MQTT)
	assert.Equal(t, webpubsub.MQTTSession{PhysicalConnectionID: "ph-31c6", SessionID: "s-1"}, *connected.MQTT)
}

func TestMQTTIsRecognisedByBothHeaders(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		subprotocol string
		physical    string
		want        bool
	}{
		{"both", "mqtt", "p", true},
		{"in another case", "MQTT", "p", true},
		{"UE 33 no physical connection", "mqtt", "", false},
		{"another subprotocol", "json.webpubsub.azure.v1", "p", false},
		{"only contains it", "mqttv3", "p", false},
		{"none", "", "p", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := receive[*webpubsub.ConnectedEvent](t, "connected",
				wireHeader("ce-subprotocol", tt.subprotocol), wireHeader("ce-physicalConnectionId", tt.physical))
			assert.Equal(t, tt.want, ev.MQTT != nil)
		})
	}
}

func TestMQTTDisconnected(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		body   string
		reason string
		want   *webpubsub.MQTTDisconnect
	}{
		{"UE 112 null packet", `{"reason":null,"mqtt":{"initiatedByClient":false,"disconnectPacket":null}}`, "", &webpubsub.MQTTDisconnect{}},
		{"UE 112 no packet", `{"mqtt":{"initiatedByClient":true}}`, "", &webpubsub.MQTTDisconnect{InitiatedByClient: true}},
		{"UE 112 null", `{"mqtt":null}`, "", nil},
		{"UE 113 session taken over", `{"reason":"x","mqtt":{"initiatedByClient":false,"disconnectPacket":{"code":142,"userProperties":null}}}`, "x",
			&webpubsub.MQTTDisconnect{Packet: &webpubsub.MQTTDisconnectPacket{Code: webpubsub.MQTTSessionTakenOver}}},
		{"UE 113 user properties", `{"mqtt":{"initiatedByClient":true,"disconnectPacket":{"code":4,"userProperties":[{"name":"b","value":"1"},{"name":"a","value":"2"},{"name":"b","value":"3"}]}}}`, "",
			&webpubsub.MQTTDisconnect{InitiatedByClient: true, Packet: &webpubsub.MQTTDisconnectPacket{
				Code:           webpubsub.MQTTDisconnectWithWillMessage,
				UserProperties: []webpubsub.MQTTUserProperty{{Name: "b", Value: "1"}, {Name: "a", Value: "2"}, {Name: "b", Value: "3"}},
			}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := receive[*webpubsub.DisconnectedEvent](t, "mqtt_disconnected", wireBody(tt.body))
			assert.Equal(t, tt.reason, ev.Reason)
			assert.Equal(t, tt.want, ev.MQTTDisconnect)
		})
	}
	ev := receive[*webpubsub.DisconnectedEvent](t, "mqtt_disconnected")
	assert.Equal(t, "SessionTakenOver", ev.MQTTDisconnect.Packet.Code.String())
	assert.Nil(t, receive[*webpubsub.DisconnectedEvent](t, "mqtt_disconnected_network").MQTTDisconnect.Packet)
}

func TestMQTTMessageUserProperties(t *testing.T) {
	t.Parallel()
	headers := both(wireHeader("mqtt-Zone", "a", "b"), wireHeader("MQTT-trace", "1"), wireHeader("mqtt-", "no name"), wireHeader("mqttx", "x"))
	ev := receive[*webpubsub.UserEvent](t, "mqtt_publish_no_content_type", headers)
	props := ev.MQTTUserProperties()
	assert.Subset(t, props, []webpubsub.MQTTUserProperty{{Name: "trace", Value: "1"}, {Name: "zone", Value: "a"}, {Name: "zone", Value: "b"}})
	for i := 1; i < len(props); i++ {
		assert.LessOrEqual(t, props[i-1].Name, props[i].Name, "sorted")
	}
	assert.NotContains(t, props, webpubsub.MQTTUserProperty{Value: "no name"})

	assert.Nil(t, receive[*webpubsub.UserEvent](t, "user_text", headers).MQTTUserProperties(), "not of an MQTT client")
	assert.Nil(t, new(webpubsub.UserEvent).MQTTUserProperties())
}

func TestMQTTConnectAnswers(t *testing.T) {
	t.Parallel()
	properties := []webpubsub.MQTTUserProperty{{Name: "userId", Value: "vic"}, {Name: "a", Value: ""}, {Name: "userId", Value: "用户\n"}}
	banned := webpubsub.MQTTError(webpubsub.MQTT5Banned, "Banned by\nthe server")
	banned.MQTTUserProperties = properties
	v4 := wireBody(`{"mqtt":{"protocolVersion":4}}`)
	same := func(*http.Request) {}
	tests := []struct {
		name   string
		golden string
		edit   func(*http.Request)
		reply  *webpubsub.ConnectReply
		err    error
	}{
		{"UE 102 v4 fail 400", "mqtt_v4_400", v4, nil, webpubsub.BadRequest("")},
		{"UE 103 v4 fail 401 with a reason", "mqtt_v4_401_reason", v4, nil, webpubsub.Unauthorized("Auth failed")},
		{"UE 103 v4 fail with code 5", "mqtt_v4_401_reason", v4, nil, webpubsub.MQTTError(webpubsub.MQTT311NotAuthorized, "Auth failed")},
		{"UE 107 banned with everything", "mqtt_v5_banned", same, nil, banned},
		{"UE 108 user properties", "mqtt_v5_accepted", same, &webpubsub.ConnectReply{Subprotocol: "mqtt", MQTTUserProperties: properties[:1]}, nil},
		{"accepted with nothing", "connect_none", same, &webpubsub.ConnectReply{MQTTUserProperties: []webpubsub.MQTTUserProperty{}}, nil},
		{"unknown error", "mqtt_v5_failed", same, nil, errors.New("secret")},
		{"panic of an Error", "mqtt_v5_failed", same, nil, &webpubsub.PanicError{Value: banned}},
		{"broken reply", "mqtt_v5_failed", same, &webpubsub.ConnectReply{Groups: []string{""}, State: webpubsub.RawState("s")}, nil},
		{"code of the other version, v5", "mqtt_v5_401", same, nil, webpubsub.MQTTError(webpubsub.MQTT311NotAuthorized, "")},
		{"code of the other version, v4", "mqtt_v4_403", v4, nil, webpubsub.MQTTError(webpubsub.MQTT5Banned, "")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assertGolden(t, tt.golden, serveFixture(t, onConnect(tt.reply, tt.err), "mqtt_connect_v5", tt.edit))
		})
	}
}

func TestUE114BodyWithoutMQTT(t *testing.T) {
	t.Parallel()
	ev := receive[*webpubsub.ConnectEvent](t, "mqtt_connect_no_mqtt_member")
	assert.NotNil(t, ev.MQTT)
	assert.Nil(t, ev.MQTTConnect)
	assertGolden(t, "mqtt_unknown_401", serveFixture(t, onConnect(nil, webpubsub.Unauthorized("denied")), "mqtt_connect_no_mqtt_member"))
	assertGolden(t, "mqtt_unknown_banned", serveFixture(t, onConnect(nil, webpubsub.MQTTError(webpubsub.MQTT5Banned, "")), "mqtt_connect_no_mqtt_member"))
}

// Only a connect event's refusal has a body of MQTT's own.
func TestMQTTErrorsOfOtherEvents(t *testing.T) {
	t.Parallel()
	err := webpubsub.MQTTError(webpubsub.MQTT5QuotaExceeded, "too much")
	resp := serveFixture(t, onUserEvent(webpubsub.Reply{}, err), "mqtt_publish")
	assert.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
	assert.Equal(t, "too much", wireText(t, resp))
	resp = serveFixture(t, webpubsub.Config{OnConnected: func(context.Context, *webpubsub.ConnectedEvent) error { return err }}, "mqtt_connected")
	assert.Equal(t, "too much", wireText(t, resp))
	resp = serveFixture(t, onConnect(nil, err), "connect")
	assert.Equal(t, "too much", wireText(t, resp), "a client that does not speak MQTT")
}

func TestMQTTPasswordIsRedacted(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	password := webpubsub.MQTTPassword(secret)
	connect := &webpubsub.MQTTConnect{Password: password}
	hidden := []string{secret, "115", "733363723374", "73 33", "0x73", "czNjcjN0", "U+0073"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c", "%U", "%t", "%10s"} {
		for _, v := range []any{password, &password, []webpubsub.MQTTPassword{password}, map[string]webpubsub.MQTTPassword{"p": password}, connect, *connect} {
			text := fmt.Sprintf(verb, v)
			for _, h := range hidden {
				assert.NotContainsf(t, text, h, "%s of %T", verb, v)
			}
		}
	}
	assert.Equal(t, "REDACTED", password.String())
	assert.Equal(t, "REDACTED", password.GoString())

	for _, v := range []any{password, connect, *connect, map[string]any{"p": password}} {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		assert.Contains(t, string(text), "REDACTED")
		for _, h := range hidden {
			assert.NotContains(t, string(text), h)
		}
		for _, handler := range []func(*bytes.Buffer) slog.Handler{
			func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
			func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		} {
			var out bytes.Buffer
			slog.New(handler(&out)).Info("x", "v", v)
			assert.NotContains(t, out.String(), secret)
			assert.NotContains(t, out.String(), "czNjcjN0")
		}
	}
	text, err := password.MarshalText()
	require.NoError(t, err)
	assert.Equal(t, "REDACTED", string(text))
}

func TestMQTTVersionString(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "3.1.1", webpubsub.MQTT311.String())
	assert.Equal(t, "5.0", webpubsub.MQTT5.String())
	assert.Equal(t, "MQTTVersion(3)", webpubsub.MQTTVersion(3).String())
}
