package webpubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

func TestMQTTConnectMembers(t *testing.T) {
	t.Parallel()
	ev := receive[*webpubsub.ConnectEvent](t, "mqtt_connect_v5")
	vic, clean := "vic", true
	assert.Equal(t, &mqtt.Connect{
		ProtocolVersion: mqtt.Version5,
		Username:        &vic,
		Password:        mqtt.Password("pass"),
		UserProperties:  []mqtt.UserProperty{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}, {Name: "a", Value: "3"}},
		CleanStart:      &clean,
	}, ev.MQTTConnect, "UE 109 password decoded, UE 110 order and duplicates kept")
	assert.Equal(t, wireMQTTClientID, ev.ConnectionID)
	assert.Equal(t, "mqtt", ev.Subprotocol)

	ev = receive[*webpubsub.ConnectEvent](t, "mqtt_connect_v311")
	assert.Equal(t, mqtt.Version311, ev.MQTTConnect.ProtocolVersion)
}

func TestUE109NullsAndPasswords(t *testing.T) {
	t.Parallel()
	member := func(mqtt string) *mqtt.Connect {
		return receive[*webpubsub.ConnectEvent](t, "mqtt_connect_v5", wireBody(`{"mqtt":`+mqtt+`}`)).MQTTConnect
	}
	c := member(`{"protocolVersion":5,"username":null,"password":null,"userProperties":null}`)
	assert.Equal(t, &mqtt.Connect{ProtocolVersion: mqtt.Version5}, c)
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
	assert.Equal(t, []mqtt.UserProperty{{Name: "z", Value: "1"}, {Name: "a"}, {Name: "z", Value: "1"}, {Value: "x"}}, ev.MQTTConnect.UserProperties)
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
		want   *mqtt.Disconnect
	}{
		{"UE 112 null packet", `{"reason":null,"mqtt":{"initiatedByClient":false,"disconnectPacket":null}}`, "", &mqtt.Disconnect{}},
		{"UE 112 no packet", `{"mqtt":{"initiatedByClient":true}}`, "", &mqtt.Disconnect{InitiatedByClient: true}},
		{"UE 112 null", `{"mqtt":null}`, "", nil},
		{"UE 113 session taken over", `{"reason":"x","mqtt":{"initiatedByClient":false,"disconnectPacket":{"code":142,"userProperties":null}}}`, "x",
			&mqtt.Disconnect{Packet: &mqtt.DisconnectPacket{Code: mqtt.DisconnectSessionTakenOver}}},
		{"UE 113 user properties", `{"mqtt":{"initiatedByClient":true,"disconnectPacket":{"code":4,"userProperties":[{"name":"b","value":"1"},{"name":"a","value":"2"},{"name":"b","value":"3"}]}}}`, "",
			&mqtt.Disconnect{InitiatedByClient: true, Packet: &mqtt.DisconnectPacket{
				Code:           mqtt.DisconnectWithWillMessage,
				UserProperties: []mqtt.UserProperty{{Name: "b", Value: "1"}, {Name: "a", Value: "2"}, {Name: "b", Value: "3"}},
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
	assert.Subset(t, props, []mqtt.UserProperty{{Name: "trace", Value: "1"}, {Name: "zone", Value: "a"}, {Name: "zone", Value: "b"}})
	for i := 1; i < len(props); i++ {
		assert.LessOrEqual(t, props[i-1].Name, props[i].Name, "sorted")
	}
	assert.NotContains(t, props, mqtt.UserProperty{Value: "no name"})

	assert.Nil(t, receive[*webpubsub.UserEvent](t, "user_text", headers).MQTTUserProperties(), "not of an MQTT client")
	assert.Nil(t, new(webpubsub.UserEvent).MQTTUserProperties())
}

func TestMQTTConnectAnswers(t *testing.T) {
	t.Parallel()
	properties := []mqtt.UserProperty{{Name: "userId", Value: "vic"}, {Name: "a", Value: ""}, {Name: "userId", Value: "用户\n"}}
	banned := webpubsub.MQTTError(mqtt.V5Banned, "Banned by\nthe server")
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
		{"UE 103 v4 fail with code 5", "mqtt_v4_401_reason", v4, nil, webpubsub.MQTTError(mqtt.V311NotAuthorized, "Auth failed")},
		{"UE 107 banned with everything", "mqtt_v5_banned", same, nil, banned},
		{"UE 108 user properties", "mqtt_v5_accepted", same, &webpubsub.ConnectReply{Subprotocol: "mqtt", MQTTUserProperties: properties[:1]}, nil},
		{"accepted with nothing", "connect_none", same, &webpubsub.ConnectReply{MQTTUserProperties: []mqtt.UserProperty{}}, nil},
		{"unknown error", "mqtt_v5_failed", same, nil, errors.New("secret")},
		{"panic of an Error", "mqtt_v5_failed", same, nil, &webpubsub.PanicError{Value: banned}},
		{"broken reply", "mqtt_v5_failed", same, &webpubsub.ConnectReply{Groups: []string{""}, State: webpubsub.RawState("s")}, nil},
		{"code of the other version, v5", "mqtt_v5_401", same, nil, webpubsub.MQTTError(mqtt.V311NotAuthorized, "")},
		{"code of the other version, v4", "mqtt_v4_403", v4, nil, webpubsub.MQTTError(mqtt.V5Banned, "")},
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
	assertGolden(t, "mqtt_unknown_banned", serveFixture(t, onConnect(nil, webpubsub.MQTTError(mqtt.V5Banned, "")), "mqtt_connect_no_mqtt_member"))
}

// Only the refusal of a connect event has an mqtt body.
func TestMQTTErrorsOfOtherEvents(t *testing.T) {
	t.Parallel()
	err := webpubsub.MQTTError(mqtt.V5QuotaExceeded, "too much")
	resp := serveFixture(t, onUserEvent(webpubsub.Reply{}, err), "mqtt_publish")
	assert.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
	assert.Equal(t, "too much", wireText(t, resp))
	resp = serveFixture(t, webpubsub.Config{OnConnected: func(context.Context, *webpubsub.ConnectedEvent) error { return err }}, "mqtt_connected")
	assert.Equal(t, "too much", wireText(t, resp))
	resp = serveFixture(t, onConnect(nil, err), "connect")
	assert.Equal(t, "too much", wireText(t, resp), "a client that does not speak MQTT")
}

// mqttCodeIn returns the code of a refusal.
func mqttCodeIn(tb testing.TB, resp *http.Response) int {
	tb.Helper()
	assert.Equal(tb, "application/json; charset=utf-8", resp.Header.Get("Content-Type"))
	var body struct {
		MQTT struct {
			Code *int `json:"code"`
		} `json:"mqtt"`
	}
	require.NoError(tb, json.Unmarshal([]byte(wireText(tb, resp)), &body))
	require.NotNil(tb, body.MQTT.Code)
	return *body.MQTT.Code
}

func mqttVersion(version int) func(*http.Request) {
	return wireBody(fmt.Sprintf(`{"mqtt":{"protocolVersion":%d}}`, version))
}

// A code of the client's version is sent unchanged.
func TestMQTTErrorAnswers(t *testing.T) {
	t.Parallel()
	for version, codes := range map[int][]mqtt.ConnectCode{
		4: {mqtt.V311UnacceptableProtocolVersion, mqtt.V311ServerUnavailable, mqtt.V311NotAuthorized, 0x7f},
		5: {mqtt.V5UnspecifiedError, mqtt.V5Banned, mqtt.V5QuotaExceeded, 0xff},
	} {
		for _, code := range codes {
			err := webpubsub.MQTTError(code, "why")
			assert.Equal(t, code.Status(), webpubsub.StatusOf(err))
			assert.Equal(t, "why", err.Message)
			resp := serveFixture(t, onConnect(nil, err), "mqtt_connect_v5", mqttVersion(version))
			assert.Equal(t, code.Status(), resp.StatusCode)
			assert.Equal(t, int(code), mqttCodeIn(t, resp))
		}
	}
}

// Without a code, the status decides.
func TestMQTTCodeOfAStatus(t *testing.T) {
	t.Parallel()
	for _, version := range []mqtt.Version{mqtt.Version311, mqtt.Version5, 3} {
		for _, status := range []int{400, 401, 403, 500} {
			resp := serveFixture(t, onConnect(nil, &webpubsub.Error{Status: status}), "mqtt_connect_v5", mqttVersion(int(version)))
			assert.Equal(t, status, resp.StatusCode)
			assert.Equal(t, int(mqtt.ConnectCodeOf(status, version)), mqttCodeIn(t, resp))
		}
	}
}

func TestMQTTCodeOfAnError(t *testing.T) {
	t.Parallel()
	// The service's documentation pairs 401 with 138: status and code are independent.
	err := &webpubsub.Error{Status: 401, MQTTCode: mqtt.V5Banned}
	resp := serveFixture(t, onConnect(nil, fmt.Errorf("wrapped: %w", err)), "mqtt_connect_v5")
	assert.Equal(t, 401, resp.StatusCode)
	assert.Equal(t, 138, mqttCodeIn(t, resp))
}
