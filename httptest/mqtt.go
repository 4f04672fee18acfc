package httptest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// MQTTClient describes an MQTT client that connects. Its [Client.ConnectionID] is
// the MQTT client id, and its [Client.Subprotocols] default to "mqtt".
type MQTTClient struct {
	Client
	// Packet (mqtt) is the CONNECT packet. Its ProtocolVersion defaults to
	// [mqtt.Version5].
	Packet mqtt.Connect
	// SessionID (ce-sessionId) of a session to resume; defaults to a new one. A
	// resumed session gets no connected event.
	SessionID string
}

// MQTTConn is an MQTT client's session and its network connection. It has the
// methods of [Conn], but sends with Publish. Disconnect reports a failure of the
// network; DisconnectMQTT can send a DISCONNECT packet.
type MQTTConn struct {
	*Conn
	// PhysicalConnectionID (ce-physicalConnectionId) of the network connection.
	PhysicalConnectionID string
	// SessionID (ce-sessionId) of the session.
	SessionID string
}

// mqttIDs are the ids that only events of MQTT clients have.
type mqttIDs struct{ physical, session string }

func (m *mqttIDs) describe(ev *Event) {
	ev.Subprotocol = wire.SubprotocolMQTT
	ev.PhysicalConnectionID = m.physical
	if ev.Type != wire.TypeConnect { // there is no session yet
		ev.SessionID = m.session
	}
}

// ConnectMQTT raises the connect event of an MQTT client; a nil client is an
// anonymous one. Its errors are those of [Service.Connect]; the field MQTT of a
// [*RejectedError] has the CONNACK's code.
func (s *Service) ConnectMQTT(ctx context.Context, client *MQTTClient) (*MQTTConn, error) {
	var cl MQTTClient
	if client != nil {
		cl = *client
	}
	if cl.Subprotocols == nil {
		cl.Subprotocols = []string{wire.SubprotocolMQTT}
	}
	if cl.Packet.ProtocolVersion == 0 {
		cl.Packet.ProtocolVersion = mqtt.Version5
	}
	body := cl.request()
	body.MQTT = (*upstream.MQTTConnect)(&cl.Packet)
	ids := &mqttIDs{physical: upstream.NewConnectionID(), session: cmp.Or(cl.SessionID, upstream.NewConnectionID())}
	conn := &Conn{ID: cmp.Or(cl.ConnectionID, upstream.NewConnectionID()), UserID: cl.UserID, svc: s, mqtt: ids}
	if err := conn.connect(ctx, &cl.Client, body); err != nil {
		return nil, withRefusal(err)
	}
	return &MQTTConn{Conn: conn, PhysicalConnectionID: ids.physical, SessionID: ids.session}, nil
}

// withRefusal sets the field MQTT of a [*RejectedError].
func withRefusal(err error) error {
	var rejected *RejectedError
	if !errors.As(err, &rejected) {
		return err
	}
	var body struct {
		MQTT *mqtt.Refusal `json:"mqtt"`
	}
	if json.Unmarshal(rejected.Body, &body) == nil {
		rejected.MQTT = body.MQTT
	}
	return err
}

// MQTTMessage is a PUBLISH packet that raises a user event, or answers one.
type MQTTMessage struct {
	// Topic of an answer. Publish ignores it: the event's name sets the topic.
	Topic string
	// ContentType may be any media type; empty leaves the header out.
	ContentType string
	Data        []byte
	// UserProperties (mqtt-*) are sent as headers. Those of an answer have lower-case
	// names and are sorted by name, and the service adds azure-status-code.
	UserProperties []mqtt.UserProperty
	// CorrelationData is copied to the answer; the handler does not receive it.
	CorrelationData []byte
}

// Publish raises a user event by a PUBLISH packet to the event's topic, and
// returns the packet that the service publishes in answer. The service answers a
// rejected event on another topic: Publish then returns both that message and a
// [*RejectedError].
func (c *MQTTConn) Publish(ctx context.Context, event string, m MQTTMessage) (*MQTTMessage, error) {
	if event == "" || strings.Contains(event, "/") {
		return nil, errors.New("httptest: name of an MQTT client's user event is empty or has a /")
	}
	ev := Event{
		Type:               wire.TypePrefixUser + event,
		Name:               event,
		ContentType:        m.ContentType,
		Data:               m.Data,
		MQTTUserProperties: m.UserProperties,
	}
	var out *MQTTMessage
	_, err := c.raise(ctx, ev, func(answer *upstream.Answer) (*Message, error) {
		out = mqttAnswer(event, "succeeded", answer)
		return nil, nil
	})
	var rejected *RejectedError
	if errors.As(err, &rejected) {
		out = mqttAnswer(event, "failed", &upstream.Answer{Status: rejected.Status, Header: rejected.Header, Body: rejected.Body})
	}
	if out != nil {
		out.CorrelationData = m.CorrelationData
	}
	return out, err
}

func mqttAnswer(event, outcome string, answer *upstream.Answer) *MQTTMessage {
	out := &MQTTMessage{
		Topic:       "$webpubsub/server/events/" + event + "/" + outcome,
		ContentType: answer.Header.Get(wire.HeaderContentType),
		Data:        answer.Body,
	}
	out.UserProperties = append(mqtt.UserProperties(answer.Header), mqtt.UserProperty{Name: "azure-status-code", Value: strconv.Itoa(answer.Status)})
	return out
}

// DisconnectMQTT raises the disconnected event that ends the session; nil means
// that the network failed. An empty reason is sent as null.
func (c *MQTTConn) DisconnectMQTT(ctx context.Context, reason string, end *mqtt.Disconnect) error {
	return c.disconnect(ctx, reason, end)
}
