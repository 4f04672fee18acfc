package trigger_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli/trigger"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

func TestMeaning(t *testing.T) {
	t.Parallel()
	connect, say, left := trigger.Event{Kind: trigger.Connect, Subprotocols: []string{"json.webpubsub.azure.v1"}}, trigger.Event{Kind: trigger.UserEvent, Name: "say"}, trigger.Event{Kind: trigger.Left, Group: "g"}
	mqttConnect := trigger.Event{Kind: trigger.Connect, MQTT: &mqtt.Connect{ProtocolVersion: mqtt.Version5}}
	const again = "the service sends the event again after 1, 3 and 5 seconds; if that is in vain, "
	const failedAck = "a client of a Web PubSub subprotocol gets a failed ack, and any other is disconnected"
	for _, tt := range []struct {
		name        string
		event       trigger.Event
		status      int
		contentType string
		body        string
		ok          bool
		meaning     string
		problem     string
		failure     string
	}{
		{name: "accepted", event: connect, status: 204, ok: true, meaning: `the client is connected as user "ann", subprotocol "json.webpubsub.azure.v1"`},
		{
			name: "accepted with all", event: connect, status: 200, body: `{"userId":"bob","groups":["a","b"],"roles":["r"]}`, ok: true,
			meaning: `the client is connected as user "bob", in groups "a, b", with roles "r", subprotocol "json.webpubsub.azure.v1"`,
		},
		{name: "refused", event: connect, status: 401, body: "no", meaning: "the client's handshake fails with 401", problem: "the handler answers 401 Unauthorized", failure: "401 Unauthorized"},
		{name: "unavailable", event: connect, status: 503, meaning: again + "the client's handshake fails with 503", problem: "the handler answers 503 Service Unavailable", failure: "503 Service Unavailable"},
		{name: "redirect", event: connect, status: 302, meaning: "the client's handshake fails with 302", problem: "the handler answers 302 Found", failure: "302 Found"},
		{
			name: "HTML", event: connect, status: 200, contentType: "text/html", body: "<html>", meaning: "the client's handshake fails with 500",
			problem: "invalid answer: the body is not the JSON of a connect answer: invalid character '<' looking for beginning of value", failure: "invalid answer",
		},
		{
			name: "subprotocol that was not offered", event: connect, status: 200, body: `{"subprotocol":"x"}`, meaning: "the client's handshake fails with 500",
			problem: `invalid answer: subprotocol "x" was not offered by the client, so its handshake would fail`, failure: "invalid answer",
		},
		{
			name: "MQTT refused", event: mqttConnect, status: 401, contentType: "application/json", body: `{"mqtt":{"code":135}}`,
			meaning: "the client's handshake fails with 401; its CONNACK has code 135, NotAuthorized", problem: "the handler answers 401 Unauthorized", failure: "401 Unauthorized",
		},
		{name: "reply", event: say, status: 200, contentType: "application/json", body: `{"a":1}`, ok: true, meaning: "the client gets a json message"},
		{name: "no reply", event: say, status: 204, ok: true, meaning: "the client gets no message"},
		{name: "failed", event: say, status: 400, meaning: failedAck, problem: "the handler answers 400 Bad Request", failure: "400 Bad Request"},
		{
			name: "reply of another type", event: say, status: 200, contentType: "text/html", body: "<p>", meaning: failedAck,
			problem: `invalid answer: Content-Type "text/html" is none of text/plain, application/json, application/octet-stream, application/x-protobuf`, failure: "invalid answer",
		},
		{name: "notification", event: left, status: 200, body: "ignored", ok: true, meaning: "the service ignores the content of this answer"},
		{name: "notification fails", event: left, status: 500, meaning: again + "the service logs the failure", problem: "the handler answers 500 Internal Server Error", failure: "500 Internal Server Error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			target, _ := aim(t, func(w http.ResponseWriter, _ *http.Request) {
				if tt.contentType != "" {
					w.Header().Set("Content-Type", tt.contentType)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			r, err := target.Send(t.Context(), trigger.NewConnection("c", "ann"), &tt.event)
			require.NoError(t, err)
			assert.Equal(t, tt.ok, r.OK)
			assert.Equal(t, tt.status, r.Status)
			assert.Equal(t, tt.meaning, r.Meaning)
			assert.Equal(t, tt.problem, r.Problem)
			assert.Equal(t, tt.failure, r.Failure)
			assert.Equal(t, tt.body, string(r.Reply))
		})
	}
}

func TestReplyToMQTT(t *testing.T) {
	t.Parallel()
	target, _ := aim(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, "\x89PNG")
	})
	c := trigger.NewConnection("c", "")
	c.SpeakMQTT()
	r, err := target.Send(t.Context(), c, &trigger.Event{Kind: trigger.UserEvent, Name: "say"})
	require.NoError(t, err)
	assert.True(t, r.OK)
	assert.Equal(t, "the client gets a message on topic $webpubsub/server/events/say/succeeded", r.Meaning)
}

// fails is a transport that fails.
type fails struct{ err error }

func (f fails) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// Failures without an answer have few kinds.
func TestFailures(t *testing.T) {
	t.Parallel()
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, refused.Close())
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = nil
	t.Cleanup(secure.Close)
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(hang.Close)
	abort := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(abort.Close)
	large := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, strings.NewReader(strings.Repeat("x", 16<<20+1)))
	}))
	t.Cleanup(large.Close)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		url       string
		ctx       context.Context //nolint:containedctx // a case of a table
		timeout   time.Duration
		transport http.RoundTripper
		want      string
	}{
		{url: "http://" + refused.Addr().String(), want: "nothing listens at " + refused.Addr().String()},
		{url: "https://" + plain.Listener.Addr().String(), want: "the server does not speak TLS at this port, and the URL is https"},
		{url: secure.URL, want: "the issuer of the certificate is unknown: it is self-signed, or an intermediate certificate is missing"},
		{url: hang.URL, timeout: time.Nanosecond, want: "no answer in time"},
		{url: abort.URL, want: "the server closes the connection without an answer: the handler panics, or a proxy or firewall ends it"},
		{url: large.URL, want: "answer too large"},
		{url: hang.URL, ctx: cancelled, want: trigger.Cancelled},
		{url: "http://name.test", transport: fails{&net.DNSError{Err: "no such host", Name: "name.test", IsNotFound: true}}, want: "the name name.test does not resolve"},
		{url: "http://name.test", transport: fails{errors.New("any other")}, want: "not delivered"},
	} {
		u, err := upstream.ParseTemplate(tt.url)
		require.NoError(t, err)
		ctx := t.Context()
		if tt.ctx != nil {
			ctx = tt.ctx
		}
		target := &trigger.Target{URL: u, Hub: "chat", Timeout: tt.timeout, Transport: tt.transport}
		r, err := target.Send(ctx, trigger.NewConnection("", ""), &trigger.Event{Kind: trigger.Connected})
		require.NoError(t, err)
		assert.Equal(t, tt.want, r.Failure, "%s: %s", tt.url, r.Problem)
		assert.Zero(t, r.Status)
		assert.False(t, r.OK)
	}
}

func TestEventsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	target, got := aim(t, nil)
	bad := "a\nb"
	for _, tt := range []struct {
		event trigger.Event
		user  string
		want  string
	}{
		{event: trigger.Event{Kind: "x"}, want: `event "x": want one of connect, connected, event, joined, left, disconnected`},
		{event: trigger.Event{Kind: trigger.UserEvent}, want: "name: a user event needs one"},
		{event: trigger.Event{Kind: trigger.UserEvent, Name: "a b"}, want: `name: event "a b": want a letter, then at most 127 letters, digits or characters of _.-`},
		{event: trigger.Event{Kind: trigger.Joined}, want: `group: group "": want 1 to 1024 characters of UTF-8, not blank`},
		{event: trigger.Event{Kind: trigger.UserEvent, Name: "a", Metadata: map[string]string{"b c": "1"}}, want: `metadata name "b c": want an HTTP token of 1 to 256 bytes`},
		{event: trigger.Event{Kind: trigger.UserEvent, Name: "a", UserProperties: []mqtt.UserProperty{{Name: "b c"}}}, want: `MQTT user property "b c": want an HTTP token, and a value of printable ASCII without spaces around it`},
		{event: trigger.Event{Kind: trigger.UserEvent, Name: "a", Data: make([]byte, trigger.MaxData+1)}, want: "data: 1048577 bytes, want at most 1048576, as the service accepts from a client"},
		{event: trigger.Event{Kind: trigger.Connected, State: &bad}, want: "request header Ce-Connectionstate has a byte 0xa that cannot be sent"},
		{event: trigger.Event{Kind: trigger.Connected}, user: bad, want: "user: want UTF-8 without control characters, which the header ce-userId cannot have"},
	} {
		_, err := target.Send(t.Context(), trigger.NewConnection("", tt.user), &tt.event)
		require.EqualError(t, err, tt.want)
	}
	assert.Empty(t, *got)
}
