package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// page is a log or the output of a program. It is safe for concurrent use.
type page struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// logger logs at the default level.
func (p *page) logger() *slog.Logger { return slog.New(slog.NewTextHandler(p, nil)) }

// setup is an event handler, an emulator that delivers events to it over TCP, and both
// logs.
type setup struct {
	handlerLog, emulatorLog page
	emu                     *emulator.TestServer
}

// connectionString is the connection string of the emulator of a setup.
func connectionString() string {
	return emulator.ConnectionString("http://127.0.0.1", emulator.DefaultAccessKey)
}

// serve serves a handler with a config behind middleware.
func serve(t *testing.T, cfg webpubsub.Config, middleware func(http.Handler) http.Handler) *setup {
	t.Helper()
	s := new(setup)
	if cfg.ConnectionStrings == nil {
		cfg.ConnectionStrings = []string{connectionString()}
	}
	cfg.Logger = s.handlerLog.logger()
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)
	var handler http.Handler = h
	if middleware != nil {
		handler = middleware(h)
	}
	s.emu = emulator.Start(t, emulator.Config{
		Logger: s.emulatorLog.logger(),
		Hubs:   map[string]emulator.Hub{hub: {EventHandlers: []emulator.EventHandler{emulator.AtURL(serveHTTP(t, handler) + "/eventhandler")}}},
	})
	return s
}

// serveHTTP serves until the test ends and returns the address.
func serveHTTP(t *testing.T, h http.Handler) (endpoint string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return "http://" + l.Addr().String()
}

// connect tries to connect a client, sends the event if there is one, and waits for its
// answer.
func (s *setup) connect(t *testing.T, event string) {
	t.Helper()
	conn, resp, err := websocket.Dial(t.Context(), s.emu.ClientURL(hub, nil), &websocket.DialOptions{Subprotocols: []string{"json.webpubsub.azure.v1"}})
	if err != nil {
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		return
	}
	defer conn.CloseNow() //nolint:errcheck // it has served
	require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(event)))
	for answered := false; !answered; {
		_, frame, err := conn.Read(t.Context())
		require.NoError(t, err)
		answered = strings.Contains(string(frame), `"type":"ack"`)
	}
}

const say = `{"type":"event","event":"say","ackId":1,"dataType":"json","data":{"text":"hello"}}`

// run runs the command and returns its standard error.
func run(t *testing.T, args ...string) string {
	t.Helper()
	var stderr page
	code := cli.Main(args, func(string) (string, bool) { return "", false }, strings.NewReader(""), io.Discard, &stderr)
	require.NotZero(t, code)
	return stderr.String()
}

// expired returns the URL of a client with an expired token.
func expired(t *testing.T, endpoint string) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"aud": endpoint + "/client/hubs/" + hub, "exp": time.Now().Add(-time.Hour).Unix(),
	}).SignedString([]byte(emulator.DefaultAccessKey))
	require.NoError(t, err)
	return strings.Replace(endpoint, "http", "ws", 1) + "/client/hubs/" + hub + "?access_token=" + token
}

// otherKey returns a connection string for the emulator with a wrong key.
func otherKey() string { return emulator.ConnectionString("http://127.0.0.1", rand.Text()+rand.Text()) }

// draft is a state that can be too long.
type draft struct{ Text string }

// answered returns the log of a handler with this answer to a connect event. It uses
// the test kit, which sends the event once; the emulator would repeat it.
func answered(t *testing.T, reply webpubsub.ConnectReply) string {
	t.Helper()
	var log page
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		OnConnect: func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			return &reply, nil
		},
		Logger: log.logger(),
	})
	require.NoError(t, err)
	_, err = httptest.New(h, nil).Connect(t.Context(), &httptest.Client{UserID: "ann"})
	require.Error(t, err)
	return log.String()
}

func unused(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
	return webpubsub.Reply{}, nil
}

// without returns middleware that removes a header.
func without(name string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del(name)
			next.ServeHTTP(w, r)
		})
	}
}
