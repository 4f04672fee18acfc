package httptest

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// MQTTClient is an MQTT client that wants to connect. Its [Client.ConnectionID]
// is the MQTT client id; it offers the subprotocol "mqtt" unless it says
// otherwise.
type MQTTClient struct {
	Client
	// Packet (mqtt) is the CONNECT packet. Its ProtocolVersion defaults to
	// [mqtt.Version5].
	Packet mqtt.Connect
	// SessionID (ce-sessionId) of a session that the client resumes; empty begins
	// a new one. A resumed session gets no connected event.
	SessionID string
}

// MQTTConn is an MQTT client's session with its network connection. It has the
// methods of [Conn], but MQTT clients send with Publish, and DisconnectMQTT can
// tell more of the end than Disconnect, which is a network that failed.
type MQTTConn struct {
	*Conn
	// PhysicalConnectionID (ce-physicalConnectionId) of the network connection.
	PhysicalConnectionID string
	// SessionID (ce-sessionId) of the session.
	SessionID string
}

// mqttIDs are what the header of an MQTT client's events has in addition.
type mqttIDs struct{ physical, session string }

func (m *mqttIDs) describe(ev *Event) {
	ev.Subprotocol = wire.SubprotocolMQTT
	ev.PhysicalConnectionID = m.physical
	if ev.Type != wire.TypeConnect { // there is no session yet
		ev.SessionID = m.session
	}
}

// ConnectMQTT raises the connect event of an MQTT client; nil is an anonymous
// one. Its errors are those of [Service.Connect]; a [*RejectedError] has the
// CONNACK's code in its MQTT field.
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
	body.MQTT = &upstream.MQTTConnect{Connect: cl.Packet, Password: cl.Packet.Password}
	ids := &mqttIDs{physical: newID(), session: or(cl.SessionID, newID())}
	conn := &Conn{ID: or(cl.ConnectionID, newID()), UserID: cl.UserID, svc: s, mqtt: ids}
	if err := conn.connect(ctx, &cl.Client, body); err != nil {
		return nil, withRefusal(err)
	}
	return &MQTTConn{Conn: conn, PhysicalConnectionID: ids.physical, SessionID: ids.session}, nil
}

// withRefusal reads the CONNACK's code out of a rejection.
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

// MQTTMessage is a PUBLISH packet that raises a user event, or the one that
// answers it.
type MQTTMessage struct {
	// Topic of an answer; a message to publish has none, it goes to the event.
	Topic string
	// ContentType is the packet's own, any media type; empty leaves the header out.
	ContentType string
	Data        []byte
	// UserProperties (mqtt-*) travel as headers: an answer's have lower-case names
	// and are sorted by them. The service adds azure-status-code to an answer.
	UserProperties []mqtt.UserProperty
	// CorrelationData comes back in the answer; the handler does not see it.
	CorrelationData []byte
}

// Publish raises a user event by a PUBLISH packet to the event's topic, and
// returns the packet that the service publishes in answer. A rejected event is
// answered too, on another topic: then both the message and the error, a
// [*RejectedError], are set.
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
