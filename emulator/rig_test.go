package emulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

const (
	plainJSON    = "json.webpubsub.azure.v1"
	reliableJSON = "json.reliable.webpubsub.azure.v1"
	base         = "http://emu.test"
	allRoles     = "webpubsub.joinLeaveGroup webpubsub.sendToGroup"
)

// rig is an emulator on a network in memory, so that sockets and timeouts use the time of
// a synctest bubble.
type rig struct {
	t      *testing.T
	server *emulator.Server
	http   *http.Client
}

func newRig(t *testing.T, cfg emulator.Config, sinks ...trace.Sink) *rig {
	t.Helper()
	if cfg.KeepAlive == 0 {
		cfg.KeepAlive = -1
	}
	if cfg.Origin == "" {
		cfg.Origin = "emu.test"
	}
	s, err := emulator.NewWithSinks(cfg, sinks...)
	require.NoError(t, err)
	return &rig{t: t, server: s, http: serve(t, s, s.Close)}
}

// serve serves a handler over pipes and returns a client for it.
func serve(t *testing.T, h http.Handler, before func()) *http.Client {
	t.Helper()
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(l) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return l.dial(ctx) }}
	t.Cleanup(func() {
		before()
		transport.CloseIdleConnections()
		_ = srv.Close()
	})
	return &http.Client{Transport: transport}
}

// pass advances the time of a bubble.
func pass(d time.Duration) { <-time.After(d) }

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- deafPeer{there}:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// deafPeer is a pipe whose writes succeed after the other side is closed, as with TCP.
type deafPeer struct{ net.Conn }

func (p deafPeer) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	if errors.Is(err, io.ErrClosedPipe) {
		return len(b), nil
	}
	return n, err
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
}

// sign returns a token with claims, which override the defaults.
func sign(t *testing.T, hub string, claims jwt.MapClaims) string {
	t.Helper()
	all := jwt.MapClaims{"aud": base + "/client/hubs/" + hub, "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, claims)
	return signWith(t, emulator.DefaultAccessKey, all)
}

func signWith(t *testing.T, key string, claims jwt.MapClaims) string {
	t.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(key))
	require.NoError(t, err)
	return text
}

// clientURL returns the URL of hub chat with a token.
func (r *rig) clientURL(user, roles string, groups ...string) string {
	claims := jwt.MapClaims{}
	if user != "" {
		claims["sub"] = user
	}
	if roles != "" {
		claims["role"] = strings.Fields(roles)
	}
	if len(groups) > 0 {
		claims["webpubsub.group"] = groups
	}
	return base + "/client/hubs/chat?access_token=" + sign(r.t, "chat", claims)
}

// try connects and returns the answer to the handshake. The peer is nil on failure.
func (r *rig) try(target string, header http.Header, subprotocols ...string) (*peer, *http.Response) {
	r.t.Helper()
	conn, resp, err := websocket.Dial(r.t.Context(), target, &websocket.DialOptions{HTTPClient: r.http, HTTPHeader: header, Subprotocols: subprotocols})
	if err != nil {
		require.NotNil(r.t, resp, "%v", err)
		return nil, resp
	}
	conn.SetReadLimit(-1)
	p := &peer{t: r.t, conn: conn}
	r.t.Cleanup(func() { _ = conn.CloseNow() })
	return p, resp
}

// raw connects a client without a subprotocol.
func (r *rig) raw(target string) *peer {
	r.t.Helper()
	p, resp := r.try(target, nil)
	require.NotNil(r.t, p, "status %d", resp.StatusCode)
	return p
}

// json connects a client and reads the connected frame.
func (r *rig) json(target, subprotocol string) *peer {
	r.t.Helper()
	p, resp := r.try(target, nil, subprotocol)
	require.NotNil(r.t, p, "status %d", resp.StatusCode)
	require.Equal(r.t, subprotocol, p.conn.Subprotocol())
	p.greeting = p.next()
	require.Equal(r.t, "connected", p.greeting["event"])
	return p
}

// member connects a JSON client with all permissions.
func (r *rig) member(user string, groups ...string) *peer {
	r.t.Helper()
	return r.json(r.clientURL(user, allRoles, groups...), plainJSON)
}

// recover recovers the connection of a peer.
func (r *rig) recover(p *peer) *peer {
	r.t.Helper()
	id, _ := p.greeting["connectionId"].(string)
	secret, _ := p.greeting["reconnectionToken"].(string)
	return r.resume(id, secret)
}

// resume connects to recover a connection by its id and token.
func (r *rig) resume(id, secret string) *peer {
	r.t.Helper()
	q := url.Values{"awps_connection_id": {id}, "awps_reconnection_token": {secret}, "access_token": {"expired"}}
	p, resp := r.try(base+"/client/hubs/chat?"+q.Encode(), nil, reliableJSON)
	require.NotNil(r.t, p, "status %d", resp.StatusCode)
	return p
}

// rest calls the REST API and returns the status.
func (r *rig) rest(method, path, contentType, body string) int {
	r.t.Helper()
	target := base + "/api/hubs/chat" + path
	req, err := http.NewRequestWithContext(r.t.Context(), method, target, strings.NewReader(body))
	require.NoError(r.t, err)
	req.Header.Set("Authorization", "Bearer "+signWith(r.t, emulator.DefaultAccessKey, jwt.MapClaims{"aud": target, "exp": time.Now().Add(time.Hour).Unix()}))
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := r.http.Do(req)
	require.NoError(r.t, err)
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// peer is a client.
type peer struct {
	t        *testing.T
	conn     *websocket.Conn
	greeting map[string]any
}

func (p *peer) id() string { id, _ := p.greeting["connectionId"].(string); return id }

func (p *peer) send(frames ...string) {
	p.t.Helper()
	for _, f := range frames {
		require.NoError(p.t, p.conn.Write(p.t.Context(), websocket.MessageText, []byte(f)))
	}
}

// frame returns the next frame.
func (p *peer) frame() (websocket.MessageType, string) {
	p.t.Helper()
	kind, data, err := p.conn.Read(p.t.Context())
	require.NoError(p.t, err)
	return kind, string(data)
}

// expect asserts the next frames, byte for byte.
func (p *peer) expect(frames ...string) {
	p.t.Helper()
	for _, want := range frames {
		kind, got := p.frame()
		require.Equal(p.t, websocket.MessageText, kind)
		require.Equal(p.t, want, got)
	}
}

func (p *peer) next() map[string]any {
	p.t.Helper()
	_, data := p.frame()
	var out map[string]any
	require.NoError(p.t, json.Unmarshal([]byte(data), &out), "%s", data)
	return out
}

// quiet asserts that no frame precedes the answer to a ping.
func (p *peer) quiet() {
	p.t.Helper()
	p.send(`{"type":"ping"}`)
	p.expect(`{"type":"pong"}`)
}

// closed asserts that the next frame is the close frame.
func (p *peer) closed(code websocket.StatusCode, reason string) {
	p.t.Helper()
	_, data, err := p.conn.Read(p.t.Context())
	var ce websocket.CloseError
	require.ErrorAs(p.t, err, &ce, "%s", data)
	require.Equal(p.t, websocket.CloseError{Code: code, Reason: reason}, ce)
}

// goodbye asserts the disconnected frame and the close frame.
func (p *peer) goodbye(code websocket.StatusCode, reason string) {
	p.t.Helper()
	p.expect(`{"type":"system","event":"disconnected","message":"` + reason + `"}`)
	p.closed(code, reason)
}
