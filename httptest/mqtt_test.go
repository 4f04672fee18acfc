package httptest_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

func TestMQTTConnectRequest(t *testing.T) {
	t.Parallel()
	h := &script{answer: func(w http.ResponseWriter, n int) {
		if n == 1 {
			_, _ = io.WriteString(w, `{"subprotocol":"mqtt","mqtt":{"userProperties":[{"name":"a","value":"1"},{"name":"a","value":"2"}]}}`)
		}
	}}
	username, clean := "ann", true
	conn, err := httptest.New(h, nil).ConnectMQTT(t.Context(), &httptest.MQTTClient{
		Client: httptest.Client{ConnectionID: "device-1", UserID: "u"},
		Packet: mqtt.Connect{
			Username:       &username,
			Password:       []byte("pass"),
			UserProperties: []mqtt.UserProperty{{Name: "p", Value: "1"}, {Name: "p", Value: "2"}},
			CleanStart:     &clean,
		},
	})
	require.NoError(t, err)
	assert.Equal(t, []mqtt.UserProperty{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}}, conn.Reply.MQTTUserProperties)
	assert.Equal(t, "device-1", conn.ID)
	assert.Equal(t, "mqtt", conn.Subprotocol)

	connect := h.seen[0]
	assert.Equal(t, "mqtt", connect.Header.Get("ce-subprotocol"))
	assert.Equal(t, conn.PhysicalConnectionID, connect.Header.Get("ce-physicalConnectionId"))
	assert.NotContains(t, connect.Header, "Ce-Sessionid")
	assert.Equal(t, "/hubs/chat/client/device-1/"+conn.PhysicalConnectionID, connect.Header.Get("ce-source"))
	assert.JSONEq(t, `{"claims":{"sub":["u"]},"query":{},"headers":{},"subprotocols":["mqtt"],"clientCertificates":[],
		"mqtt":{"protocolVersion":5,"username":"ann","password":"cGFzcw==","cleanStart":true,
		"userProperties":[{"name":"p","value":"1"},{"name":"p","value":"2"}]}}`, connect.Body)

	require.NoError(t, conn.Connected(t.Context()))
	assert.Equal(t, conn.SessionID, h.seen[1].Header.Get("ce-sessionId"))
	assert.Equal(t, conn.PhysicalConnectionID, h.seen[1].Header.Get("ce-physicalConnectionId"))
	assert.NotEmpty(t, conn.SessionID)
}

func TestMQTTConnectDefaults(t *testing.T) {
	t.Parallel()
	h := new(script)
	svc := httptest.New(h, nil)
	first, err := svc.ConnectMQTT(t.Context(), nil)
	require.NoError(t, err)
	assert.JSONEq(t, `{"claims":{},"query":{},"headers":{},"subprotocols":["mqtt"],"clientCertificates":[],
		"mqtt":{"protocolVersion":5,"username":null,"password":null,"userProperties":null}}`, h.seen[0].Body)

	second, err := svc.ConnectMQTT(t.Context(), &httptest.MQTTClient{
		Client:    httptest.Client{ConnectionID: first.ID},
		Packet:    mqtt.Connect{ProtocolVersion: mqtt.Version311},
		SessionID: first.SessionID,
	})
	require.NoError(t, err)
	assert.Contains(t, h.seen[1].Body, `"protocolVersion":4`)
	assert.Equal(t, first.ID, second.ID)
	assert.Equal(t, first.SessionID, second.SessionID)
	assert.NotEqual(t, first.PhysicalConnectionID, second.PhysicalConnectionID)
}

func TestMQTTRejected(t *testing.T) {
	t.Parallel()
	h := newHandler(t, webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		OnConnect: func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			err := webpubsub.MQTTError(mqtt.V5Banned, "for life")
			err.MQTTUserProperties = []mqtt.UserProperty{{Name: "a", Value: "1"}}
			return nil, err
		},
		Logger: quiet(),
	})
	svc := httptest.New(h, nil)
	_, err := svc.ConnectMQTT(t.Context(), nil)
	var rejected *httptest.RejectedError
	require.ErrorAs(t, err, &rejected)
	assert.Equal(t, 403, rejected.Status)
	assert.Equal(t, &mqtt.Refusal{
		Code:           mqtt.V5Banned,
		Reason:         "for life",
		UserProperties: []mqtt.UserProperty{{Name: "a", Value: "1"}},
	}, rejected.MQTT)

	_, err = svc.Connect(t.Context(), nil)
	require.ErrorAs(t, err, &rejected)
	assert.Nil(t, rejected.MQTT, "not an MQTT client")
	_, err = httptest.New(answers(401, "text/plain", "no"), nil).ConnectMQTT(t.Context(), nil)
	require.ErrorAs(t, err, &rejected)
	assert.Nil(t, rejected.MQTT, "the body does not say")
}

func TestMQTTWrongSubprotocol(t *testing.T) {
	t.Parallel()
	_, err := httptest.New(answers(200, "", `{"subprotocol":"json.webpubsub.azure.v1"}`), nil).ConnectMQTT(t.Context(), nil)
	var invalid *httptest.InvalidAnswerError
	require.ErrorAs(t, err, &invalid)
}

func TestUE115MQTTUserEvent(t *testing.T) {
	t.Parallel()
	for status, outcome := range map[int]string{200: "succeeded", 500: "failed"} {
		t.Run(outcome, func(t *testing.T) {
			t.Parallel()
			h := afterConnect(func(w http.ResponseWriter, _ int) {
				w.Header()["Mqtt-X"] = []string{"1", "2"}
				w.Header().Set("mqtt-A", "0")
				w.Header().Set("Content-Type", "image/png")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "out")
			})
			conn, err := httptest.New(h, nil).ConnectMQTT(t.Context(), nil)
			require.NoError(t, err)
			got, err := conn.Publish(t.Context(), "say", httptest.MQTTMessage{
				ContentType:     "application/cbor",
				Data:            []byte("in"),
				UserProperties:  []mqtt.UserProperty{{Name: "trace", Value: "1"}, {Name: "trace", Value: "2"}},
				CorrelationData: []byte("c"),
			})
			if status == 500 {
				var rejected *httptest.RejectedError
				require.ErrorAs(t, err, &rejected)
			} else {
				require.NoError(t, err)
			}
			in := h.seen[1]
			assert.Equal(t, []string{"1", "2"}, in.Header["Mqtt-Trace"])
			assert.Equal(t, "application/cbor", in.Header.Get("Content-Type"))
			assert.Equal(t, "azure.webpubsub.user.say", in.Header.Get("ce-type"))
			assert.Equal(t, "in", in.Body)
			code := map[int]string{200: "200", 500: "500"}[status]
			assert.Equal(t, &httptest.MQTTMessage{
				Topic:       "$webpubsub/server/events/say/" + outcome,
				ContentType: "image/png",
				Data:        []byte("out"),
				UserProperties: []mqtt.UserProperty{
					{Name: "a", Value: "0"}, {Name: "x", Value: "1"}, {Name: "x", Value: "2"}, {Name: "azure-status-code", Value: code},
				},
				CorrelationData: []byte("c"),
			}, got)
		})
	}
}

func TestMQTTPublishWithoutType(t *testing.T) {
	t.Parallel()
	h := new(script)
	conn, err := httptest.New(h, nil).ConnectMQTT(t.Context(), nil)
	require.NoError(t, err)
	_, err = conn.Publish(t.Context(), "say", httptest.MQTTMessage{Data: []byte("x")})
	require.NoError(t, err)
	assert.NotContains(t, h.seen[1].Header, "Content-Type")
	for _, name := range []string{"", "a/b"} {
		_, err = conn.Publish(t.Context(), name, httptest.MQTTMessage{})
		require.Error(t, err)
	}
	require.NoError(t, conn.Disconnect(t.Context(), "gone"))
	require.Len(t, h.seen, 3)
	assert.JSONEq(t, `{"reason":"gone","mqtt":{"initiatedByClient":false,"disconnectPacket":null}}`, h.seen[2].Body)
}

func TestMQTTDisconnect(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		end    *mqtt.Disconnect
		want   string
	}{
		"network failed": {"", nil, `{"reason":null,"mqtt":{"initiatedByClient":false,"disconnectPacket":null}}`},
		"by the client": {
			"bye",
			&mqtt.Disconnect{InitiatedByClient: true, Packet: &mqtt.DisconnectPacket{
				Code:           mqtt.DisconnectWithWillMessage,
				UserProperties: []mqtt.UserProperty{{Name: "a", Value: "1"}},
			}},
			`{"reason":"bye","mqtt":{"initiatedByClient":true,"disconnectPacket":{"code":4,"userProperties":[{"name":"a","value":"1"}]}}}`,
		},
		"taken over": {
			"", &mqtt.Disconnect{Packet: &mqtt.DisconnectPacket{Code: mqtt.DisconnectSessionTakenOver}},
			`{"reason":null,"mqtt":{"initiatedByClient":false,"disconnectPacket":{"code":142,"userProperties":null}}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := new(script)
			conn, err := httptest.New(h, nil).ConnectMQTT(t.Context(), nil)
			require.NoError(t, err)
			require.NoError(t, conn.DisconnectMQTT(t.Context(), test.reason, test.end))
			assert.JSONEq(t, test.want, h.seen[1].Body)
			assert.Equal(t, conn.SessionID, h.seen[1].Header.Get("ce-sessionId"))
			_, err = conn.Publish(t.Context(), "say", httptest.MQTTMessage{})
			require.ErrorIs(t, err, httptest.ErrClosed)
		})
	}
}
