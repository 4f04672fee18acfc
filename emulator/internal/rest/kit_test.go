package rest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

const version = "api-version=2024-12-01"

const (
	primary   = "the primary key of the emulator in tests"
	secondary = "the secondary key of the emulator in tests"
)

// world is an emulator with two clients of the hub "chat": ann in the groups g1 and
// g2, bob in g1.
type world struct {
	emu      *emulator.TestServer
	http     *http.Client
	ann, bob *client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := emptyWorld(t, emulator.Config{AccessKeys: []string{primary, secondary}})
	w.ann = w.connect(t, "ann", "g1", "g2")
	w.bob = w.connect(t, "bob", "g1")
	return w
}

// now is the time of every world, so that tokens do not expire while a test waits for
// the machine.
var now = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

// stopped is a clock that has stopped at now. Its timers run.
type stopped struct{}

func (stopped) Now() time.Time { return now }

func (stopped) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}

// emptyWorld returns a world without clients. It does not use [http.DefaultTransport],
// whose idle connections every httptest.Server closes when it ends. It sends no pings:
// clients answer them only while they read, which a test on a busy machine may do too
// late.
func emptyWorld(t *testing.T, cfg emulator.Config) *world {
	t.Helper()
	cfg.KeepAlive = -1
	cfg.Clock = stopped{}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &world{emu: emulator.Start(t, cfg), http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// client is a client of the JSON subprotocol.
type client struct {
	id   string
	conn *websocket.Conn
}

func (w *world) connect(t *testing.T, user string, groups ...string) *client {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), w.emu.ClientURL("chat", &emulator.ClientOptions{UserID: user, Groups: groups}),
		&websocket.DialOptions{HTTPClient: w.http, Subprotocols: []string{"json.webpubsub.azure.v1"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })
	c := &client{conn: conn}
	var greeting struct{ ConnectionID string }
	require.NoError(t, json.Unmarshal([]byte(c.next(t)), &greeting))
	c.id = greeting.ConnectionID
	return c
}

func (c *client) say(t *testing.T, frame string) {
	t.Helper()
	require.NoError(t, c.conn.Write(t.Context(), websocket.MessageText, []byte(frame)))
}

func (c *client) next(t *testing.T) string {
	t.Helper()
	_, data, err := c.conn.Read(t.Context())
	require.NoError(t, err)
	return string(data)
}

// gets asserts that the client's next frame is this one, byte for byte.
func (c *client) gets(t *testing.T, frame string) {
	t.Helper()
	assert.Equal(t, frame, c.next(t))
}

// nothing asserts that no frame has been sent to the client: the next one is the
// answer to a ping.
func (c *client) nothing(t *testing.T) {
	t.Helper()
	c.say(t, `{"type":"ping"}`)
	assert.JSONEq(t, `{"type":"pong"}`, c.next(t))
}

// closed asserts that the server closes the connection with a message.
func (c *client) closed(t *testing.T, message string) {
	t.Helper()
	assert.JSONEq(t, `{"type":"system","event":"disconnected","message":"`+message+`"}`, c.next(t))
	_, _, err := c.conn.Read(t.Context())
	assert.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(err))
}

// answer is the answer to a REST call.
type answer struct {
	status int
	header http.Header
	body   string
}

// path replaces {ann} and {bob} by the ids of their connections.
func (w *world) path(path string) string {
	return strings.NewReplacer("{ann}", w.ann.id, "{bob}", w.bob.id).Replace(path)
}

// call makes a REST call with a token for its URL.
func (w *world) call(t *testing.T, method, path, contentType, body string) answer {
	t.Helper()
	target := w.emu.Endpoint + w.path(path)
	return w.do(t, method, target, sign(t, primary, target, time.Minute), contentType, strings.NewReader(body), nil)
}

// do makes a REST call with any token and header.
func (w *world) do(t *testing.T, method, target, token, contentType string, body io.Reader, header http.Header) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, body)
	require.NoError(t, err)
	if header != nil {
		req.Header = header
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := w.http.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, string(data)}
}

// sign returns a token that expires some time after now.
func sign(t *testing.T, key, audience string, lifetime time.Duration) string {
	t.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"aud": audience, "exp": now.Add(lifetime).Unix()}).SignedString([]byte(key))
	require.NoError(t, err)
	return text
}

// problem asserts that the answer is the service's problem for an invalid parameter,
// byte for byte.
func (a answer) problem(t *testing.T, mediaType, target, rule string) {
	t.Helper()
	text, err := json.Marshal(rule)
	require.NoError(t, err)
	want := `{"code":"Error.BadRequest","message":` + string(text) + `,"target":"` + target + `","errors":{"` + target + `":[` + string(text) + `]},` +
		`"type":null,"title":"One or more validation errors occurred.","status":400,"detail":null,"instance":null,"extensions":{}}`
	assert.Equal(t, want, a.body)
	assert.Equal(t, http.StatusBadRequest, a.status)
	assert.Equal(t, mediaType+"; charset=utf-8", a.header.Get("Content-Type"))
	assert.Equal(t, "Error.BadRequest", a.header.Get("X-Ms-Error-Code"))
}

// failure asserts that the answer is an error of the service and returns its code.
func (a answer) failure(t *testing.T, message, target string) (code string) {
	t.Helper()
	var e map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &e), "%s", a.body)
	assert.Equal(t, message, e["message"])
	assert.Equal(t, target, e["target"])
	for _, name := range []string{"details", "inner"} {
		v, there := e[name]
		assert.True(t, there, "%s is missing", name)
		assert.Nil(t, v, name)
	}
	assert.Equal(t, e["code"], a.header.Get("X-Ms-Error-Code"))
	code, _ = e["code"].(string)
	return code
}

func with(name, value string) string {
	return "?" + version + "&" + name + "=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

const (
	asJSON   = "application/json"
	asText   = "text/plain"
	asBinary = "application/octet-stream"
	hubPath  = "/api/hubs/chat/"
)

// call is a REST call and the expected status.
type call struct {
	method, path string
	contentType  string
	body         string
	status       int
}

func (w *world) steps(t *testing.T, calls ...call) (last answer) {
	t.Helper()
	for _, c := range calls {
		if c.path[0] != '/' {
			c.path = hubPath + c.path
		}
		last = w.call(t, c.method, c.path, c.contentType, c.body)
		require.Equal(t, c.status, last.status, "%s %s: %s", c.method, c.path, last.body)
		if c.status < http.StatusMultipleChoices && c.method != http.MethodGet {
			assert.Equal(t, "2021-10-01, 2022-11-01, 2023-07-01, 2024-01-01, 2024-12-01", last.header.Get("Api-Supported-Versions"))
		}
	}
	return last
}

func has(path string) call { return call{method: "HEAD", path: path + "?" + version, status: 200} }
func hasNot(path string) call {
	return call{method: "HEAD", path: path + "?" + version, status: 404}
}

const (
	fromServer = `{"type":"message","from":"server","dataType":"text","data":"hi"}`
	fromG1     = `{"type":"message","from":"group","group":"g1","fromUserId":null,"dataType":"text","data":"hi"}`
)
