package webpubsub_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// secretEvents are events of all kinds whose every secret place says s3cr3t.
func secretEvents() map[string]any {
	const s = "s3cr3t"
	meta := webpubsub.Meta{
		ID: "7", Hub: "chat", ConnectionID: "c1", EventName: "say", UserID: s, RawState: s, Subprotocol: "x",
		RequestHeader: map[string][]string{"Authorization": {s}, "Ce-Signature": {s}},
		MQTT:          &webpubsub.MQTTSession{SessionID: s},
	}
	connect := webpubsub.ConnectEvent{
		Meta: meta, Claims: webpubsub.Claims{s: {s}}, Query: map[string][]string{"access_token": {s}}, Headers: webpubsub.Headers{"Cookie": {s}},
		ClientCertificates: []webpubsub.ClientCertificate{{Content: s}}, MQTTConnect: &mqtt.Connect{Password: mqtt.Password(s)},
	}
	user := webpubsub.UserEvent{Meta: meta, Data: []byte(s), ContentType: s}
	disconnected := webpubsub.DisconnectedEvent{Meta: meta, Reason: s}
	joined, left := webpubsub.GroupJoinedEvent{Meta: meta, Group: s}, webpubsub.GroupLeftEvent{Meta: meta, Group: s}
	connected := webpubsub.ConnectedEvent{Meta: meta}
	return map[string]any{
		"*Meta": &meta, "*ConnectEvent": &connect, "*UserEvent": &user, "*DisconnectedEvent": &disconnected,
		"*GroupJoinedEvent": &joined, "*GroupLeftEvent": &left, "*ConnectedEvent": &connected,
		"Meta": meta, "ConnectEvent": connect, "UserEvent": user, "DisconnectedEvent": disconnected,
		"GroupJoinedEvent": joined, "GroupLeftEvent": left, "ConnectedEvent": connected,
	}
}

func TestEventsPrintWithoutUserData(t *testing.T) {
	t.Parallel()
	for name, ev := range secretEvents() {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			assert.Equal(t, `event "say" (id "7") of connection "c1" in hub "chat"`, fmt.Sprintf(verb, ev), "%s of %s", verb, name)
		}
		assert.NotContains(t, fmt.Sprintf("%q %x", ev, ev), "s3cr3t", name)
	}
}

func TestEventsLogWithoutUserData(t *testing.T) {
	t.Parallel()
	for name, ev := range secretEvents() {
		var out bytes.Buffer
		logTo(&out).Info("x", "ev", ev)
		record := logRecord(t, &out)
		assert.Equal(t, map[string]any{"hub": "chat", "connection_id": "c1", "event": "say", "event_id": "7"}, record["ev"], name)

		out.Reset()
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "ev", ev)
		require.Contains(t, out.String(), "ev.connection_id=c1", name)
		assert.NotContains(t, out.String(), "s3cr3t", name)
	}
}

func TestEventsPrintShort(t *testing.T) {
	t.Parallel()
	long := string(bytes.Repeat([]byte("\nж"), 5000))
	ev := &webpubsub.ConnectedEvent{Meta: webpubsub.Meta{ID: long, Hub: long, ConnectionID: long, EventName: long}}
	assert.Less(t, len(ev.String()), 1500)
	assert.NotContains(t, ev.String(), "\n", "one line")
	assert.NotContains(t, ev.String(), "\\x", "no half character")
	assert.Contains(t, ev.String(), "…")
	for _, attr := range ev.LogValue().Group() {
		assert.Less(t, len(attr.Value.String()), 200, attr.Key)
	}
}
