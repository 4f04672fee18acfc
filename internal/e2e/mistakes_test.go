package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/service"
)

// mistakes are those of new users. For each, a log or an error must contain the wrong
// value, the rule that it breaks and the remedy.
var mistakes = []struct {
	name                string
	seen                func(t *testing.T) string
	value, rule, remedy string
}{
	{
		name:   "wrong key, in the handler's log",
		value:  `status=401 error="no signature matches: the request names the host 127.0.0.1`,
		rule:   `none of the keys of its connection strings (1) made a signature`,
		remedy: `compare them with those of \"az webpubsub key show\", or of the emulator`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{ConnectionStrings: []string{otherKey()}}, nil)
			s.connect(t, say)
			return s.handlerLog.String()
		},
	},
	{
		name:   "wrong key, in the emulator's log",
		value:  `event=connect event_id=0 status=401`,
		rule:   `origin and signature do not prove that the service sent this`,
		remedy: `compare its connection string with the handler's`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{ConnectionStrings: []string{otherKey()}}, nil)
			s.connect(t, say)
			return s.emulatorLog.String()
		},
	},
	{
		name:   "wrong hub, in the emulator's log",
		value:  `status=404`,
		rule:   `events of hub \"chat\" are not handled here`,
		remedy: `compare it with Config.Hub`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{Hub: "lobby"}, nil)
			s.connect(t, say)
			return s.emulatorLog.String()
		},
	},
	{
		name:   "illegal hub name, of the handler",
		value:  `Hub: hub "my hub!"`,
		rule:   "want a letter, then at most 127 letters, digits or characters of _`,.[]",
		remedy: `(no hyphen, no space)`,
		seen: func(*testing.T) string {
			_, err := webpubsub.NewHandler(webpubsub.Config{Hub: "my hub!", ConnectionStrings: []string{connectionString()}})
			return err.Error()
		},
	},
	{
		name:   "illegal hub name, of the service client",
		value:  `hub "my hub!"`,
		rule:   "want a letter, then at most 127 letters, digits or characters of _`,.[]",
		remedy: `(no hyphen, no space)`,
		seen: func(*testing.T) string {
			_, err := service.NewClientFromConnectionString(connectionString(), "my hub!", nil)
			return err.Error()
		},
	},
	{
		name:   "illegal hub name, of the emulator",
		value:  `hub "my hub!"`,
		rule:   "want a letter, then at most 127 letters, digits or characters of _`,.[]",
		remedy: `(no hyphen, no space)`,
		seen: func(*testing.T) string {
			_, err := emulator.New(emulator.Config{Hubs: map[string]emulator.Hub{"my hub!": {}}})
			return err.Error()
		},
	},
	{
		name:   "no permission to send to a group",
		value:  `group 'room'`,
		rule:   `Forbidden`,
		remedy: `the client needs the role "webpubsub.sendToGroup.room", in its token or in the reply to its connect event`,
		seen: func(t *testing.T) string {
			c := start(t, serve(t, webpubsub.Config{}, nil).emu.ClientURL(hub, nil))
			_, err := c.SendToGroup(t.Context(), "room", client.Text("hello"), nil)
			require.Error(t, err)
			return err.Error()
		},
	},
	{
		name:   "join without role",
		value:  `group 'room'`,
		rule:   `Forbidden`,
		remedy: `the client needs the role "webpubsub.joinLeaveGroup.room", in its token or in the reply to its connect event`,
		seen: func(t *testing.T) string {
			c := start(t, serve(t, webpubsub.Config{}, nil).emu.ClientURL(hub, nil))
			_, err := c.JoinGroup(t.Context(), "room", nil)
			require.Error(t, err)
			return err.Error()
		},
	},
	{
		name:   "misspelt role in a token",
		value:  `Roles[0]: role "sendToGroup"`,
		rule:   `is unknown to the service, which ignores it`,
		remedy: `did you mean "webpubsub.sendToGroup"?`,
		seen: func(t *testing.T) string {
			c, err := service.NewClientFromConnectionString(connectionString(), hub, nil)
			require.NoError(t, err)
			_, err = c.ClientAccess(t.Context(), &service.ClientAccessOptions{Roles: []string{"sendToGroup"}})
			require.Error(t, err)
			return err.Error()
		},
	},
	{
		name:   "misspelt role in a connect reply, in the handler's log",
		value:  `Roles[0]: role \"sendToGroup\"`,
		rule:   `is unknown to the service, which ignores it`,
		remedy: `did you mean \"webpubsub.sendToGroup\"?`,
		seen: func(t *testing.T) string {
			return answered(t, webpubsub.ConnectReply{Roles: []string{"sendToGroup"}})
		},
	},
	{
		name:   "wrong event name, in the handler's log",
		value:  `event=say`,
		rule:   `user event without a function ignored`,
		remedy: `known="\"said\""`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{UserEvents: map[string]webpubsub.UserEventFunc{"said": unused}}, nil)
			s.connect(t, say)
			return s.handlerLog.String()
		},
	},
	{
		name:   "nil credential of the client",
		value:  `client: new`,
		rule:   `credential is nil`,
		remedy: `want one that returns the URL of ClientAccess, such as StaticURL(url)`,
		seen: func(*testing.T) string {
			_, err := client.New(nil, nil)
			return err.Error()
		},
	},
	{
		name:   "nil credential of the service client",
		value:  `service: new client`,
		rule:   `credential is nil`,
		remedy: `want one of package azidentity, or an access key by NewClientWithKey`,
		seen: func(*testing.T) string {
			_, err := service.NewClient("https://example.webpubsub.azure.com", hub, nil, nil)
			return err.Error()
		},
	},
	{
		name:   "nothing to verify with",
		value:  `webpubsub: config`,
		rule:   `nothing to verify requests with`,
		remedy: `set ConnectionStrings or Verifier`,
		seen: func(*testing.T) string {
			_, err := webpubsub.NewHandler(webpubsub.Config{})
			return err.Error()
		},
	},
	{
		name:   "broken connection string, of the handler",
		value:  `ConnectionStrings[0]: connection string of example.webpubsub.azure.com`,
		rule:   `has no AccessKey`,
		remedy: `use a Verifier for identity-based access`,
		seen: func(*testing.T) string {
			_, err := webpubsub.NewHandler(webpubsub.Config{ConnectionStrings: []string{"Endpoint=https://example.webpubsub.azure.com"}})
			return err.Error()
		},
	},
	{
		name:   "broken connection string, of the service client",
		value:  `connection string: part 1`,
		rule:   `has no =`,
		remedy: `want Endpoint=…;AccessKey=…; as "az webpubsub key show" prints it`,
		seen: func(*testing.T) string {
			_, err := service.NewClientFromConnectionString("https://example.webpubsub.azure.com", hub, nil)
			return err.Error()
		},
	},
	{
		name:   "handler behind CORS, in the emulator's log",
		value:  `url=http://127.0.0.1:`,
		rule:   `the answer to OPTIONS has no header WebHook-Allowed-Origin`,
		remedy: `something in front of the handler, such as a CORS middleware, answers OPTIONS itself`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{}, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Access-Control-Allow-Origin", "*")
					if r.Method == http.MethodOptions {
						w.WriteHeader(http.StatusNoContent)
						return
					}
					next.ServeHTTP(w, r)
				})
			})
			s.connect(t, say)
			return s.emulatorLog.String()
		},
	},
	{
		name:   "handler behind a login, in the emulator's log",
		value:  `OPTIONS was answered with 401, want 2xx`,
		rule:   `sign in first`,
		remedy: `something in front of the handler asks for a login or redirects: let OPTIONS through without credentials`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{}, func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					http.Error(w, "sign in first", http.StatusUnauthorized)
				})
			})
			s.connect(t, say)
			return s.emulatorLog.String()
		},
	},
	{
		name:   "handler behind a login page, in the emulator's log",
		value:  `OPTIONS was answered with 302, want 2xx`,
		rule:   `as the service sends none`,
		remedy: `something in front of the handler asks for a login or redirects: let OPTIONS through without credentials`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{}, func(http.Handler) http.Handler {
				return http.RedirectHandler("/login", http.StatusFound)
			})
			s.connect(t, say)
			return s.emulatorLog.String()
		},
	},
	{
		name:   "body read by middleware, in the handler's log",
		value:  `request body ends after 0 of 16 bytes`,
		rule:   `status=400`,
		remedy: `something before this handler has read it`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{UserEvents: map[string]webpubsub.UserEventFunc{"say": unused}}, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					next.ServeHTTP(w, r)
				})
			})
			s.connect(t, say)
			return s.handlerLog.String()
		},
	},
	{
		name:   "wrong reply, in the handler's log",
		value:  `Subprotocol \"json.webpubsub.azure.v2\"`,
		rule:   `is not one that the client offered`,
		remedy: `leave it empty to let the service choose`,
		seen: func(t *testing.T) string {
			return answered(t, webpubsub.ConnectReply{Subprotocol: "json.webpubsub.azure.v2"})
		},
	},
	{
		name:   "state too big, in the handler's log",
		value:  `connection state of type e2e_test.draft has 13348 bytes as a header`,
		rule:   `at most 8192 are sent`,
		remedy: `keep what is long in a store of your own, and its key in the state`,
		seen: func(t *testing.T) string {
			var state webpubsub.State[draft]
			return answered(t, webpubsub.ConnectReply{State: state.Set(draft{strings.Repeat("s", 10_000)})})
		},
	},
	{
		name:   "state that is no object, in the handler's log",
		value:  `a string`,
		rule:   `is not a JSON object, which web-pubsub-express and .NET expect`,
		remedy: `use a struct, or a map that is not nil`,
		seen: func(t *testing.T) string {
			var state webpubsub.State[string]
			return answered(t, webpubsub.ConnectReply{State: state.Set("s")})
		},
	},
	{
		name:   "wrong port in a URL template",
		value:  `http://localhost:99999/eventhandler`,
		rule:   `port 99999`,
		remedy: `want a number from 1 to 65535`,
		seen:   func(*testing.T) string { return template("http://localhost:99999/eventhandler") },
	},
	{
		name:   "wrong parameter in a URL template",
		value:  `http://localhost:3000/{hubs}/eventhandler`,
		rule:   `the only parameters are {hub} and {event}`,
		remedy: `other braces must be percent-encoded`,
		seen:   func(*testing.T) string { return template("http://localhost:3000/{hubs}/eventhandler") },
	},
	{
		name:   "URL template without scheme",
		value:  `localhost:3000/eventhandler`,
		rule:   `url template`,
		remedy: `want an absolute http or https URL`,
		seen:   func(*testing.T) string { return template("localhost:3000/eventhandler") },
	},
	{
		name:   "https against http, of the service client",
		value:  `https://127.0.0.1:`,
		rule:   `speaks http, not https`,
		remedy: `write http:// in the endpoint`,
		seen: func(t *testing.T) string {
			emu := emulator.Start(t, emulator.Config{})
			return call(t, strings.Replace(emu.ConnectionString, "http:", "https:", 1))
		},
	},
	{
		name:   "https against http, of the client",
		value:  `127.0.0.1:`,
		rule:   `speaks ws, not wss`,
		remedy: `use ws:// in the client URL`,
		seen: func(t *testing.T) string {
			emu := emulator.Start(t, emulator.Config{})
			return refused(t, strings.Replace(emu.ClientURL(hub, nil), "ws:", "wss:", 1))
		},
	},
	{
		name:   "expired credential, of the client",
		value:  `the token in the client URL expired at 20`,
		rule:   `401 Unauthorized`,
		remedy: `use a Credential that makes a new URL for each connection`,
		seen: func(t *testing.T) string {
			return refused(t, expired(t, emulator.Start(t, emulator.Config{}).Endpoint))
		},
	},
	{
		name:   "wrong key, of the service client",
		value:  `http://127.0.0.1:`,
		rule:   `401 Unauthorized`,
		remedy: `the access key is not or no longer one of`,
		seen: func(t *testing.T) string {
			emu := emulator.Start(t, emulator.Config{})
			return call(t, strings.Replace(emu.ConnectionString, emulator.DefaultAccessKey, strings.Repeat("k", 44), 1))
		},
	},
	{
		name:   "wrong endpoint, of the service client",
		value:  `http://127.0.0.1:`,
		rule:   `answers with a web page`,
		remedy: `is it the endpoint of a Web PubSub resource?`,
		seen: func(t *testing.T) string {
			return call(t, emulator.ConnectionString(website(t), emulator.DefaultAccessKey))
		},
	},
	{
		name:   "wrong endpoint, of the client",
		value:  `127.0.0.1:`,
		rule:   `is not a client endpoint`,
		remedy: `use the URL of ClientAccess, such as wss://<name>.webpubsub.azure.com/client/hubs/<hub>`,
		seen:   func(t *testing.T) string { return refused(t, website(t)+"/client/hubs/chat?access_token=t") },
	},
	{
		name:   "origin mismatch, in the emulator's log",
		value:  `none of the origins \\\"localhost, 127.0.0.1\\\" is allowed here`,
		rule:   `the answer to OPTIONS has no header WebHook-Allowed-Origin`,
		remedy: `compare them with the handler's connection strings`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{ConnectionStrings: []string{emulator.ConnectionString("https://example.webpubsub.azure.com", emulator.DefaultAccessKey)}}, nil)
			s.connect(t, say)
			return s.emulatorLog.String()
		},
	},
	{
		name:   "proxy that removes the signature, in the emulator's log",
		value:  `event=connect event_id=0 status=401`,
		rule:   `header ce-signature is missing`,
		remedy: `proxies must pass on all ce- headers`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{}, without("ce-signature"))
			s.connect(t, say)
			return s.emulatorLog.String()
		},
	},
	{
		name:   "proxy that removes the version, in the emulator's log",
		value:  `GET was answered with 404, want 2xx`,
		rule:   `not an Azure Web PubSub request`,
		remedy: `header ce-awpsversion is missing`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{}, without("ce-awpsversion"))
			s.connect(t, say)
			return s.emulatorLog.String()
		},
	},
	{
		name:   "proxy that removes the origin, in the emulator's log",
		value:  `OPTIONS was answered with 400, want 2xx`,
		rule:   `no consent`,
		remedy: `header WebHook-Request-Origin is missing or empty`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{}, without("WebHook-Request-Origin"))
			s.connect(t, say)
			return s.emulatorLog.String()
		},
	},
	{
		name:   "port in use, of the command",
		value:  `--addr "127.0.0.1:`,
		rule:   `address already in use`,
		remedy: `choose another address, or any free port with --addr localhost:0`,
		seen: func(t *testing.T) string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			t.Cleanup(func() { _ = l.Close() })
			return run(t, "emulator", "--addr", l.Addr().String())
		},
	},
	{
		name:   "proxy with HTTP/1.0, in the emulator's log",
		value:  `not HTTP/1.0`,
		rule:   `a WebSocket handshake needs HTTP/1.1`,
		remedy: `proxy_http_version 1.1`,
		seen: func(t *testing.T) string {
			s := serve(t, webpubsub.Config{}, nil)
			address, err := url.Parse(s.emu.ClientURL(hub, nil))
			require.NoError(t, err)
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address.Host)
			require.NoError(t, err)
			t.Cleanup(func() { _ = conn.Close() })
			_, err = fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", address.RequestURI(), address.Host)
			require.NoError(t, err)
			answer, err := io.ReadAll(conn)
			require.NoError(t, err)
			assert.Contains(t, string(answer), "400 Bad Request")
			return s.emulatorLog.String()
		},
	},
	{
		name:   "misspelt flag",
		value:  `--upstrem`,
		rule:   `unknown flag`,
		remedy: `did you mean --upstream?`,
		seen: func(t *testing.T) string {
			return run(t, "emulator", "--hub", "chat", "--upstrem", "http://localhost:3000/")
		},
	},
	{
		name:   "broken YAML",
		value:  `settings.yaml": line 3, column 5`,
		rule:   `unknown field "eventHandler"`,
		remedy: `did you mean "eventHandlers"?`,
		seen: func(t *testing.T) string {
			file := filepath.Join(t.TempDir(), "settings.yaml")
			require.NoError(t, os.WriteFile(file, []byte("hubs:\n  chat:\n    eventHandler:\n      - urlTemplate: http://localhost:3000/\n"), 0o600))
			return run(t, "emulator", "--settings", file)
		},
	},
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, tt := range mistakes {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := tt.seen(t)
			for part, want := range map[string]string{"value": tt.value, "rule": tt.rule, "remedy": tt.remedy} {
				assert.NotEmpty(t, want)
				assert.Contains(t, text, want, part)
			}
		})
	}
}

// start connects a client of package client.
func start(t *testing.T, address string) *client.Client {
	t.Helper()
	c, err := client.New(client.StaticURL(address), nil)
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context()))
	t.Cleanup(func() { assert.NoError(t, c.Stop(context.WithoutCancel(t.Context()))) })
	return c
}

// refused returns the error of a client that cannot connect.
func refused(t *testing.T, address string) string {
	t.Helper()
	c, err := client.New(client.StaticURL(address), &client.Options{DisableAutoReconnect: true})
	require.NoError(t, err)
	err = c.Start(t.Context())
	require.Error(t, err)
	return err.Error()
}

// call returns the error of a call of a service client.
func call(t *testing.T, connectionString string) string {
	t.Helper()
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	opts := new(service.Options)
	opts.Transport = &http.Client{Transport: transport}
	opts.Retry.MaxRetries = -1
	c, err := service.NewClientFromConnectionString(connectionString, hub, opts)
	require.NoError(t, err)
	err = c.All().SendText(t.Context(), "hello", nil)
	require.Error(t, err)
	return err.Error()
}

// website is a server that is not the service.
func website(t *testing.T) (endpoint string) {
	t.Helper()
	return serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><title>Welcome</title></html>")
	}))
}

// template returns the error of an emulator with a URL template.
func template(address string) string {
	s, err := emulator.New(emulator.Config{Hubs: map[string]emulator.Hub{hub: {EventHandlers: []emulator.EventHandler{{URLTemplate: address}}}}})
	if err != nil {
		return err.Error()
	}
	s.Close()
	return ""
}
