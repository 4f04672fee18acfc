package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/pump"
	"github.com/go-webpubsub/webpubsub/service"
)

const (
	hub = "chat"
	// noReason is the message of a close by the REST API without a reason.
	noReason = "Application server closed the connection."
)

// world is an emulator with a service client and WebSocket clients.
type world struct {
	t      *testing.T
	emu    *emulator.Running
	client *service.Client
	wire   *recorder
}

func newWorld(t *testing.T, cfg emulator.Config) *world {
	t.Helper()
	w := &world{t: t, emu: emulator.Start(t, cfg), wire: new(recorder)}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	w.wire.client = http.Client{Transport: transport}
	opts := new(service.Options)
	opts.Transport = w.wire
	var err error
	w.client, err = service.NewClientFromConnectionString(w.emu.ConnectionString, hub, opts)
	require.NoError(t, err)
	return w
}

// recorder is a transport that counts the pages of listings and their members.
type recorder struct {
	client         http.Client
	mu             sync.Mutex
	pages, members int
}

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	resp, err := r.client.Do(req) //nolint:gosec // to the emulator of the test
	if err != nil || req.Method != http.MethodGet {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pages++
	r.members += bytes.Count(body, []byte(`"connectionId":`))
	return resp, nil
}

// counted returns the pages and members since the last call.
func (r *recorder) counted() (pages, members int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.pages, r.members = 0, 0 }()
	return r.pages, r.members
}

// peer is a connected client of json.webpubsub.azure.v1.
type peer struct {
	t    *testing.T
	id   string
	conn *websocket.Conn
	in   *pump.Reader
}

// connect connects with a token of the service client.
func (w *world) connect(opts *service.ClientAccessOptions) *peer {
	w.t.Helper()
	access, err := w.client.ClientAccess(w.t.Context(), opts)
	require.NoError(w.t, err)
	return dial(w.t, access.URL())
}

func dial(t *testing.T, target string) *peer {
	t.Helper()
	// Not the default transport, whose connections each httptest.Server closes.
	own := &http.Client{Transport: new(http.Transport)}
	conn, _, err := websocket.Dial(t.Context(), target, &websocket.DialOptions{HTTPClient: own, Subprotocols: []string{"json.webpubsub.azure.v1"}})
	require.NoError(t, err)
	p := &peer{t: t, conn: conn, in: pump.New(conn)}
	t.Cleanup(func() {
		_ = conn.CloseNow()
		p.in.Wait()
	})
	greeting := p.next()
	require.Equal(t, "connected", greeting["event"])
	p.id, _ = greeting["connectionId"].(string)
	require.NotEmpty(t, p.id)
	return p
}

// user connects a client with a user id, in groups.
func (w *world) user(id string, groups ...string) *peer {
	w.t.Helper()
	return w.connect(&service.ClientAccessOptions{UserID: id, Groups: groups})
}

func (p *peer) read() string {
	p.t.Helper()
	_, data, err := p.in.Next(p.t.Context())
	require.NoError(p.t, err)
	return string(data)
}

func (p *peer) next() map[string]any {
	p.t.Helper()
	var f map[string]any
	require.NoError(p.t, json.Unmarshal([]byte(p.read()), &f))
	return f
}

func (p *peer) send(frame string) {
	p.t.Helper()
	require.NoError(p.t, p.conn.Write(p.t.Context(), websocket.MessageText, []byte(frame)))
}

// hears requires that the next frame has a message.
func (p *peer) hears(from, dataType string, data any) {
	p.t.Helper()
	f := p.next()
	assert.Equal(p.t, []any{"message", from, dataType, data}, []any{f["type"], f["from"], f["dataType"], f["data"]}, "%v", f)
}

// quiet requires that no frame has arrived. Frames are in order, so the answer to a
// ping is after all that was sent before.
func (p *peer) quiet() {
	p.t.Helper()
	p.send(`{"type":"ping"}`)
	require.JSONEq(p.t, `{"type":"pong"}`, p.read())
}

// closed requires a disconnected frame with a message, and then a close frame.
func (p *peer) closed(message string) {
	p.t.Helper()
	f := p.next()
	require.Equal(p.t, []any{"system", "disconnected", message}, []any{f["type"], f["event"], f["message"]}, "%v", f)
	_, _, err := p.in.Next(p.t.Context())
	var ce websocket.CloseError
	require.ErrorAs(p.t, err, &ce)
	require.Equal(p.t, websocket.CloseError{Code: websocket.StatusNormalClosure}, ce)
}

func ids(peers ...*peer) []string {
	out := make([]string, 0, len(peers))
	for _, p := range peers {
		out = append(out, p.id)
	}
	slices.Sort(out)
	return out
}

// listed returns the connections in a group, sorted.
func (w *world) listed(group string, opts *service.ListOptions) []string {
	w.t.Helper()
	out := []string{}
	for m, err := range w.client.Group(group).Connections(w.t.Context(), opts) {
		require.NoError(w.t, err)
		out = append(out, m.ConnectionID)
	}
	slices.Sort(out)
	return out
}

// is requires an answer.
func is(t *testing.T, want bool, ask func(context.Context) (bool, error)) {
	t.Helper()
	got, err := ask(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, got)
}
