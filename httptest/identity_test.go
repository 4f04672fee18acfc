package httptest_test

import (
	"context"
	"fmt"
	"net/http"
	nethttptest "net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/entra"
	"github.com/go-webpubsub/webpubsub/httptest"
)

const appURI = "api://7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46"

func entraConfig(id *httptest.Identity) entra.Config {
	return entra.Config{
		TenantID:        id.TenantID,
		Audiences:       []string{id.Audience},
		CallerObjectIDs: []string{id.ObjectID},
		Authority:       id.Authority,
		Transport:       id,
	}
}

func newTokens(tb testing.TB, cfg entra.Config) *entra.Verifier {
	tb.Helper()
	v, err := entra.NewVerifier(cfg)
	require.NoError(tb, err)
	return v
}

// Both versions, with the signature, are accepted by a handler that requires both.
func TestIdentity(t *testing.T) {
	t.Parallel()
	for version, audience := range map[int]string{1: appURI, 2: appURI[len("api://"):]} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			id := httptest.NewIdentity(appURI, version)
			assert.Equal(t, audience, id.Audience)
			cfg := fullConfig()
			cfg.Verifier = newTokens(t, entraConfig(id))
			h := newHandler(t, cfg)
			svc := httptest.New(h, &httptest.Options{Identity: id})
			require.NoError(t, svc.Validate(t.Context()), "without a token")
			conn, err := svc.Connect(t.Context(), &httptest.Client{UserID: "ann"})
			require.NoError(t, err)
			require.NoError(t, conn.Connected(t.Context()))
			_, err = conn.SendText(t.Context(), "message", "hello")
			require.NoError(t, err)

			id.RotateKeys()
			_, err = conn.SendText(t.Context(), "message", "signed with a new key")
			require.NoError(t, err)

			_, err = httptest.New(h, nil).Connect(t.Context(), nil)
			assert.Equal(t, http.StatusUnauthorized, httptest.StatusOf(err), "no token")
			other := httptest.NewIdentity(appURI, version)
			_, err = httptest.New(h, &httptest.Options{Identity: other}).Connect(t.Context(), nil)
			assert.Equal(t, http.StatusUnauthorized, httptest.StatusOf(err), "keys of another process")
		})
	}
}

// The token has the claims of Entra, and is renewed before it expires.
func TestIdentityToken(t *testing.T) {
	t.Parallel()
	for version, want := range map[int]jwt.MapClaims{
		1: {"ver": "1.0", "aud": appURI, "iss": "https://sts.emulator.invalid/7e57e57e-0000-4000-8000-7e57e57e0001/", "appid": "7e57e57e-0000-4000-8000-7e57e57e0003",
			"appidacr": "2", "idp": "https://sts.emulator.invalid/7e57e57e-0000-4000-8000-7e57e57e0001/"},
		2: {"ver": "2.0", "aud": appURI[len("api://"):], "iss": "https://login.emulator.invalid/7e57e57e-0000-4000-8000-7e57e57e0001/v2.0",
			"azp": "7e57e57e-0000-4000-8000-7e57e57e0003", "azpacr": "2"},
	} {
		synctest.Test(t, func(t *testing.T) {
			id := httptest.NewIdentity(appURI, version)
			token := id.Token()
			claims := jwt.MapClaims{}
			_, _, err := jwt.NewParser().ParseUnverified(token, claims)
			require.NoError(t, err)
			assert.NotEmpty(t, claims["uti"])
			delete(claims, "uti")
			want["oid"], want["sub"], want["tid"] = id.ObjectID, id.ObjectID, id.TenantID
			now := time.Now()
			for name, at := range map[string]time.Time{"iat": now, "nbf": now, "exp": now.Add(time.Hour)} {
				want[name] = float64(at.Unix())
			}
			assert.Equal(t, want, claims)

			<-time.After(55*time.Minute - 1)
			assert.Equal(t, token, id.Token())
			<-time.After(1)
			renewed := id.Token()
			assert.NotEqual(t, token, renewed)
			id.RotateKeys()
			assert.NotEqual(t, renewed, id.Token())
		})
	}
}

// A server can serve the documents, too.
func TestIdentityServes(t *testing.T) {
	t.Parallel()
	id := httptest.NewIdentity("api://chat", 1)
	server := nethttptest.NewServer(id)
	t.Cleanup(server.Close)
	cfg := entraConfig(id)
	cfg.Authority, cfg.Transport = server.URL+"/entra", server.Client().Transport
	r := nethttptest.NewRequest(http.MethodPost, "/", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+id.Token())
	require.NoError(t, newTokens(t, cfg).Verify(r))

	secure := nethttptest.NewTLSServer(id)
	t.Cleanup(secure.Close)
	cfg.Authority, cfg.Transport = secure.URL+"/entra", secure.Client().Transport
	require.NoError(t, newTokens(t, cfg).Verify(r))

	for path, want := range map[string]int{
		"/": 404, "/entra/": 404, "/entra/common/discovery/keys": 404, "/entra/" + id.TenantID: 404,
		"/entra/" + id.TenantID + "/discovery/v1.0/keys": 404,
		"/entra/" + id.TenantID + "/discovery/keys":      200,
	} {
		w := nethttptest.NewRecorder()
		id.ServeHTTP(w, nethttptest.NewRequest(http.MethodGet, path, http.NoBody))
		assert.Equal(t, want, w.Code, path)
	}
	w := nethttptest.NewRecorder()
	id.ServeHTTP(w, nethttptest.NewRequest(http.MethodPost, "/entra/"+id.TenantID+"/discovery/keys", http.NoBody))
	assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
	assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
}

func TestIdentityErrors(t *testing.T) {
	t.Parallel()
	const remedy = "; want the client id or the application id URI of your own app registration"
	for want, construct := range map[string]func(){
		"httptest: identity: Resource is empty: the service then requests a token for Microsoft Graph, which no handler can verify" + remedy: func() { httptest.NewIdentity("", 1) },
		`httptest: identity: Resource "https://graph.microsoft.com/" is Microsoft Graph, whose tokens no handler can verify` + remedy:        func() { httptest.NewIdentity("https://graph.microsoft.com/", 1) },
		"httptest: identity: Resource: for TokenVersion 2 want a client id, or api:// and a client id, since the audience (aud) of these tokens is the client id": func() {
			httptest.NewIdentity("api://chat", 2)
		},
		"httptest: identity: TokenVersion is 0, want 1 or 2": func() { httptest.NewIdentity("api://chat", 0) },
		"httptest: identity: TokenVersion is 3, want 1 or 2": func() { httptest.NewIdentity("api://chat", 3) },
		"httptest: options: Identity was not made by NewIdentity": func() {
			httptest.New(http.NotFoundHandler(), &httptest.Options{Identity: new(httptest.Identity)})
		},
	} {
		assert.PanicsWithValue(t, want, construct)
	}
}

// Neither a token nor a key is in what is printed.
func TestIdentityPrintsNoSecret(t *testing.T) {
	t.Parallel()
	id := httptest.NewIdentity("api://chat", 1)
	token := id.Token()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.Equal(t, `httptest.Identity(7e57e57e-0000-4000-8000-7e57e57e0002 for "api://chat")`, fmt.Sprintf(format, id))
	}
	svc := httptest.New(http.NotFoundHandler(), &httptest.Options{Identity: id})
	assert.NotContains(t, fmt.Sprintf("%+v", svc), token)
	command, err := svc.Curl("message", "hello")
	require.EqualError(t, err, "httptest: curl: a command shows the token of Options.Identity to anyone who reads it: use a service without Identity")
	assert.Empty(t, command)
}

// A handler that verifies tokens is tested without Azure.
func ExampleIdentity() {
	id := httptest.NewIdentity("api://chat", 1)
	tokens, err := entra.NewVerifier(entra.Config{
		TenantID:        id.TenantID,
		Audiences:       []string{id.Audience},
		CallerObjectIDs: []string{id.ObjectID},
		Authority:       id.Authority,
		Transport:       id,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{Verifier: tokens, AllowedOrigins: []string{"localhost"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = httptest.New(h, &httptest.Options{Identity: id}).Connect(context.Background(), nil)
	fmt.Println("with a token:", err)
	fmt.Println("checks:", httptest.CheckHandler(context.Background(), h, &httptest.Options{Identity: id}))
	// Output:
	// with a token: <nil>
	// checks: <nil>
}
