package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// The tests of kill -9. The table in docs/emulator.md refers to them by name.

const (
	plainJSON    = "json.webpubsub.azure.v1"
	reliableJSON = "json.reliable.webpubsub.azure.v1"

	event    = `{"type":"event","event":"e","dataType":"text","data":"x","ackId":1}`
	acked    = `{"type":"ack","ackId":1,"success":true}`
	reply    = `{"type":"message","from":"server","dataType":"text","data":"reply"}`
	sequence = `{"sequenceId":1,`
	ping     = `{"type":"ping"}`
	pong     = `{"type":"pong"}`
)

// stage is an emulator and an event handler in separate processes.
type stage struct {
	t        *testing.T
	address  string // of the emulator
	emulator *process
	handler  *process
	upstream string // address of the handler
}

func newStage(t *testing.T, handler string) *stage {
	t.Helper()
	s := &stage{t: t, address: "127.0.0.1:0", upstream: "127.0.0.1:0"}
	s.startHandler(handler)
	s.startEmulator()
	return s
}

func (s *stage) startHandler(word string) {
	s.t.Helper()
	s.handler = startPart(s.t, "handler", s.upstream, word)
	s.upstream = s.handler.line()
}

func (s *stage) startEmulator() {
	s.t.Helper()
	s.emulator = start(s.t, exec.CommandContext(context.WithoutCancel(s.t.Context()), program, "emulator",
		"--addr", s.address, "--hub", "chat", "--upstream", "http://"+s.upstream+"/"))
	s.address = strings.TrimSpace(strings.TrimPrefix(s.emulator.line(), "listening"))
}

// url returns the URL of a client in group g that may send to it.
func (s *stage) url() string {
	s.t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"aud": "http://" + s.address + "/client/hubs/chat", "exp": time.Now().Add(time.Hour).Unix(),
		"role": "webpubsub.sendToGroup", "webpubsub.group": "g",
	}).SignedString([]byte(emulator.DefaultAccessKey))
	require.NoError(s.t, err)
	return "ws://" + s.address + "/client/hubs/chat?access_token=" + token
}

// connected expects the events of a client that connects.
func (s *stage) connected() {
	s.t.Helper()
	for _, name := range []string{"connect", "connected", "joined"} {
		s.handler.event(name)
	}
}

// greeting is the connected frame.
type greeting struct {
	ConnectionID      string
	ReconnectionToken string
}

func readGreeting(t *testing.T, frame string) greeting {
	t.Helper()
	var g greeting
	require.NoError(t, json.Unmarshal([]byte(frame), &g), "%s", frame)
	require.NotEmpty(t, g.ConnectionID)
	return g
}

// client is a client in the process of the test.
type client struct {
	t    *testing.T
	conn *websocket.Conn
	greeting
}

func (s *stage) dial(target, subprotocol string) *client {
	s.t.Helper()
	own := &http.Client{Transport: new(http.Transport)}
	conn, _, err := websocket.Dial(s.t.Context(), target, &websocket.DialOptions{HTTPClient: own, Subprotocols: []string{subprotocol}})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	return &client{t: s.t, conn: conn}
}

func (s *stage) connect(subprotocol string) *client {
	s.t.Helper()
	c := s.dial(s.url(), subprotocol)
	c.greeting = readGreeting(s.t, c.frame())
	return c
}

// resume connects to recover a connection.
func (s *stage) resume(g greeting) *client {
	s.t.Helper()
	q := url.Values{"awps_connection_id": {g.ConnectionID}, "awps_reconnection_token": {g.ReconnectionToken}}
	return s.dial("ws://"+s.address+"/client/hubs/chat?"+q.Encode(), reliableJSON)
}

func (c *client) send(frame string) {
	c.t.Helper()
	require.NoError(c.t, c.conn.Write(c.t.Context(), websocket.MessageText, []byte(frame)))
}

// expect asserts the next frames.
func (c *client) expect(frames ...string) {
	c.t.Helper()
	for _, want := range frames {
		require.Equal(c.t, want, c.frame())
	}
}

func (c *client) frame() string {
	c.t.Helper()
	_, data, err := c.conn.Read(c.t.Context())
	require.NoError(c.t, err)
	return string(data)
}

func TestKilledClient(t *testing.T) {
	t.Parallel()
	t.Run("in the middle of a frame", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, "answer")
		c := startPart(t, "client", s.url(), plainJSON, "half")
		readGreeting(t, c.line())
		s.connected()
		c.goOn()
		require.Equal(t, "half", c.line())
		c.kill()
		s.handler.event("left") // without the event
		s.handler.event("disconnected")
	})
	t.Run("while its event is with the handler", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, "hold")
		c := startPart(t, "client", s.url(), plainJSON, event)
		s.connected()
		c.goOn()
		s.handler.event("e")
		c.kill()
		// The request is cancelled and not repeated. Cancellation and disconnected arrive on
		// different connections.
		heard := make([]string, 0, 2)
		abandoned := false
		for range 3 {
			if word, _, _ := strings.Cut(s.handler.line(), " "); word == "abandoned" {
				abandoned = true
			} else {
				heard = append(heard, word)
			}
		}
		assert.True(t, abandoned)
		assert.Equal(t, []string{"left", "disconnected"}, heard)
	})
	t.Run("while its event is with the handler, reliable", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, "hold")
		c := startPart(t, "client", s.url(), reliableJSON, event)
		s.connected()
		g := readGreeting(t, c.line())
		c.goOn()
		s.handler.event("e")
		c.kill()
		s.handler.goOn()
		again := s.resume(g)
		readGreeting(t, again.frame())
		again.expect(sequence + reply[1:]) // was queued
		// The ack was sent to the old socket or comes here. To repeat the event is harmless.
		again.send(event)
		assert.Contains(t, again.frame(), `"ackId":1,`)
		again.send(ping)
		for again.frame() != pong { // skips a second ack
		}
		require.NoError(t, again.conn.Close(websocket.StatusNormalClosure, ""))
		s.handler.event("left") // without a second e
	})
	t.Run("before it acknowledges a message", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, "answer")
		c := startPart(t, "client", s.url(), reliableJSON, "")
		g := readGreeting(t, c.line())
		s.connect(plainJSON).send(`{"type":"sendToGroup","group":"g","dataType":"text","data":"x"}`)
		message := sequence + `"type":"message","from":"group","group":"g","fromUserId":null,"dataType":"text","data":"x"}`
		require.Equal(t, message, c.line())
		c.kill()
		again := s.resume(g)
		readGreeting(t, again.frame())
		again.expect(message)
		again.send(`{"type":"sequenceAck","sequenceId":1}`)
		again.send(ping)
		again.expect(pong)
		require.NoError(t, again.conn.CloseNow())
		third := s.resume(g)
		readGreeting(t, third.frame())
		third.send(ping)
		third.expect(pong) // not again
	})
}

func TestKilledHandler(t *testing.T) {
	t.Parallel()
	t.Run("while it has an event", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, "hold")
		c := s.connect(plainJSON)
		s.connected()
		c.send(event)
		first := s.handler.event("e")
		s.handler.kill()
		s.startHandler("answer")
		assert.Equal(t, first, s.handler.userEvent(), "again: same ids, and the state, which the emulator keeps")
		assert.Equal(t, "state", first[4])
		c.expect(reply, acked)
	})
	t.Run("before it gets an event", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, "answer")
		c := s.connect(plainJSON)
		s.connected()
		s.handler.kill()
		c.send(event)
		s.startHandler("answer") // within 9 seconds
		s.handler.userEvent()
		c.expect(reply, acked)
	})
	t.Run("after its answer", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, "answer")
		c := s.connect(plainJSON)
		s.connected()
		c.send(event)
		s.handler.event("e")
		c.expect(reply, acked)
		s.handler.kill()
		s.startHandler("answer")
		c.send(strings.Replace(event, `"ackId":1`, `"ackId":2`, 1))
		assert.Equal(t, "4", s.handler.userEvent()[1], "the next one, and not the last one again")
	})
}

func TestKilledEmulator(t *testing.T) {
	t.Parallel()
	t.Run("while an event is with the handler", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, "hold")
		c := s.connect(reliableJSON)
		s.connected()
		c.send(event)
		first := s.handler.event("e")
		s.emulator.kill()
		_, _, err := c.conn.Read(t.Context())
		require.Error(t, err)
		assert.Equal(t, websocket.StatusCode(-1), websocket.CloseStatus(err), "the client is not told")
		s.handler.event("abandoned")
		s.handler.goOn()

		s.startEmulator()
		_, _, err = s.resume(c.greeting).conn.Read(t.Context())
		assert.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err), "the connection is lost")
		again := s.connect(reliableJSON)
		s.connected() // without disconnected of the first connection
		again.send(event)
		second := s.handler.event("e")
		assert.NotEqual(t, first[2:4], second[2:4], "to the handler it is another event")
		s.handler.goOn()
		again.expect(sequence+reply[1:], acked)
	})
	t.Run("while messages wait for a client", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, "answer")
		away := s.connect(reliableJSON)
		require.NoError(t, away.conn.CloseNow())
		sender := s.connect(plainJSON)
		sender.send(`{"type":"sendToGroup","group":"g","data":1,"ackId":1}`)
		for sender.frame() != acked { // skips its own message
		}
		s.emulator.kill()
		s.startEmulator()
		_, _, err := s.resume(away.greeting).conn.Read(t.Context())
		assert.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err), "lost, though acknowledged to its sender")
	})
}
