package emulator_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/entra"
)

const (
	appClient = "7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46"
	appURI    = "api://" + appClient
)

// withIdentity returns cfg with an identity for its event handler.
func withIdentity(cfg emulator.Config, resource string, version int) emulator.Config {
	cfg.Hubs["chat"].EventHandlers[0].ManagedIdentity = &emulator.ManagedIdentity{Resource: resource, TokenVersion: version}
	return cfg
}

// tokens returns a verifier of the emulator's tokens.
func (r *rig) tokens(audience string) *entra.Verifier {
	r.t.Helper()
	v, err := entra.NewVerifier(entra.Config{
		TenantID:          emulator.IdentityTenantID,
		Audiences:         []string{audience},
		CallerObjectIDs:   []string{emulator.IdentityObjectID},
		Authority:         base + emulator.AuthorityPath,
		InsecureAllowHTTP: true,
		Transport:         r.http.Transport,
	})
	require.NoError(r.t, err)
	return v
}

// verify verifies the token of an event.
func verify(v *entra.Verifier, ev told) error {
	return v.Verify(&http.Request{Header: ev.header})
}

// Events have a valid token of the chosen version beside the signature; validation
// requests have neither.
func TestManagedIdentity(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		version       int
		audience, ver string
	}{
		"v1":         {1, appURI, "1.0"},
		"v1 is zero": {0, appURI, "1.0"},
		"v2":         {2, appClient, "2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, where := range places() {
				synctest.Test(t, func(t *testing.T) {
					h := new(script)
					r := newRig(t, withIdentity(where(t, h), appURI, tt.version))
					p := r.raw(r.clientURL("ann", ""))
					p.send("hello")
					synctest.Wait()
					tokens := r.tokens(tt.audience)
					assert.ElementsMatch(t, []string{"OPTIONS", "connect", "connected", "message"}, h.names())
					for _, ev := range h.all() {
						if ev.method == http.MethodOptions {
							assert.Empty(t, ev.header["Authorization"])
							continue
						}
						require.NoError(t, verify(tokens, ev), ev.event)
						require.Error(t, verify(r.tokens("api://other"), ev))
						assert.NotEmpty(t, ev.header["Ce-Signature"])
						assert.Equal(t, h.all()[1].header["Authorization"], ev.header["Authorization"], "one token for all events")
						claims := jwt.MapClaims{}
						_, _, err := jwt.NewParser().ParseUnverified(strings.TrimPrefix(ev.header.Get("Authorization"), "Bearer "), claims)
						require.NoError(t, err)
						assert.Equal(t, []any{tt.ver, tt.audience, emulator.IdentityObjectID, emulator.IdentityTenantID},
							[]any{claims["ver"], claims["aud"], claims["oid"], claims["tid"]})
					}
				})
			}
		})
	}
}

func TestNoIdentityNoToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := new(script)
		r := newRig(t, chat(h))
		r.raw(r.clientURL("ann", ""))
		assert.Empty(t, h.one(t, "connect").header["Authorization"])
	})
}

// A token is renewed five minutes before it expires, by the emulator's clock.
func TestTokenIsRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := new(script)
		clock := &ahead{by: 1000 * time.Hour}
		cfg := withIdentity(chat(h), appURI, 1)
		cfg.Clock = clock
		r := newRig(t, cfg)
		token := func() string {
			// A token of a client would be too old by the other clock.
			p := r.raw(base + "/client/hubs/chat?access_token=" + sign(t, "chat", jwt.MapClaims{"exp": clock.Now().Add(time.Hour).Unix()}))
			defer func() { _ = p.conn.CloseNow() }()
			synctest.Wait()
			all := h.told("connect")
			return all[len(all)-1].header.Get("Authorization")
		}
		first := token()
		claims := jwt.MapClaims{}
		_, _, err := jwt.NewParser().ParseUnverified(strings.TrimPrefix(first, "Bearer "), claims)
		require.NoError(t, err)
		expires, err := claims.GetExpirationTime()
		require.NoError(t, err)
		assert.Equal(t, clock.Now().Add(time.Hour).Unix(), expires.Unix())
		pass(55*time.Minute - time.Second)
		assert.Equal(t, first, token())
		pass(time.Second)
		assert.NotEqual(t, first, token())
	})
}

// ahead is a clock that is ahead of the machine's.
type ahead struct{ by time.Duration }

func (c *ahead) Now() time.Time { return time.Now().Add(c.by) }

func (c *ahead) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// After a roll-over a verifier accepts new tokens at once, and those before it. After
// another one, it accepts no tokens of the first key.
func TestRotateIdentityKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := new(script)
		r := newRig(t, withIdentity(chat(h), appURI, 1))
		tokens := r.tokens(appURI)
		event := func() told {
			r.raw(r.clientURL("ann", ""))
			synctest.Wait()
			all := h.told("connect")
			return all[len(all)-1]
		}
		first := event()
		require.NoError(t, verify(tokens, first))
		r.server.RotateIdentityKeys()
		second := event()
		assert.NotEqual(t, first.header["Authorization"], second.header["Authorization"])
		require.NoError(t, verify(tokens, second))
		require.NoError(t, verify(tokens, first))
		r.server.RotateIdentityKeys()
		pass(5 * time.Minute) // in which the verifier fetches keys for an unknown key id once
		require.NoError(t, verify(tokens, event()))
		var broken *entra.Error
		require.ErrorAs(t, verify(tokens, first), &broken)
		assert.Equal(t, entra.RuleKey, broken.Rule)
	})
}

func TestIdentityErrors(t *testing.T) {
	t.Parallel()
	const remedy = "; want the client id or the application id URI of your own app registration"
	for want, m := range map[string]emulator.ManagedIdentity{
		"Resource is empty: the service then requests a token for Microsoft Graph, which no handler can verify" + remedy: {},
		`Resource "https://graph.microsoft.com/" is Microsoft Graph, whose tokens no handler can verify` + remedy:        {Resource: "https://graph.microsoft.com/"},
		"Resource: for TokenVersion 2 want a client id, or api:// and a client id, since the audience (aud) of these tokens is the client id": {
			Resource: "api://chat", TokenVersion: 2,
		},
		"TokenVersion is 3, want 1 or 2": {Resource: "api://chat", TokenVersion: 3},
	} {
		cfg := chat(new(script))
		_, err := emulator.New(withIdentity(cfg, m.Resource, m.TokenVersion))
		require.EqualError(t, err, `emulator: hub "chat", event handler 0: ManagedIdentity.`+want)
		s, err := emulator.New(emulator.Config{})
		require.NoError(t, err)
		require.EqualError(t, s.SetHub("chat", cfg.Hubs["chat"]), `emulator: hub "chat", event handler 0: ManagedIdentity.`+want)
		s.Close()
	}
}

// The documents are below the guard against foreign web pages, and nothing else is.
func TestIdentityDocuments(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		get := func(path, host string) (int, string) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, http.NoBody)
			require.NoError(t, err)
			req.Host = host
			resp, err := r.http.Do(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			return resp.StatusCode, string(body)
		}
		const discovery = "/entra/" + emulator.IdentityTenantID + "/v2.0/.well-known/openid-configuration"
		status, body := get(discovery, "emu.test:8080")
		assert.Equal(t, http.StatusOK, status)
		assert.JSONEq(t, `{"issuer":"https://login.emulator.invalid/`+emulator.IdentityTenantID+`/v2.0",
			"jwks_uri":"http://emu.test:8080/entra/`+emulator.IdentityTenantID+`/discovery/v2.0/keys","id_token_signing_alg_values_supported":["RS256"]}`, body)
		status, body = get("/entra/"+emulator.IdentityTenantID+"/discovery/v2.0/keys", "emu.test")
		assert.Equal(t, http.StatusOK, status)
		for _, private := range []string{`"d"`, `"p"`, `"q"`, `"dp"`, `"qi"`} {
			assert.NotContains(t, body, private)
		}
		status, _ = get(discovery, "evil.test")
		assert.Equal(t, http.StatusForbidden, status)
		status, _ = get("/entra/common/discovery/keys", "emu.test")
		assert.Equal(t, http.StatusNotFound, status)
	})
}

// Neither the log nor an error shows a token, even if the handler sends it back.
func TestLogHasNoIdentityToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var token string
		cfg := withIdentity(chat(&script{on: map[string]http.HandlerFunc{
			"connect": func(w http.ResponseWriter, r *http.Request) {
				token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
				http.Error(w, "refused: "+token, http.StatusForbidden)
			},
		}}), appURI, 1)
		cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		r := newRig(t, cfg)
		_, resp := r.try(r.clientURL("ann", ""), nil)
		assert.Equal(t, http.StatusForbidden, resp.StatusCode)
		synctest.Wait()
		require.NotEmpty(t, token)
		assert.Contains(t, log.String(), "event refused")
		assert.NotContains(t, log.String(), token[:20])
	})
}

// Start's Authority is for a verifier without other settings.
func TestStartAuthority(t *testing.T) {
	t.Parallel()
	emu := emulator.Start(t, emulator.Config{})
	assert.Equal(t, emu.Endpoint+"/entra", emu.Authority)
	v, err := entra.NewVerifier(entra.Config{
		TenantID: emulator.IdentityTenantID, Audiences: []string{appURI}, CallerAppIDs: []string{emulator.IdentityAppID}, Authority: emu.Authority,
		Transport: &http.Transport{DisableKeepAlives: true},
	})
	require.NoError(t, err)
	var broken *entra.Error
	require.ErrorAs(t, v.Verify(&http.Request{Header: http.Header{"Authorization": {"Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJ2ZXIiOiIxLjAifQ.eA"}}}), &broken)
	assert.Equal(t, entra.RuleKey, broken.Rule, "the keys were fetched")
}
