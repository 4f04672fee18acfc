package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/entra"
)

const (
	appClient = "7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46"
	appURI    = "api://" + appClient
)

// tokensOf returns a verifier of an emulator's tokens.
func tokensOf(t *testing.T, emu *emulator.TestServer) *entra.Verifier {
	t.Helper()
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	v, err := entra.NewVerifier(entra.Config{
		TenantID:        emulator.IdentityTenantID,
		Audiences:       []string{appURI, appClient},
		CallerObjectIDs: []string{emulator.IdentityObjectID},
		Authority:       emu.Authority,
		Transport:       transport,
	})
	require.NoError(t, err)
	return v
}

// entraSetup is an emulator and a handler that verifies its tokens.
func entraSetup(t *testing.T, verify func(emu *emulator.TestServer, cfg *webpubsub.Config)) (*setup, http.Handler) {
	t.Helper()
	s := new(setup)
	s.emu = emulator.Start(t, emulator.Config{Logger: s.emulatorLog.logger()})
	cfg := webpubsub.Config{
		Logger: s.handlerLog.logger(),
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": webpubsub.Text(func(_ context.Context, ev *webpubsub.UserEvent, in string) (string, error) {
				assert.NotEmpty(t, ev.RequestHeader["Ce-Signature"], "the signature is there, too")
				return in + "!", nil
			}),
		},
	}
	verify(s.emu, &cfg)
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)
	return s, h
}

// set sets the event handler of the hub.
func (s *setup) set(t *testing.T, at emulator.EventHandler, m *emulator.ManagedIdentity) {
	t.Helper()
	at.ManagedIdentity = m
	require.NoError(t, s.emu.SetHub(hub, emulator.Hub{EventHandlers: []emulator.EventHandler{at}}))
}

// echo connects a client, sends a message and returns the answer; or else the status of
// the refusal.
func (s *setup) echo(t *testing.T) string {
	t.Helper()
	conn, resp, err := websocket.Dial(t.Context(), s.emu.ClientURL(hub, nil), nil)
	if err != nil {
		require.NotNil(t, resp)
		return fmt.Sprint(resp.StatusCode)
	}
	defer conn.CloseNow() //nolint:errcheck // it has served
	require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte("hi")))
	_, frame, err := conn.Read(t.Context())
	require.NoError(t, err)
	return string(frame)
}

// both, alone and either configure a handler that requires the signature and the token,
// the token alone, or either of them.
func both(t *testing.T) func(*emulator.TestServer, *webpubsub.Config) {
	return func(emu *emulator.TestServer, cfg *webpubsub.Config) {
		cfg.ConnectionStrings = []string{emu.ConnectionString}
		cfg.Verifier = tokensOf(t, emu)
	}
}

func alone(t *testing.T) func(*emulator.TestServer, *webpubsub.Config) {
	return func(emu *emulator.TestServer, cfg *webpubsub.Config) {
		cfg.AllowedOrigins, cfg.Verifier = []string{"127.0.0.1"}, tokensOf(t, emu)
	}
}

func either(t *testing.T) func(*emulator.TestServer, *webpubsub.Config) {
	return func(emu *emulator.TestServer, cfg *webpubsub.Config) {
		keys, err := webpubsub.NewAccessKeys(emu.ConnectionString)
		require.NoError(t, err)
		cfg.Verifier = webpubsub.AnyVerifier{keys, tokensOf(t, emu)}
	}
}

// A handler with package entra accepts the emulator's tokens of both versions, in memory
// and over TCP, before and after a roll-over, and no events without.
func TestEntra(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		verify  func(*testing.T) func(*emulator.TestServer, *webpubsub.Config)
		without string // the answer to an event without a token
		other   string // the answer to an event with a token for another handler
	}{
		"signature and token":   {both, "401", "401"},
		"token alone":           {alone, "401", "401"},
		"either, in transition": {either, "hi!", "hi!"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for version, where := range map[int]func(http.Handler) emulator.EventHandler{
				1: emulator.InMemory,
				2: func(h http.Handler) emulator.EventHandler { return emulator.AtURL(serveHTTP(t, h) + "/eventhandler") },
			} {
				s, h := entraSetup(t, tt.verify(t))
				at := where(h)
				s.set(t, at, &emulator.ManagedIdentity{Resource: appURI, TokenVersion: version})
				assert.Equal(t, "hi!", s.echo(t), "version %d", version)
				s.emu.RotateIdentityKeys()
				assert.Equal(t, "hi!", s.echo(t), "version %d, new key", version)
				s.set(t, at, nil)
				assert.Equal(t, tt.without, s.echo(t), "version %d", version)
				s.set(t, at, &emulator.ManagedIdentity{Resource: "api://another-app"})
				assert.Equal(t, tt.other, s.echo(t), "version %d", version)
				for _, log := range []string{s.handlerLog.String(), s.emulatorLog.String()} {
					assert.NotContains(t, log, "eyJ", "a token")
				}
			}
		})
	}
}

// The handler's log names the rule and the remedy; the emulator's log has the answer,
// which does not.
func TestEntraMistakesInTheLog(t *testing.T) {
	t.Parallel()
	s, h := entraSetup(t, both(t))
	s.set(t, emulator.InMemory(h), nil)
	assert.Equal(t, "401", s.echo(t))
	s.set(t, emulator.InMemory(h), &emulator.ManagedIdentity{Resource: "api://another-app"})
	assert.Equal(t, "401", s.echo(t))
	log := s.handlerLog.String()
	assert.Contains(t, log, `error="entra: authorization header: missing; set the auth type of the event handler in Azure to ManagedIdentity"`)
	assert.Contains(t, log, `error="entra: audience: aud is \"api://another-app\", want one of Audiences \"api://`+appClient+`, `+appClient+`\"; compare them with the resource in the event handler's setting"`)
	assert.NotContains(t, s.emulatorLog.String(), "another-app")
	assert.Contains(t, s.emulatorLog.String(), "origin, signature or token do not prove that the service sent this; compare its settings with the handler's Config")
}
