package e2e_test

import (
	"context"
	"io"
	"log"
	"net/http"
	nethttptest "net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/entra"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/service"
)

// The functions of this file are the Go blocks of docs/emulator.md, docs/entra.md and
// docs/inspector.md.

func echo(_ context.Context, _ *webpubsub.UserEvent, text string) (string, error) { return text, nil }

func accept(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	return nil, nil //nolint:nilnil // a nil reply keeps what the client's token has
}

//nolint:paralleltest,errcheck // as in the guide
func TestEcho(t *testing.T) {
	handler, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString}, // of package httptest of this module
		UserEvents:        map[string]webpubsub.UserEventFunc{"message": webpubsub.Text(echo)},
	})
	require.NoError(t, err)
	emu := emulator.Start(t, emulator.Config{
		Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.InMemory(handler)}}},
	})
	conn, _, err := websocket.Dial(t.Context(), emu.ClientURL("chat", nil), nil) // any WebSocket client
	require.NoError(t, err)
	defer conn.CloseNow()
	require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte("hello")))
	_, answer, err := conn.Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "hello", string(answer))
}

func startChat(t *testing.T) *emulator.TestServer {
	emu := emulator.Start(t, emulator.Config{})
	rooms, err := service.NewClientFromConnectionString(emu.ConnectionString, "chat", nil)
	require.NoError(t, err)
	handler, err := webpubsub.NewHandler(newConfig(emu.ConnectionString, rooms))
	require.NoError(t, err)
	err = emu.SetHub("chat", emulator.Hub{EventHandlers: []emulator.EventHandler{emulator.InMemory(handler)}})
	require.NoError(t, err)
	return emu
}

// newConfig returns the configuration of a handler that sends what it gets to a group.
func newConfig(connectionString string, rooms *service.Client) webpubsub.Config {
	return webpubsub.Config{
		ConnectionStrings: []string{connectionString},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": webpubsub.Text(func(ctx context.Context, _ *webpubsub.UserEvent, text string) (webpubsub.Reply, error) {
				return webpubsub.Reply{}, rooms.All().SendText(ctx, text, nil)
			}),
		},
	}
}

func atTenant(handler http.Handler) emulator.EventHandler {
	mux := http.NewServeMux()
	mux.Handle("/webhooks/{tenant}/{hub}", handler)
	events := emulator.InMemory(mux)
	events.URLTemplate = "http://localhost/webhooks/acme/{hub}"
	return events
}

func newInspected(handler http.Handler) (*emulator.Server, error) {
	emu, err := emulator.New(emulator.Config{
		Hubs:      map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.InMemory(handler)}}},
		Inspector: &emulator.Inspector{},
	})
	if err != nil {
		return nil, err
	}
	log.Print("inspector ", emu.InspectorURL("http://localhost:8080")) // where the program serves emu
	return emu, nil
}

func startWithTokens(t *testing.T) *emulator.TestServer {
	emu := emulator.Start(t, emulator.Config{})
	tokens, err := entra.NewVerifier(entra.Config{
		TenantID:        emulator.IdentityTenantID,
		Audiences:       []string{"api://chat"},
		CallerObjectIDs: []string{emulator.IdentityObjectID},
		Authority:       emu.Authority,
	})
	require.NoError(t, err)
	handler, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{emu.ConnectionString},
		Verifier:          tokens,
		UserEvents:        map[string]webpubsub.UserEventFunc{"message": webpubsub.Text(echo)},
	})
	require.NoError(t, err)
	events := emulator.InMemory(handler)
	events.ManagedIdentity = &emulator.ManagedIdentity{Resource: "api://chat"}
	err = emu.SetHub("chat", emulator.Hub{EventHandlers: []emulator.EventHandler{events}})
	require.NoError(t, err)
	return emu
}

func newHandler() (*webpubsub.Handler, error) {
	tokens, err := entra.NewVerifier(entra.Config{
		TenantID:        os.Getenv("ENTRA_TENANT_ID"),
		Audiences:       []string{"api://7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46", "7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46"},
		CallerObjectIDs: []string{os.Getenv("ENTRA_CALLER_OBJECT_ID")},
	})
	if err != nil {
		return nil, err
	}
	return webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{os.Getenv("WEBPUBSUB_CONNECTION_STRING")},
		Verifier:          tokens,
		UserEvents:        map[string]webpubsub.UserEventFunc{"message": webpubsub.Text(echo)},
	})
}

//nolint:paralleltest // as in the guide
func TestTokens(t *testing.T) {
	id := httptest.NewIdentity("api://chat", 1) // the version of the tokens
	tokens, err := entra.NewVerifier(entra.Config{
		TenantID: id.TenantID, Audiences: []string{id.Audience}, CallerObjectIDs: []string{id.ObjectID},
		Authority: id.Authority, Transport: id,
	})
	require.NoError(t, err)
	handler, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		Verifier:          tokens,
		OnConnect:         accept,
	})
	require.NoError(t, err)
	_, err = httptest.New(handler, &httptest.Options{Identity: id}).Connect(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, httptest.CheckHandler(t.Context(), handler, &httptest.Options{Identity: id}))
}

// TestGuides runs the code of the guides that is not a test there.
func TestGuides(t *testing.T) {
	say := func(t *testing.T, emu *emulator.TestServer) string {
		t.Helper()
		conn, _, err := websocket.Dial(t.Context(), emu.ClientURL("chat", nil), nil)
		require.NoError(t, err)
		defer func() { _ = conn.CloseNow() }()
		require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte("hello")))
		_, answer, err := conn.Read(t.Context())
		require.NoError(t, err)
		return string(answer)
	}
	assert.Equal(t, "hello", say(t, startChat(t)))
	assert.Equal(t, "hello", say(t, startWithTokens(t)))

	handler, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": webpubsub.Text(func(_ context.Context, ev *webpubsub.UserEvent, _ string) (string, error) {
				return ev.PathValue("tenant"), nil
			}),
		},
	})
	require.NoError(t, err)
	assert.Equal(t, "acme", say(t, emulator.Start(t, emulator.Config{
		Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{atTenant(handler)}}},
	})))

	t.Setenv("WEBPUBSUB_CONNECTION_STRING", httptest.ConnectionString)
	t.Setenv("ENTRA_TENANT_ID", emulator.IdentityTenantID)
	_, err = newHandler()
	require.ErrorContains(t, err, "CallerObjectIDs")
	t.Setenv("ENTRA_CALLER_OBJECT_ID", emulator.IdentityObjectID)
	_, err = newHandler()
	require.NoError(t, err)
}

// TestInspected: the inspector of the guides shows what a client does.
func TestInspected(t *testing.T) {
	t.Parallel()
	handler, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		UserEvents:        map[string]webpubsub.UserEventFunc{"message": webpubsub.Text(echo)},
	})
	require.NoError(t, err)
	emu, err := newInspected(handler)
	require.NoError(t, err)
	defer emu.Close()
	server := nethttptest.NewServer(emu)
	defer server.Close()
	get := func(path, token string) (status int, body string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, http.NoBody)
		require.NoError(t, err)
		req.Header.Set("Inspector-Token", token)
		resp, err := server.Client().Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(data)
	}
	_, token, _ := strings.Cut(emu.InspectorURL(server.URL), "#token=")
	status, page := get(emulator.InspectorPath, "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, "<title>")

	rooms, err := service.NewClientFromConnectionString(emulator.ConnectionString(server.URL, emulator.DefaultAccessKey), "chat", nil)
	require.NoError(t, err)
	require.NoError(t, rooms.All().SendText(t.Context(), "hello, inspector", nil))
	status, records := get(emulator.InspectorPath+"export", token)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, records, "hello, inspector")
}
