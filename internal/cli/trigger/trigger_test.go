package trigger_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/cli/trigger"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// received is a request as the handler got it.
type received struct {
	path   string
	header http.Header
	body   string
}

// aim returns a target whose handler is a function, and the requests that it gets.
func aim(t *testing.T, answer http.HandlerFunc) (*trigger.Target, *[]received) {
	t.Helper()
	var got []received
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		got = append(got, received{r.URL.Path, r.Header, string(body)})
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(server.Close)
	u, err := upstream.ParseTemplate(server.URL + "/{hub}/{event}")
	require.NoError(t, err)
	return &trigger.Target{
		URL: u, Hub: "chat", Origins: []string{"svc.test"}, Keys: []string{"key"}, Transport: server.Client().Transport,
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}, &got
}

func TestEvents(t *testing.T) {
	t.Parallel()
	state, empty := "e30=", ""
	name := "ann"
	for _, tt := range []struct {
		name  string
		event trigger.Event
		mqtt  bool
		path  string
		want  map[string]string // headers
		body  string
	}{
		{
			name: "connect", event: trigger.Event{
				Kind: trigger.Connect, Claims: map[string][]string{"role": {"a", "b"}}, Query: map[string][]string{"q": {"1"}},
				Headers: map[string][]string{"X-A": {"1"}}, Subprotocols: []string{"p"},
			},
			path: "/chat/connect", want: map[string]string{"ce-type": "azure.webpubsub.sys.connect", "ce-eventName": "connect", "ce-id": "0", "Content-Type": "application/json; charset=utf-8"},
			body: `{"claims":{"role":["a","b"]},"query":{"q":["1"]},"headers":{"X-A":["1"]},"subprotocols":["p"],"clientCertificates":[]}`,
		},
		{
			name: "connect of MQTT", mqtt: true, event: trigger.Event{Kind: trigger.Connect, MQTT: &mqtt.Connect{ProtocolVersion: mqtt.Version5, Username: &name, Password: []byte("pw")}},
			path: "/chat/connect", want: map[string]string{"ce-subprotocol": "mqtt", "ce-sessionId": ""},
			body: `{"claims":{},"query":{},"headers":{},"subprotocols":[],"clientCertificates":[],"mqtt":{"protocolVersion":5,"username":"ann","userProperties":null,"password":"cHc="}}`,
		},
		{
			name: "connected", event: trigger.Event{Kind: trigger.Connected}, path: "/chat/connected",
			want: map[string]string{"ce-type": "azure.webpubsub.sys.connected", "ce-id": "1"}, body: `{}`,
		},
		{
			name: "user event", event: trigger.Event{
				Kind: trigger.UserEvent, Name: "say", ContentType: "text/plain", Data: []byte("hi"), Metadata: map[string]string{"a": "1"},
				UserProperties: []mqtt.UserProperty{{Name: "p", Value: "2"}}, State: &state,
			},
			path: "/chat/say", want: map[string]string{"ce-type": "azure.webpubsub.user.say", "ce-id": "2", "X-WebPubSub-Metadata-a": "1", "mqtt-p": "2", "ce-connectionState": "e30=", "Content-Type": "text/plain"},
			body: "hi",
		},
		{
			name: "joined", event: trigger.Event{Kind: trigger.Joined, Group: "g", State: &empty}, path: "/chat/joined",
			want: map[string]string{"ce-type": "azure.webpubsub.gp.joined", "ce-eventName": "joined", "ce-id": "2"}, body: `{"group":"g"}`,
		},
		{
			name: "left", event: trigger.Event{Kind: trigger.Left, Group: "g", ID: "9"}, path: "/chat/left",
			want: map[string]string{"ce-type": "azure.webpubsub.gp.left", "ce-id": "9"}, body: `{"group":"g"}`,
		},
		{
			name: "disconnected", event: trigger.Event{Kind: trigger.Disconnected, Reason: "bye"}, path: "/chat/disconnected",
			want: map[string]string{"ce-type": "azure.webpubsub.sys.disconnected"}, body: `{"reason":"bye"}`,
		},
		{
			name: "disconnected of MQTT", mqtt: true, event: trigger.Event{Kind: trigger.Disconnected}, path: "/chat/disconnected",
			body: `{"reason":null,"mqtt":{"initiatedByClient":false,"disconnectPacket":null}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target, got := aim(t, nil)
			c := trigger.NewConnection("c1", "用户")
			if tt.mqtt {
				c.SpeakMQTT()
			}
			result, err := target.Send(t.Context(), c, &tt.event)
			require.NoError(t, err)
			assert.True(t, result.OK, result.Problem)
			require.Len(t, *got, 1)
			r := (*got)[0]
			assert.Equal(t, tt.path, r.path)
			assert.Equal(t, tt.body, r.body)
			for name, want := range tt.want {
				assert.Equal(t, want, r.header.Get(name), name)
			}
			assert.Equal(t, tt.event.State != nil, len(r.header["Ce-Connectionstate"]) == 1)
			assert.Equal(t, tt.mqtt, r.header.Get("ce-physicalConnectionId") != "")
			for name, want := range map[string]string{
				"ce-connectionId": "c1", "ce-userId": "用户", "ce-hub": "chat", "WebHook-Request-Origin": "svc.test",
				"ce-time": "2026-01-02T03:04:05Z", "ce-signature": webpubsub.Sign("key", "c1"), "User-Agent": "",
			} {
				assert.Equal(t, want, r.header.Get(name), name)
			}
		})
	}
}

// The state, cookies and user id that answers set go on to later events, as with the
// service.
func TestConnectionGoesOn(t *testing.T) {
	t.Parallel()
	step := 0
	target, got := aim(t, func(w http.ResponseWriter, _ *http.Request) {
		step++
		switch step {
		case 1: // connect
			w.Header().Set("Set-Cookie", "node=1; Path=/")
			w.Header().Set("ce-connectionState", "one")
			_, _ = io.WriteString(w, `{"userId":"bob","subprotocol":"p"}`)
		case 2: // connected, which cannot set the state
			w.Header().Set("ce-connectionState", "two")
		case 3: // a user event that fails
			w.Header().Set("ce-connectionState", "three")
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	c := trigger.NewConnection("", "ann")
	for _, ev := range []trigger.Event{
		{Kind: trigger.Connect, Subprotocols: []string{"p"}}, {Kind: trigger.Connected},
		{Kind: trigger.UserEvent, Name: "say"}, {Kind: trigger.Joined, Group: "g"},
	} {
		_, err := target.Send(t.Context(), c, &ev)
		require.NoError(t, err)
	}
	var ids, users, states, cookies, subprotocols []string
	for _, r := range *got {
		ids, users = append(ids, r.header.Get("ce-id")), append(users, r.header.Get("ce-userId"))
		states, cookies = append(states, r.header.Get("ce-connectionState")), append(cookies, r.header.Get("Cookie"))
		subprotocols = append(subprotocols, r.header.Get("ce-subprotocol"))
		assert.Equal(t, c.ID, r.header.Get("ce-connectionId"))
	}
	assert.Equal(t, []string{"0", "1", "2", "3"}, ids)
	assert.Equal(t, []string{"ann", "bob", "bob", "bob"}, users)
	assert.Equal(t, []string{"", "one", "one", "one"}, states)
	assert.Equal(t, []string{"", "node=1", "node=1", "node=1"}, cookies)
	assert.Equal(t, []string{"", "p", "p", "p"}, subprotocols)
}

func TestRepetition(t *testing.T) {
	t.Parallel()
	ids := func(r trigger.Repetition) (connections, events []string) {
		for i := range 3 {
			c, ev := r.At(i)
			connections, events = append(connections, c.ID), append(events, ev.ID)
			assert.Equal(t, "ann", c.UserID)
		}
		return connections, events
	}
	for kind, want := range map[trigger.Kind][]string{
		trigger.Connect: {"0", "1", "2"}, trigger.Connected: {"1", "2", "3"}, trigger.UserEvent: {"2", "3", "4"}, trigger.Disconnected: {"2", "3", "4"},
	} {
		connections, events := ids(trigger.Repetition{Connection: trigger.NewConnection("c", "ann"), Event: &trigger.Event{Kind: kind}})
		assert.Equal(t, []string{"c", "c", "c"}, connections)
		assert.Equal(t, want, events, kind)
	}
	connections, events := ids(trigger.Repetition{Connection: trigger.NewConnection("c", "ann"), Event: &trigger.Event{Kind: trigger.Connect}, NewConnections: true})
	assert.Equal(t, []string{"", "", ""}, events, "the first of their connection")
	assert.NotEqual(t, connections[0], connections[1])
	assert.NotEqual(t, connections[1], connections[2])
}

func TestState(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"n":1}`: "eyJuIjoxfQ==", ` {"n":1}`: "IHsibiI6MX0=", "eyJuIjoxfQ==": "eyJuIjoxfQ==", "": "", `{"n"`: `{"n"`, "[1]": "[1]",
	} {
		assert.Equal(t, want, trigger.EncodeState(text), text)
	}
	assert.Equal(t, []byte(`{"n":1}`), []byte(trigger.DecodeState("eyJuIjoxfQ==")))
	for _, state := range []string{"", "%", "WzFd", "e30", `{"n":1}`} {
		assert.Nil(t, trigger.DecodeState(state), state)
	}
}
