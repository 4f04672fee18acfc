package bench_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

const (
	hub          = "chat"
	accessKey    = "bench-access-key-0123456789"
	otherKey     = "other-access-key-9876543210" // the second key of the service, which the handler does not have
	connectionID = "6e1c5a0f-72d4-4b8e-9a31-0f5d2c7b8e46"
)

// kind is one kind of request and the answer it must get.
type kind struct {
	name        string
	event       string // ce-type without its common prefix; empty: a validation request
	contentType string
	body        string
	header      string // further lines
	badKey      bool
	status      int
	answer      string
	state       string // ce-connectionState of the answer
}

// text has 1 KiB, json 128 bytes without white space, connectBody is that of a
// browser's connection.
var (
	text        = strings.Repeat("The quick brown fox jumps over the lazy dog 0123", 22)[:1024]
	jsonBody    = `{"type":"chat","room":"lobby","from":"user-42","seq":1234567,"text":"` + strings.Repeat("x", 58) + `"}`
	connectBody = `{"claims":{"iat":["1767225600"],"exp":["1767229200"],"aud":["https://bench.webpubsub.azure.com/client/hubs/chat"],` +
		`"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier":["user-42"],"role":["webpubsub.joinLeaveGroup","webpubsub.sendToGroup"]},` +
		`"query":{"access_token":["` + strings.Repeat("eyJhbGciOiJIUzI1NiJ9", 12) + `"],"room":["lobby"]},` +
		`"headers":{"Connection":["Upgrade"],"Host":["bench.webpubsub.azure.com"],"Upgrade":["websocket"],` +
		`"User-Agent":["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"],` +
		`"Origin":["https://app.example.com"],"Accept-Encoding":["gzip, deflate, br, zstd"],"Accept-Language":["en-US,en;q=0.9"],` +
		`"Cache-Control":["no-cache"],"Pragma":["no-cache"],"Sec-WebSocket-Version":["13"],"Sec-WebSocket-Key":["dGhlIHNhbXBsZSBub25jZQ=="],` +
		`"Sec-WebSocket-Extensions":["permessage-deflate; client_max_window_bits"],"Sec-WebSocket-Protocol":["json.webpubsub.azure.v1"]},` +
		`"subprotocols":["json.webpubsub.azure.v1"],"clientCertificates":[{"thumbprint":"3f1c2e4b5a69788796a5b4c3d2e1f00112233445"}]}`
	mqttBody = `{"claims":{"aud":["https://bench.webpubsub.azure.com/clients/mqtt/hubs/chat"],"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier":["user-42"]},` +
		`"query":{"room":["lobby"]},"headers":{"Origin":["https://app.example.com"],"Upgrade":["websocket"]},"subprotocols":["mqtt"],"clientCertificates":[],` +
		`"mqtt":{"protocolVersion":5,"cleanStart":true,"username":"sensor","password":"cGFzc3dvcmQ=","userProperties":[{"name":"site","value":"north"},{"name":"unit","value":"7"}]}}`
)

const accepted = `{"userId":"u","groups":["g"]}`

var (
	userText  = kind{name: "user-text", event: "user.message", contentType: "text/plain", body: text, status: http.StatusOK, answer: text}
	userJSON  = kind{name: "user-json", event: "user.message", contentType: "application/json", body: jsonBody, status: http.StatusOK, answer: jsonBody}
	connect   = kind{name: "connect", event: "sys.connect", contentType: "application/json", body: connectBody, status: http.StatusOK, answer: accepted}
	connected = kind{name: "connected", event: "sys.connected", contentType: "application/json", body: "{}", status: http.StatusNoContent}
	preflight = kind{name: "preflight", status: http.StatusOK}
	refused   = kind{name: "refused", event: "user.message", contentType: "text/plain", body: text, badKey: true, status: http.StatusUnauthorized}

	// userState has a state, and mqttConnect the members of an MQTT client.
	userState   = kind{name: "state", event: "user.message", contentType: "text/plain", body: text, header: "ce-connectionState: eyJjb3VudCI6MX0=\r\n", status: http.StatusOK, answer: text, state: "eyJjb3VudCI6Mn0="}
	mqttConnect = kind{name: "mqtt-connect", event: "sys.connect", contentType: "application/json", body: mqttBody, header: "ce-subprotocol: mqtt\r\nce-physicalConnectionId: p-1\r\n", status: http.StatusOK, answer: accepted}
)

// common are the kinds that the handler written by hand answers too.
var common = []kind{userText, userJSON, connect, connected, preflight, refused}

// wire returns the bytes of the request.
func (k kind) wire() []byte {
	const origin = "WebHook-Request-Origin: bench.webpubsub.azure.com\r\nce-awpsversion: 1.0\r\n"
	if k.event == "" {
		return []byte("OPTIONS /eventhandler HTTP/1.1\r\nHost: 127.0.0.1\r\n" + origin + "\r\n")
	}
	_, name, _ := strings.Cut(k.event, ".")
	known := webpubsub.Sign(accessKey, connectionID)
	if k.badKey {
		known = webpubsub.Sign("a key of nobody", connectionID)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST /eventhandler HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s", k.contentType, len(k.body), origin)
	fmt.Fprintf(&b, "ce-specversion: 1.0\r\nce-type: azure.webpubsub.%s\r\nce-source: /hubs/chat/client/%s\r\nce-id: 7\r\nce-time: 2026-01-01T00:00:00Z\r\n", k.event, connectionID)
	fmt.Fprintf(&b, "ce-signature: %s,%s\r\nce-connectionId: %s\r\nce-hub: chat\r\nce-eventName: %s\r\n", known, webpubsub.Sign(otherKey, connectionID), connectionID, name)
	if k.event != "sys.connect" {
		b.WriteString("ce-userId: u\r\nce-subprotocol: json.webpubsub.azure.v1\r\n")
	}
	b.WriteString(k.header + "\r\n" + k.body)
	return b.Bytes()
}

// call is a request as the server of net/http passes it to a handler, and its answer.
// It can be repeated without allocations.
type call struct {
	request *http.Request
	payload string
	body    rewound

	header http.Header
	status int
	answer []byte
}

// rewound is the body of a request, which can be read again.
type rewound struct{ strings.Reader }

func (*rewound) Close() error { return nil }

func newCall(tb testing.TB, k kind) *call {
	tb.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(k.wire())))
	require.NoError(tb, err)
	c := &call{request: r, payload: k.body, header: http.Header{}}
	r.Body = &c.body
	return c
}

func (c *call) serve(h http.Handler) {
	c.body.Reset(c.payload)
	clear(c.header)
	c.status, c.answer = 0, c.answer[:0]
	h.ServeHTTP(c, c.request)
	c.WriteHeader(http.StatusOK) // as net/http does for a handler that wrote nothing
}

func (c *call) Header() http.Header { return c.header }

func (c *call) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
}

func (c *call) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	c.answer = append(c.answer, p...)
	return len(p), nil
}

func (c *call) WriteString(s string) (int, error) {
	c.WriteHeader(http.StatusOK)
	c.answer = append(c.answer, s...)
	return len(s), nil
}

// check checks the answer, since a handler that refuses requests would be fast.
func (c *call) check(tb testing.TB, k kind) {
	tb.Helper()
	require.Equal(tb, k.status, c.status)
	if k.badKey {
		return // a refusal can have any text
	}
	require.Equal(tb, k.answer, string(c.answer))
	require.Equal(tb, k.state, c.header.Get("ce-connectionState"))
	if k.event == "" {
		require.NotEmpty(tb, c.header["Webhook-Allowed-Origin"])
	}
}
