package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// fake is a service whose frames are written by the test.
type fake struct {
	t       *testing.T
	network *network
	peers   chan *peer
	answer  http.HandlerFunc // instead of a WebSocket if not nil
}

const fakeAddress = "ws://fake.test/client/hubs/chat?access_token=secret"

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, peers: make(chan *peer, 16)}
	f.network = newNetwork(t, http.HandlerFunc(f.serve), nil)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	if f.answer != nil {
		f.answer(w, r)
		return
	}
	f.accept(w, r)
}

func (f *fake) accept(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{r.Header.Get("Sec-Websocket-Protocol")}})
	if err != nil {
		return
	}
	conn.SetReadLimit(-1)
	f.peers <- &peer{t: f.t, conn: conn, query: r.URL.Query(), header: r.Header}
}

// client returns a client of the fake, which is stopped at the end of the test. It
// has no keep-alive unless the options set it.
func (f *fake) client(opts *client.Options) *client.Client {
	f.t.Helper()
	var o client.Options
	if opts != nil {
		o = *opts
	}
	if o.KeepAliveInterval == 0 && o.KeepAliveTimeout == 0 {
		o.KeepAliveInterval, o.KeepAliveTimeout = -1, -1
	}
	return f.lively(&o)
}

// lively is client with the default keep-alive.
func (f *fake) lively(opts *client.Options) *client.Client {
	f.t.Helper()
	return newClient(f.t, f.network, fakeAddress, opts)
}

// started returns a started client.
func (f *fake) started(opts *client.Options) (*client.Client, *peer) {
	f.t.Helper()
	c := f.client(opts)
	return c, f.start(c)
}

// start starts a client and sends the connected message.
func (f *fake) start(c *client.Client) *peer {
	f.t.Helper()
	p := make(chan *peer)
	go func() { p <- f.greet("id-1") }()
	require.NoError(f.t, c.Start(f.t.Context()))
	return <-p
}

// greet accepts the next connection and sends the connected message.
func (f *fake) greet(id string) *peer {
	p := <-f.peers
	p.send(`{"type":"system","event":"connected","userId":"ann","connectionId":"` + id + `","reconnectionToken":"token-` + id + `"}`)
	return p
}

// recovered accepts the next connection, which must be a recovery.
func (f *fake) recovered(id string) *peer {
	f.t.Helper()
	p := <-f.peers
	require.Equal(f.t, url.Values{"access_token": {"secret"}, "awps_connection_id": {id}, "awps_reconnection_token": {"token-" + id}}, p.query)
	p.expect(`{"type":"ping"}`)
	p.send(`{"type":"pong"}`)
	return p
}

// peer is the service's end of a WebSocket.
type peer struct {
	t      *testing.T
	conn   *websocket.Conn
	query  url.Values
	header http.Header
}

func (p *peer) send(frames ...string) {
	p.t.Helper()
	for _, f := range frames {
		require.NoError(p.t, p.conn.Write(p.t.Context(), websocket.MessageText, []byte(f)))
	}
}

func (p *peer) next() string {
	p.t.Helper()
	kind, data, err := p.conn.Read(p.t.Context())
	require.NoError(p.t, err)
	require.Equal(p.t, websocket.MessageText, kind)
	return string(data)
}

// expect requires these frames, byte for byte.
func (p *peer) expect(frames ...string) {
	p.t.Helper()
	for _, f := range frames {
		require.Equal(p.t, f, p.next())
	}
}

// expectAck requires a frame of a type and returns its ack id.
func (p *peer) expectAck(kind string) uint64 {
	p.t.Helper()
	var f struct {
		Type  string
		AckID uint64 `json:"ackId"`
	}
	require.NoError(p.t, json.Unmarshal([]byte(p.next()), &f))
	require.Equal(p.t, kind, f.Type)
	return f.AckID
}

// quiet requires that no frame arrives for a time.
func (p *peer) quiet(d time.Duration) {
	p.t.Helper()
	got := make(chan string, 1)
	go func() {
		if _, data, err := p.conn.Read(p.t.Context()); err == nil {
			got <- string(data)
		}
	}()
	select {
	case f := <-got:
		require.Failf(p.t, "a frame too many", "%s", f)
	case <-time.After(d):
	}
}

// drain reads and drops all frames.
func (p *peer) drain() {
	for {
		if _, _, err := p.conn.Read(p.t.Context()); err != nil {
			return
		}
	}
}

func (p *peer) close(code websocket.StatusCode, reason string) { _ = p.conn.Close(code, reason) }

// drop closes the network connection without a close frame.
func (p *peer) drop() { _ = p.conn.CloseNow() }

// ended requires a close frame from the client.
func (p *peer) ended(code websocket.StatusCode) {
	p.t.Helper()
	_, data, err := p.conn.Read(p.t.Context())
	require.Equal(p.t, code, websocket.CloseStatus(err), "%s %v", data, err)
}

// ack is an ack of success, or of an error.
func ack(id uint64, failure string) string {
	if failure == "" {
		return fmt.Sprintf(`{"type":"ack","ackId":%d,"success":true}`, id)
	}
	return fmt.Sprintf(`{"type":"ack","ackId":%d,"success":false,"error":{"name":%q,"message":"because"}}`, id, failure)
}

func ackID(t *testing.T, frame string) uint64 {
	t.Helper()
	var f struct {
		AckID uint64 `json:"ackId"`
	}
	require.NoError(t, json.Unmarshal([]byte(frame), &f))
	return f.AckID
}

func isForbidden(err error) bool { return errors.Is(err, client.ErrForbidden) }

// group is a message of bob to group g. Sequence 0 means without an id.
func group(sequence int, text string) string {
	id := ""
	if sequence > 0 {
		id = fmt.Sprintf(`"sequenceId":%d,`, sequence)
	}
	return fmt.Sprintf(`{%s"type":"message","from":"group","group":"g","fromUserId":"bob","dataType":"text","data":%q}`, id, text)
}

func groupOf(t *testing.T, frame string) string {
	t.Helper()
	var f struct{ Group string }
	require.NoError(t, json.Unmarshal([]byte(frame), &f))
	return f.Group
}
