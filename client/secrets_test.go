package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// The secrets: the client's token and those of its connections.
const (
	secretToken   = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl+/"
	secretAddress = "ws://fake.test/client/hubs/chat?x=1&access_token=" + "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl%2B%2F"
)

// shown returns a value in all the ways in which it is printed.
func shown(v any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T", "%p", "%10.5v"} {
		fmt.Fprintf(&b, verb+"\n", v)
		fmt.Fprintf(&b, verb+"\n", []any{v})
		fmt.Fprintf(&b, verb+"\n", struct{ hidden any }{v})
	}
	level := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, level), slog.NewJSONHandler(&b, level)} {
		slog.New(h).Info("m", "v", v, slog.Group("g", "v", v), "in", struct{ V any }{v}, "list", []any{v})
	}
	if data, err := json.Marshal(v); err == nil { // not all values can be encoded
		b.Write(data)
	}
	return b.String()
}

// holdsNone asserts that a text contains no secret in any form.
func holdsNone(tb testing.TB, what, text string) {
	tb.Helper()
	for _, s := range []string{secretToken, "token-id-1", "access_token=", "eyJ"} {
		for _, form := range []string{s, fmt.Sprintf("%x", s), strings.Trim(fmt.Sprint([]byte(s)), "[]"), url.QueryEscape(s)} {
			if strings.Contains(text, form) {
				assert.Failf(tb, "a secret is shown", "%s shows %q in:\n%s", what, form, text)
			}
		}
	}
}

// chain checks an error and all errors that it wraps.
func chain(tb testing.TB, what string, err error) {
	tb.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		holdsNone(tb, what, shown(err))
		if several, ok := err.(interface{ Unwrap() []error }); ok {
			for _, one := range several.Unwrap() {
				chain(tb, what, one)
			}
		}
	}
}

// TestErrorsShowNoSecret makes the handshake fail in every way.
func TestErrorsShowNoSecret(t *testing.T) {
	t.Parallel()
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://other.test/?"+r.URL.RawQuery)
			w.Header().Set("Sec-Websocket-Accept", r.URL.RawQuery)
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, "you sent %s, that is %q, to %s", r.URL.RawQuery, r.URL.Query(), r.URL) //nolint:gosec // what a test wants to see concealed
		}
	}
	failing := func(f func(r *http.Request) error) *http.Client {
		return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return nil, f(r) })}
	}
	tests := map[string]struct {
		answer http.HandlerFunc
		http   *http.Client
	}{
		"200": {answer: echo(200)}, "302": {answer: echo(302)}, "307": {answer: echo(307)}, "401": {answer: echo(401)}, "404": {answer: echo(404)}, "500": {answer: echo(500)},
		"url.Error": {http: failing(func(r *http.Request) error {
			return fmt.Errorf("around: %w", &url.Error{Op: "Get", URL: r.URL.String(), Err: &net.OpError{Op: "dial", Err: errors.New("refused")}})
		})},
		"joined": {http: failing(func(r *http.Request) error {
			return errors.Join(errors.New("one"), &url.Error{Op: "Get", URL: r.URL.String(), Err: errors.New("refused")})
		})},
		"text": {http: failing(func(r *http.Request) error { return errors.New("no way to " + r.URL.String()) })},
		"part": {http: failing(func(r *http.Request) error { return errors.New("bad token " + r.URL.Query().Get("access_token")) })},
		"escaped": {http: failing(func(r *http.Request) error {
			return errors.New("bad " + url.QueryEscape(r.URL.Query().Get("access_token")))
		})},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				var log bytes.Buffer
				f := newFake(t)
				f.answer = tt.answer
				opts := &client.Options{HTTPClient: tt.http, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
				c := newClient(t, f.network, secretAddress, opts)
				err := c.Start(t.Context())
				require.Error(t, err)
				chain(t, name, err)
				holdsNone(t, "log of "+name, log.String())
			})
		})
	}
	for _, address := range []string{"ws://a b/?access_token=" + secretToken, "eyJ://x?access_token=" + secretToken, "ws:///?access_token=" + secretToken, "%zz?access_token=" + secretToken} {
		c, err := client.New(client.StaticURL(address), nil)
		require.NoError(t, err)
		err = c.Start(t.Context())
		require.Error(t, err)
		chain(t, address, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestEventsAndLogShowNoSecret checks all events and log lines of a client that is
// recovered, refused and reconnected.
func TestEventsAndLogShowNoSecret(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		var mu sync.Mutex
		f := newFake(t)
		opts := &client.Options{
			Header:  http.Header{"Authorization": {"Bearer " + secretToken}},
			Logger:  slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			OnError: func(_ context.Context, err error) { mu.Lock(); defer mu.Unlock(); chain(t, "OnError", err) },
		}
		c := newClient(t, f.network, secretAddress, opts)
		look := func(what string, v any) {
			mu.Lock()
			defer mu.Unlock()
			holdsNone(t, what, shown(v))
		}
		c.OnConnected(func(_ context.Context, ev client.ConnectedEvent) { look("connected", ev) })
		c.OnRecovering(func(_ context.Context, ev client.RecoveringEvent) {
			look("recovering", ev)
			chain(t, "recovering", ev.Err)
		})
		c.OnRecovered(func(_ context.Context, ev client.RecoveredEvent) { look("recovered", ev) })
		c.OnDisconnected(func(_ context.Context, ev client.DisconnectedEvent) {
			look("disconnected", ev)
			chain(t, "disconnected", ev.Err)
		})
		c.OnStopped(func(_ context.Context, ev client.StoppedEvent) { look("stopped", ev) })
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { look("message", m) })
		look("new", c)
		p := f.start(c)
		p.send(`{"type":"system","event":"connected","connectionId":"id-1","reconnectionToken":7}`, group(1, "x"))
		f.network.setDown(true)
		p.drop()
		pass(5 * time.Second)
		f.network.setDown(false)
		p = <-f.peers
		p.expect(`{"type":"ping"}`)
		p.close(websocket.StatusInternalError, "")
		p = <-f.peers
		p.expect(`{"type":"ping"}`)
		p.close(websocket.StatusPolicyViolation, "")
		f.network.setDown(true)
		pass(time.Minute)
		f.network.setDown(false)
		p = f.greet("id-1")
		synctest.Wait() // fmt reads unexported fields without their locks
		look("again", c)
		run := begin(func() (client.Result, error) { return c.SendToGroup(t.Context(), "g", client.Text("x"), nil) })
		p.expectAck("sendToGroup")
		require.NoError(t, c.Stop(t.Context()))
		<-run.done
		chain(t, "stopped", run.err)
		look("after all", c)
		holdsNone(t, "log", log.String())
		assert.Contains(t, log.String(), "connection not recovered")
		assert.Equal(t, `client.Client(stopped, connection "")`, fmt.Sprintf("%+v", c))
	})
}

const (
	recoveryToken = "eyJ0b2tlbi1pZC0xIjoicmVjb3ZlcnkgdG9rZW4ifQ" // like those of the service
	cookie        = "session=eyJjb29raWU6YWJjZGVmZ2hpamtsbW5vcA"
)

// echoes are texts of a service that repeats the client's secrets.
func echoes() map[string]string {
	return map[string]string{
		"access token":        secretToken,
		"in a sentence":       "your token " + secretToken + " has expired",
		"escaped":             "see " + strings.NewReplacer("+", "%2B", "/", "%2F").Replace(secretToken),
		"the start of it":     secretToken[:40],
		"the end of it":       "…" + secretToken[len(secretToken)-30:],
		"the address's query": "x=1&access_token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl%2B%2F",
		"twice":               secretToken + secretToken,
		"behind a long text":  strings.Repeat("x", 490) + secretToken,
		"at the edge":         strings.Repeat("x", 2030) + secretToken,
		"recovery token":      "token " + recoveryToken,
		"header":              "Bearer " + secretToken,
		"cookie":              cookie,
		"between other bytes": `\u0000` + secretToken + `\u2028`,
		"much":                strings.Repeat(secretToken+" ", 10_000),
		"much of nothing":     strings.Repeat("x", 1_500_000),
	}
}

// watch checks all events and log lines of a client.
type watch struct {
	t    *testing.T
	what string
	log  lines

	mu   sync.Mutex
	seen []string
}

// maxShown is the maximum length of a printed value, in all the ways of printing
// together.
const maxShown = 250_000

func (w *watch) look(what string, v any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := shown(v)
	w.seen = append(w.seen, what)
	holdsNone(w.t, w.what+": "+what, text)
	assert.Less(w.t, len(text), maxShown, "%s: %s", w.what, what)
}

func (w *watch) err(what string, err error) {
	for ; err != nil; err = errors.Unwrap(err) {
		w.look(what, err)
	}
}

func (w *watch) options() *client.Options {
	return &client.Options{
		Header:            http.Header{"Authorization": {"Bearer " + secretToken}, "Cookie": {cookie}},
		Logger:            slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnError:           func(_ context.Context, err error) { w.err("OnError", err) },
		MessageRetry:      client.Backoff{MaxRetries: -1},
		KeepAliveInterval: -1,
	}
}

func (w *watch) follow(c *client.Client) {
	c.OnConnected(func(_ context.Context, ev client.ConnectedEvent) { w.look("Connected", ev) })
	c.OnRecovering(func(_ context.Context, ev client.RecoveringEvent) {
		w.look("Recovering", ev)
		w.err("Recovering.Err", ev.Err)
	})
	c.OnRecovered(func(_ context.Context, ev client.RecoveredEvent) { w.look("Recovered", ev) })
	c.OnDisconnected(func(_ context.Context, ev client.DisconnectedEvent) {
		w.look("Disconnected", ev)
		w.err("Disconnected.Err", ev.Err)
	})
	c.OnStopped(func(_ context.Context, ev client.StoppedEvent) { w.look("Stopped", ev); w.err("Stopped.Err", ev.Err) })
	c.OnRejoinFailed(func(_ context.Context, ev client.RejoinFailedEvent) {
		w.look("RejoinFailed", ev)
		w.err("RejoinFailed.Err", ev.Err)
	})
	client.OnGroupJSON(c, "", func(context.Context, *client.GroupMessage, struct{}) {})
	client.OnServerJSON(c, func(context.Context, *client.ServerMessage, struct{}) {})
	c.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
		for _, err := range s.Pieces() {
			w.err("Pieces", err)
		}
	}, nil)
	w.look("Client", c)
}

func (w *watch) done(want ...string) {
	w.t.Helper()
	for _, what := range want {
		assert.Contains(w.t, w.seen, what)
	}
	holdsNone(w.t, w.what+": log", w.log.String())
	assert.Less(w.t, len(w.log.String()), maxShown)
}

const goodGreeting = `{"type":"system","event":"connected","userId":"ann","connectionId":"id-1","reconnectionToken":"` + recoveryToken + `"}`

// TestServiceRepeatsSecrets puts the client's secrets, or very long texts, into
// every field that the service writes itself. The payload, group, sender and stream
// of a message belong to the application and are shown unchanged.
func TestServiceRepeatsSecrets(t *testing.T) {
	t.Parallel()
	for name, text := range echoes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := &watch{t: t, what: name}
				f, refusing := newFake(t), newFake(t)
				refusing.answer = func(rw http.ResponseWriter, _ *http.Request) {
					rw.WriteHeader(http.StatusBadGateway)
					_, _ = rw.Write([]byte(text))
				}
				c := newClient(t, f.network, secretAddress, w.options())
				w.follow(c)
				go func() {
					p := <-f.peers
					p.send(goodGreeting)
					f.peers <- p
				}()
				require.NoError(t, c.Start(t.Context()))
				p := <-f.peers
				failure := `{"name":"` + text + `","message":"` + text + `","userErrorCode":"` + text + `","x":"` + text + `"}`

				join := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), "g", nil) })
				p.send(fmt.Sprintf(`{"type":"ack","ackId":%d,"success":false,"error":%s}`, p.expectAck("joinGroup"), failure))
				<-join.done
				require.Error(t, join.err)
				w.err("JoinGroup", join.err)

				invoke := begin(func() (client.Result, error) {
					_, err := c.InvokeEvent(t.Context(), "e", client.Text("x"), nil)
					return client.Result{}, err
				})
				p.next()
				p.send(`{"type":"invokeResponse","invocationId":"1","success":false,"error":` + failure + `}`)
				<-invoke.done
				require.Error(t, invoke.err)
				w.err("InvokeEvent", invoke.err)

				writer := openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s"})
				p.send(`{"type":"streamNack","streamId":"s","expectedSequenceId":1,"name":"` + text + `","message":"` + text + `"}`)
				p.send(`{"type":"streamClosed","streamId":"s","error":` + failure + `}`)
				<-writer.Done()
				w.err("StreamWriter", writer.Err())
				w.err("Write", writer.Write(t.Context(), client.Text("x")))
				synctest.Wait() // fmt reads unexported fields without their locks
				w.look("StreamWriter", writer)

				p.send(
					`{"type":"message","from":"group","group":"`+text+`","fromUserId":"`+text+`","dataType":"text","data":"`+text+`"}`,
					`{"type":"message","from":"server","dataType":"json","data":"`+text+`"}`,
					`{"type":"message","from":"group","group":"g","dataType":"`+text+`","data":"`+text+`"}`,
					`{"type":"message","from":"group","group":"g","dataType":"binary","data":"`+text+`*"}`,
					`{"type":"message","from":"group","group":"g","dataType":"text","data":"x","stream":{"streamId":"t","streamSequenceId":1}}`,
					`{"type":"message","from":"group","group":"g","dataType":"text","data":"","stream":{"streamId":"t","streamSequenceId":2,"endOfStream":true,"error":`+failure+`}}`,
					`{"type":"`+text+`"}`, `{"`+text+`":1}`, text,
					`{"type":"system","event":"connected","connectionId":"id-1","reconnectionToken":"`+text+`"}`,
					`{"type":"system","event":"disconnected","message":"`+text+`"}`,
				)
				synctest.Wait()
				p.close(websocket.StatusInternalError, reason(text))
				for _, code := range []websocket.StatusCode{websocket.StatusInternalError, websocket.StatusPolicyViolation} { // of attempts to recover
					p = <-f.peers
					p.next()
					p.close(code, reason(text))
				}
				p = <-f.peers // a new connection
				p.send(`{"type":"system","event":"disconnected","message":"` + text + `"}`)
				f.network.join(refusing.network)
				p.close(websocket.StatusInternalError, reason(text))
				pass(2 * time.Minute)
				require.NoError(t, c.Stop(t.Context()))
				w.look("Client", c)
				w.done("JoinGroup", "InvokeEvent", "StreamWriter", "Write", "Pieces", "OnError", "Recovering.Err", "Disconnected", "Disconnected.Err", "Stopped")
			})
		})
	}
}

// reason returns as much of a text as fits into a close frame.
func reason(text string) string {
	text = strings.NewReplacer(`\u0000`, "\x00", `\u2028`, "\u2028").Replace(text)
	if len(text) > 123 {
		text = text[:123]
		text = text[:max(0, strings.LastIndexByte(text, ' '))] // fewer than 16 bytes do not count as a part of a secret
	}
	return text
}

// TestConnectedMessageRefused checks that the client rejects a connected message
// whose ids it could not print.
func TestConnectedMessageRefused(t *testing.T) {
	t.Parallel()
	connected := func(id, user, token string) string {
		return `{"type":"system","event":"connected","userId":"` + user + `","connectionId":"` + id + `","reconnectionToken":"` + token + `"}`
	}
	long := strings.Repeat("x", 3_100_000)
	tests := map[string]struct{ connected, want string }{
		"a usual one":               {connected("zXxKxd4Vn8ATSTXyiGJz0Qbe0f3b641", "ann@example.com", recoveryToken), ""},
		"the longest":               {connected(long[:256], long[:4096], long[:8192]), ""},
		"id in the recovery token":  {connected("zXxKxd4Vn8ATSTXyiGJz0Q", "a-user-with-a-name", "v1;zXxKxd4Vn8ATSTXyiGJz0Q;a-user-with-a-name;c2ln"), ""},
		"3.1 MB of connection id":   {connected(long, "ann", "t"), "connectionId has 3100000 bytes, want at most 256"},
		"3.1 MB of user id":         {connected("id-1", long, "t"), "userId has 3100000 bytes, want at most 4096"},
		"3.1 MB of recovery token":  {connected("id-1", "ann", long), "reconnectionToken has 3100000 bytes, want at most 8192"},
		"a line break":              {connected(`id\n1`, "ann", "t"), "connectionId has unprintable characters"},
		"the token as id":           {connected(secretToken, "ann", "t"), "connectionId contains a token"},
		"a part of the token as id": {connected(secretToken[:30], "ann", "t"), "connectionId contains a token"},
		"the token as user":         {connected("id-1", secretToken, "t"), "userId contains a token"},
		"the recovery token as id":  {connected(recoveryToken, "ann", recoveryToken), "connectionId contains a token"},
		"it as user":                {connected("id-1", "of "+recoveryToken, recoveryToken), "userId contains a token"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := &watch{t: t, what: name}
				f := newFake(t)
				c := newClient(t, f.network, secretAddress, w.options())
				w.follow(c)
				go func() {
					p := <-f.peers
					p.send(tt.connected)
					p.drain()
				}()
				err := c.Start(t.Context())
				if tt.want == "" {
					require.NoError(t, err)
					return
				}
				require.EqualError(t, err, "client: Start: connected message: "+tt.want)
				w.err("Start", err)
				w.look("Client", c)
				w.done("Start")
			})
		})
	}
}

// TestLongHandshake answers the handshake with very long texts.
func TestLongHandshake(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 500_000)
	for name, answer := range map[string]http.HandlerFunc{
		"key": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Sec-Websocket-Accept", long)
			w.WriteHeader(http.StatusSwitchingProtocols)
		},
		"upgrade": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", r.URL.RawQuery+long)
			w.WriteHeader(http.StatusSwitchingProtocols)
		},
		"body": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(strings.ReplaceAll(secretToken, "J", "J\xff") + long))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				w := &watch{t: t, what: name}
				f := newFake(t)
				f.answer = answer
				c := newClient(t, f.network, secretAddress, w.options())
				err := c.Start(t.Context())
				require.Error(t, err)
				assert.Less(t, len(err.Error()), 1024)
				w.err("Start", err)
				w.done("Start")
			})
		})
	}
}

// TestOptionsShowNoSecret checks that options are printed without their header.
func TestOptionsShowNoSecret(t *testing.T) {
	t.Parallel()
	opts := client.Options{Header: http.Header{"Authorization": {"Bearer " + secretToken}}}
	for _, v := range []any{opts, &opts, []client.Options{opts}, struct{ Options client.Options }{opts}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			holdsNone(t, "options by "+verb, fmt.Sprintf(verb, v))
		}
	}
	var log lines
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "opts", opts)
	holdsNone(t, "log of options", log.String())
	assert.Equal(t, "client.Options(json.reliable.webpubsub.azure.v1)", fmt.Sprintf("%+v", opts))
}

// TestStreamWriterShowsNoSecret prints a stream when the last frame of its connection
// contains the reconnection token. For some verbs, fmt prints what a pointer points to.
func TestStreamWriterShowsNoSecret(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		writer := openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s"})
		p.send(`{"type":"system","event":"connected","userId":"ann","connectionId":"id-1","reconnectionToken":"token-id-1"}`)
		synctest.Wait()
		holdsNone(t, "StreamWriter", shown(writer))
	})
}
