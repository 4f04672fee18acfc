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

// What must be seen nowhere: the client's token, and those of its connections.
const (
	secretToken   = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl+/"
	secretAddress = "ws://fake.test/client/hubs/chat?x=1&access_token=" + "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl%2B%2F"
)

// shown is a value in all the ways in which it comes to be printed.
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
	if data, err := json.Marshal(v); err == nil { // not all values are for JSON
		b.Write(data)
	}
	return b.String()
}

// holdsNone asserts that a text has none of the secrets in any form.
func holdsNone(tb testing.TB, what, text string) {
	tb.Helper()
	for _, s := range []string{secretToken, "token-id-1", "access_token=", "eyJ"} {
		for _, form := range []string{s, fmt.Sprintf("%x", s), fmt.Sprintf("%d", []byte(s)), url.QueryEscape(s)} {
			if strings.Contains(text, form) {
				assert.Failf(tb, "a secret is shown", "%s shows %q in:\n%s", what, form, text)
			}
		}
	}
}

// chain looks at an error and all that it leads to.
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

// TestErrorsShowNoSecret lets the handshake fail in every way.
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

// TestLifeShowsNoSecret looks at all that a client tells and logs while its
// connection is recovered, refused and made anew.
func TestLifeShowsNoSecret(t *testing.T) {
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
		synctest.Wait() // fmt looks at fields that it should not see, without their locks
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
