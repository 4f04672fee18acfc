package client_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

const (
	base     = "http://emu.test"
	allRoles = "webpubsub.joinLeaveGroup webpubsub.sendToGroup webpubsub.setGroupState webpubsub.getGroupState"
)

// network is an in-memory network, so that sockets and timeouts use the time of a
// synctest bubble. Its connections can be cut.
type network struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once

	mu    sync.Mutex
	conns []*cable
	down  bool
	dials int
	other *network
	shape func(*cable) // applied to each new connection if not nil
}

// cable is the client's end of a connection.
type cable struct {
	net.Conn
	peer   net.Conn
	closed chan struct{} // by the client, or by cut
	once   sync.Once

	mu     sync.Mutex
	budget int           // bytes that the client may still read before the cable is cut; negative: no limit
	pace   time.Duration // duration of each write; constant
	deaf   bool          // both directions are dropped
	mute   bool          // the client receives nothing
}

func (c *cable) Read(p []byte) (int, error) {
	c.mu.Lock()
	budget := c.budget
	c.mu.Unlock()
	if budget == 0 {
		c.cut()
		return 0, net.ErrClosed
	}
	if budget > 0 && len(p) > budget {
		p = p[:budget]
	}
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	if c.budget > 0 {
		c.budget -= n
	}
	silent := c.deaf || c.mute
	c.mu.Unlock()
	if silent && err == nil { // drop the data, and block
		_, err = c.Conn.Read(make([]byte, 1<<20))
		for err == nil {
			_, err = c.Conn.Read(make([]byte, 1<<20))
		}
		return 0, c.fail(err)
	}
	if err != nil {
		err = c.fail(err)
	}
	return n, err
}

func (c *cable) Write(p []byte) (int, error) {
	c.mu.Lock()
	deaf := c.deaf
	c.mu.Unlock()
	if deaf {
		return len(p), nil
	}
	if c.pace > 0 {
		<-time.After(c.pace)
	}
	return c.Conn.Write(p)
}

// fail returns the error of a read. A silenced client does not notice the end
// either.
func (c *cable) fail(err error) error {
	c.mu.Lock()
	deaf := c.deaf
	c.mu.Unlock()
	if deaf {
		<-c.closed
	}
	return err
}

func (c *cable) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *cable) cut() {
	_ = c.Close()
	_ = c.peer.Close()
}

// silence makes the network drop all data in both directions from now on.
func (c *cable) silence() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaf = true
}

func newNetwork(t *testing.T, h http.Handler, before func()) *network {
	t.Helper()
	n := &network{accepted: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(n) }()
	t.Cleanup(func() {
		if before != nil {
			before()
		}
		_ = srv.Close()
	})
	return n
}

func (n *network) dial(ctx context.Context) (net.Conn, error) {
	n.mu.Lock()
	n.dials++
	down, shape, other := n.down, n.shape, n.other
	n.mu.Unlock()
	if other != nil && !down {
		return other.dial(ctx)
	}
	if down {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: net.ErrClosed}
	}
	here, there := net.Pipe()
	select {
	case n.accepted <- unaware{there}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-n.closed:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: net.ErrClosed}
	}
	c := &cable{Conn: here, peer: there, closed: make(chan struct{}), budget: -1}
	if shape != nil {
		shape(c)
	}
	n.mu.Lock()
	n.conns = append(n.conns, c)
	n.mu.Unlock()
	return c, nil
}

// unaware is a connection that accepts data that is never read, as TCP does: the
// writer does not notice at once that the other side has closed.
type unaware struct{ net.Conn }

func (u unaware) Write(p []byte) (int, error) {
	n, err := u.Conn.Write(p)
	if errors.Is(err, io.ErrClosedPipe) {
		return len(p), nil
	}
	return n, err
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.accepted:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error   { n.once.Do(func() { close(n.closed) }); return nil }
func (n *network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// cut ends all connections, as a network failure does.
func (n *network) cut() {
	n.mu.Lock()
	conns := slices.Clone(n.conns)
	n.conns = nil
	n.mu.Unlock()
	for _, c := range conns {
		c.cut()
	}
}

// setDown makes new connections fail, or work again.
func (n *network) setDown(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
}

func (n *network) setShape(shape func(*cable)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.shape = shape
}

// join sends new connections to another network.
func (n *network) join(other *network) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.other = other
}

func (n *network) last() *cable {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.conns[len(n.conns)-1]
}

func (n *network) dialled() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials
}

// client returns an HTTP client that uses the network.
func (n *network) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return n.dial(ctx) },
		DisableKeepAlives: true,
	}}
}

// rig is an emulator behind an in-memory network.
type rig struct {
	t        *testing.T
	server   *emulator.Server
	network  *network
	protocol client.Protocol // of clients whose options have none
}

// The subprotocols, and those whose connections can be recovered.
var (
	recovering = []client.Protocol{client.ProtocolJSONReliable, client.ProtocolProtobufReliable}
	protocols  = append([]client.Protocol{client.ProtocolJSON, client.ProtocolProtobuf}, recovering...)
)

// over runs a test in a bubble for each subprotocol.
func over(t *testing.T, list []client.Protocol, f func(t *testing.T, p client.Protocol)) {
	t.Helper()
	for _, p := range list {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) { f(t, p) })
		})
	}
}

// from returns the user that a message shows as its sender. Messages in protobuf do
// not name it.
func from(p client.Protocol, user string) string {
	if p == client.ProtocolProtobuf || p == client.ProtocolProtobufReliable {
		return ""
	}
	return user
}

func (r *rig) over(p client.Protocol) *rig {
	r.protocol = p
	return r
}

func newRig(t *testing.T, cfg emulator.Config) *rig {
	t.Helper()
	if cfg.KeepAlive == 0 {
		cfg.KeepAlive = -1
	}
	cfg.Origin = "emu.test"
	s, err := emulator.New(cfg)
	require.NoError(t, err)
	return &rig{t: t, server: s, network: newNetwork(t, s, s.Close)}
}

// address returns a client URL of hub chat.
func address(t *testing.T, user, roles string, groups ...string) string {
	t.Helper()
	claims := jwt.MapClaims{"aud": base + "/client/hubs/chat", "exp": time.Now().Add(time.Hour).Unix()}
	add := jwt.MapClaims{}
	if user != "" {
		add["sub"] = user
	}
	if roles != "" {
		add["role"] = strings.Fields(roles)
	}
	if len(groups) > 0 {
		add["webpubsub.group"] = groups
	}
	maps.Copy(claims, add)
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(emulator.DefaultAccessKey))
	require.NoError(t, err)
	return base + "/client/hubs/chat?access_token=" + text
}

// client returns a client of the emulator, which is stopped at the end of the test.
func (r *rig) client(user string, opts *client.Options) *client.Client {
	r.t.Helper()
	var o client.Options
	if opts != nil {
		o = *opts
	}
	if o.Protocol == client.ProtocolJSONReliable { // the default
		o.Protocol = r.protocol
	}
	return newClient(r.t, r.network, address(r.t, user, allRoles), &o)
}

// started returns a started client.
func (r *rig) started(user string, opts *client.Options) *client.Client {
	r.t.Helper()
	c := r.client(user, opts)
	require.NoError(r.t, c.Start(r.t.Context()))
	return c
}

func newClient(t *testing.T, n *network, address string, opts *client.Options) *client.Client {
	t.Helper()
	var o client.Options
	if opts != nil {
		o = *opts
	}
	if o.HTTPClient == nil {
		o.HTTPClient = n.client()
	}
	c, err := client.New(client.StaticURL(address), &o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Stop(context.Background())) })
	return c
}

// bubble runs a test in a synctest bubble.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// pass lets the time of a bubble pass. It takes no real time.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// recorder records events, in order.
type recorder struct {
	mu    sync.Mutex
	notes []string
}

func (r *recorder) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, s)
}

// settled returns and removes the records when all goroutines are blocked.
func (r *recorder) settled() []string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.notes
	r.notes = nil
	return out
}

// record records all events of a client.
func record(c *client.Client) *recorder {
	r := new(recorder)
	c.OnConnected(func(_ context.Context, ev client.ConnectedEvent) { r.note("connected " + ev.UserID) })
	c.OnRecovering(func(context.Context, client.RecoveringEvent) { r.note("recovering") })
	c.OnRecovered(func(context.Context, client.RecoveredEvent) { r.note("recovered") })
	c.OnDisconnected(func(_ context.Context, ev client.DisconnectedEvent) {
		r.note(strings.TrimSpace("disconnected " + ev.Message))
	})
	c.OnStopped(func(_ context.Context, ev client.StoppedEvent) {
		if ev.Err != nil {
			r.note("stopped " + ev.Err.Error())
			return
		}
		r.note("stopped")
	})
	c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
		r.note(m.Group + "/" + m.FromUserID + ": " + m.Data.String())
	})
	c.OnServerMessage(func(_ context.Context, m *client.ServerMessage) { r.note("server: " + m.Data.String()) })
	c.OnRejoinFailed(func(_ context.Context, ev client.RejoinFailedEvent) {
		r.note("rejoin of " + ev.Group + " failed: " + ev.Err.Error())
	})
	return r
}
