package entra_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/entra"
)

const (
	tenant      = "11111111-2222-4333-8444-555555555555"
	otherTenant = "99999999-2222-4333-8444-555555555555"
	clientID    = "aaaaaaaa-0000-4000-8000-000000000001" // of the app registration
	uri         = "api://chat"
	objectID    = "bbbbbbbb-0000-4000-8000-000000000001" // of the service's identity
	appID       = "cccccccc-0000-4000-8000-000000000001"

	issuerV1 = "https://sts.windows.net/" + tenant + "/"
	issuerV2 = "https://login.microsoftonline.com/" + tenant + "/v2.0"
)

// The keys of all tests, since making one takes time.
var (
	firstKey  = sync.OnceValue(makeKey)
	secondKey = sync.OnceValue(makeKey)
	thiefKey  = sync.OnceValue(makeKey)
)

func makeKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// cloud is Entra: a transport that answers with the documents of the tenant as Microsoft
// writes them, and counts fetches.
type cloud struct {
	mu      sync.Mutex
	keys    map[string]*rsa.PublicKey
	fetched map[string]int // by path
	down    error          // of every request
	takes   time.Duration  // until the answer
	answers map[string]func() *http.Response
	queries map[string]string
}

func newCloud() *cloud {
	return &cloud{
		keys:    map[string]*rsa.PublicKey{"k1": &firstKey().PublicKey},
		fetched: map[string]int{},
		answers: map[string]func() *http.Response{},
		queries: map[string]string{},
	}
}

var errOutage = errors.New("no route to host")

const (
	discoveryV1 = "https://login.microsoftonline.com/" + tenant + "/.well-known/openid-configuration"
	discoveryV2 = "https://login.microsoftonline.com/" + tenant + "/v2.0/.well-known/openid-configuration"
	keysV1      = "https://login.microsoftonline.com/" + tenant + "/discovery/keys"
	keysV2      = "https://login.microsoftonline.com/" + tenant + "/discovery/v2.0/keys"
)

func (c *cloud) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	takes := c.takes
	c.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	url := *req.URL
	url.RawQuery = ""
	c.fetched[url.String()]++
	c.queries[url.String()] = req.URL.RawQuery
	if c.down != nil {
		return nil, c.down
	}
	if answer := c.answers[url.String()]; answer != nil {
		resp := answer()
		resp.Request = req
		return resp, nil
	}
	switch url.String() {
	case discoveryV1:
		return answer(map[string]any{"issuer": issuerV1, "jwks_uri": keysV1}), nil
	case discoveryV2:
		return answer(map[string]any{"issuer": issuerV2, "jwks_uri": keysV2}), nil
	case keysV1:
		return answer(map[string]any{"keys": c.list("")}), nil
	case keysV2:
		return answer(map[string]any{"keys": c.list("https://login.microsoftonline.com/{tenantid}/v2.0")}), nil
	}
	return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody}, nil
}

// answer is an answer with a document.
func answer(document any) *http.Response {
	data, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(data))}
}

func (c *cloud) list(issuer string) []map[string]any {
	var out []map[string]any
	for kid, key := range c.keys {
		entry := jwkOf(kid, key)
		if issuer != "" {
			entry["issuer"] = issuer
		}
		out = append(out, entry)
	}
	return out
}

func jwkOf(kid string, key *rsa.PublicKey) map[string]any {
	return map[string]any{
		"kty": "RSA", "use": "sig", "kid": kid, "x5t": kid, "x5c": []string{"MIIC"},
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}
}

// set replaces the keys by one.
func (c *cloud) set(kid string, key *rsa.PrivateKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = map[string]*rsa.PublicKey{kid: &key.PublicKey}
}

func (c *cloud) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = err
}

// fetches returns the number of requests of a URL.
func (c *cloud) fetches(url string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fetched[url]
}

func config(c *cloud) entra.Config {
	return entra.Config{
		TenantID:        tenant,
		Audiences:       []string{uri, clientID},
		CallerObjectIDs: []string{objectID},
		Transport:       c,
	}
}

func newVerifier(tb testing.TB, cfg entra.Config) *entra.Verifier {
	tb.Helper()
	v, err := entra.NewVerifier(cfg)
	require.NoError(tb, err)
	return v
}

// claimsV1 and claimsV2 are the claims of a token, at a time.
func claimsV1(now time.Time) jwt.MapClaims {
	return jwt.MapClaims{
		"aud": uri, "iss": issuerV1, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"appid": appID, "appidacr": "2", "idp": issuerV1, "oid": objectID, "sub": objectID, "tid": tenant, "uti": "u", "ver": "1.0",
	}
}

func claimsV2(now time.Time) jwt.MapClaims {
	return jwt.MapClaims{
		"aud": clientID, "iss": issuerV2, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"azp": appID, "azpacr": "2", "oid": objectID, "sub": objectID, "tid": tenant, "uti": "u", "ver": "2.0",
	}
}

// with returns the claims with others; nil removes one.
func with(claims, others jwt.MapClaims) jwt.MapClaims {
	out := maps.Clone(claims)
	for name, v := range others {
		if out[name] = v; v == nil {
			delete(out, name)
		}
	}
	return out
}

// sign signs claims as Entra does.
func sign(kid string, key *rsa.PrivateKey, claims jwt.MapClaims) string {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = kid
	text, err := token.SignedString(key)
	if err != nil {
		panic(err)
	}
	return text
}

// request returns a request with the lines of the Authorization header.
func request(authorization ...string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "http://handler.test/eventhandler", http.NoBody)
	if err != nil {
		panic(err)
	}
	if authorization != nil {
		r.Header["Authorization"] = authorization
	}
	return r
}

// verify returns the rule that a token breaks; "" if it is accepted.
func verify(tb testing.TB, v *entra.Verifier, token string) entra.Rule {
	tb.Helper()
	return ruleOf(tb, v.Verify(request("Bearer "+token)))
}

func ruleOf(tb testing.TB, err error) entra.Rule {
	tb.Helper()
	if err == nil {
		return ""
	}
	var broken *entra.Error
	require.ErrorAs(tb, err, &broken)
	return broken.Rule
}

const host = "contoso.webpubsub.azure.com"

// handlerConfig is a handler's that accepts all events with a token.
func handlerConfig(v webpubsub.Verifier, outcome *webpubsub.Outcome) webpubsub.Config {
	return webpubsub.Config{
		Verifier:       v,
		AllowedOrigins: []string{host},
		Logger:         slog.New(slog.DiscardHandler),
		Observe:        func(_ context.Context, o webpubsub.Outcome) { *outcome = o },
	}
}

// event returns a connected event with an Authorization header.
func event(authorization string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/eventhandler", strings.NewReader("{}"))
	for name, value := range map[string]string{
		"WebHook-Request-Origin": host,
		"Content-Type":           "application/json; charset=utf-8",
		"ce-awpsversion":         "1.0", "ce-specversion": "1.0", "ce-type": "azure.webpubsub.sys.connected",
		"ce-source": "/hubs/chat/client/c", "ce-id": "1", "ce-time": "2026-01-01T00:00:00Z",
		"ce-connectionId": "c", "ce-hub": "chat", "ce-eventName": "connected",
		"Authorization": authorization,
	} {
		r.Header.Set(name, value)
	}
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// withKeyID returns a token whose header has another key id, without a valid signature.
func withKeyID(token, kid string) string {
	_, rest, _ := strings.Cut(token, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT","kid":"`+kid+`"}`)) + "." + rest
}
