package webpubsub_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

const refusedOrigin = "" // no WebHook-Allowed-Origin line at all

func validation(tb testing.TB, edits ...func(*http.Request)) *http.Request {
	tb.Helper()
	return wireRequest(tb, "options", edits...)
}

func setOrigin(values ...string) func(*http.Request) {
	return wireHeader("WebHook-Request-Origin", values...)
}

func setMethod(method string) func(*http.Request) {
	return func(r *http.Request) { r.Method = method }
}

func setPath(path string) func(*http.Request) {
	return func(r *http.Request) { r.URL.Path, r.RequestURI = path, path }
}

// assertConsent checks the header that the service evaluates, which must have exactly
// one line.
func assertConsent(t *testing.T, resp *http.Response, want string) {
	t.Helper()
	lines := resp.Header.Values("WebHook-Allowed-Origin")
	if want == refusedOrigin {
		assert.Empty(t, lines)
		assert.Empty(t, resp.Header.Values("WebHook-Allowed-Rate"))
		return
	}
	assert.Equal(t, []string{want}, lines)
}

func TestAbuseProtection(t *testing.T) {
	t.Parallel()
	none := []string{}
	tests := []struct {
		name       string
		allowed    []string // nil: from the connection string
		request    string   // default "options"
		edits      []func(*http.Request)
		wantStatus int
		wantOrigin string
	}{
		{"UE 1 any origin is answered with a star", []string{"*"}, "", nil, 200, "*"},
		{"origin of the connection string", nil, "", nil, 200, wireOrigin},
		{"UE 2 without ce-awpsversion", nil, "", []func(*http.Request){wireHeader("ce-awpsversion")}, 404, refusedOrigin},
		{"UE 3 empty ce-awpsversion", nil, "", []func(*http.Request){wireHeader("ce-awpsversion", "")}, 200, wireOrigin},
		{"UE 4 without origin", nil, "", []func(*http.Request){setOrigin()}, 400, refusedOrigin},
		{"UE 4 empty origin", nil, "", []func(*http.Request){setOrigin("")}, 400, refusedOrigin},
		{"UE 4 only separators", []string{"*"}, "", []func(*http.Request){setOrigin(" , ,\t", ",")}, 400, refusedOrigin},
		{"UE 5 allowed URLs, first", []string{"https://A.com/c", "http://b.com:8080"}, "", []func(*http.Request){setOrigin("a.com")}, 200, "a.com"},
		{"UE 5 allowed URLs, second", []string{"https://A.com/c", "http://b.com:8080"}, "", []func(*http.Request){setOrigin("b.com")}, 200, "b.com"},
		{"UE 5 another origin", []string{"https://A.com/c", "http://b.com:8080"}, "", []func(*http.Request){setOrigin("evil.com")}, 200, refusedOrigin},
		{"UE 6 empty list denies all", none, "", nil, 200, refusedOrigin},
		{"UE 7 bare host", []string{"a.com"}, "", []func(*http.Request){setOrigin("a.com")}, 200, "a.com"},
		{"UE 8 list with comma and space", []string{"b.com"}, "", []func(*http.Request){setOrigin("a.com, b.com")}, 200, "b.com"},
		{"UE 8 list with comma", []string{"b.com"}, "", []func(*http.Request){setOrigin("a.com,b.com")}, 200, "b.com"},
		{"UE 8 list in two lines", []string{"b.com"}, "", []func(*http.Request){setOrigin("a.com", "b.com")}, 200, "b.com"},
		{"UE 8 fixture", nil, "options_origin_list", nil, 200, wireOrigin},
		{"UE 8 fixture in lines", nil, "options_origin_lines", nil, 200, wireOrigin},
		{"UE 8 only one line is answered though all match", []string{"a.com", "b.com"}, "", []func(*http.Request){setOrigin("a.com, b.com")}, 200, "a.com"},
		{"UE 9 other case", []string{"a.com"}, "", []func(*http.Request){setOrigin("A.COM")}, 200, "A.COM"},
		{"UE 10 look-alike suffix", []string{"a.com"}, "", []func(*http.Request){setOrigin("a.com.evil.tld")}, 200, refusedOrigin},
		{"UE 10 look-alike prefix", []string{"a.com"}, "", []func(*http.Request){setOrigin("evila.com")}, 200, refusedOrigin},
		{"UE 10 subdomain", []string{"a.com"}, "", []func(*http.Request){setOrigin("x.a.com")}, 200, refusedOrigin},
		{"UE 10 parent domain", []string{"x.a.com"}, "", []func(*http.Request){setOrigin("a.com")}, 200, refusedOrigin},
		{"UE 10 trailing dot", []string{"a.com"}, "", []func(*http.Request){setOrigin("a.com.")}, 200, refusedOrigin},
		{"UE 10 with scheme", []string{"a.com"}, "", []func(*http.Request){setOrigin("https://a.com")}, 200, refusedOrigin},
		{"UE 10 with port", []string{"a.com"}, "", []func(*http.Request){setOrigin("a.com:443")}, 200, refusedOrigin},
		{"UE 10 separated by space alone", []string{"a.com"}, "", []func(*http.Request){setOrigin("a.com evil.tld")}, 200, refusedOrigin},
		{"UE 10 separated by semicolon", []string{"a.com"}, "", []func(*http.Request){setOrigin("a.com;evil.tld")}, 200, refusedOrigin},
		{"UE 10 letter that Unicode folds to s", []string{"s.com"}, "", []func(*http.Request){setOrigin("\u017f.com")}, 200, refusedOrigin},
		{"UE 10 letter that Unicode folds to k", []string{"k.com"}, "", []func(*http.Request){setOrigin("\u212a.com")}, 200, refusedOrigin},
		{"UE 10 star is not a host", []string{"a.com"}, "", []func(*http.Request){setOrigin("*")}, 200, refusedOrigin},
		{"UE 10 look-alike of the connection string", nil, "", []func(*http.Request){setOrigin("x.webpubsub.azure.com.evil.test")}, 200, refusedOrigin},
		{"UE 11 any path", nil, "", []func(*http.Request){setPath("/somewhere/chat/validate")}, 200, wireOrigin},
		{"UE 11 path beside the mount", nil, "", []func(*http.Request){setPath("/eventhandlerx")}, 200, wireOrigin},
		{"UE 12 path in another case", nil, "", []func(*http.Request){setPath("/API/WebPubSub/hubs/CHAT")}, 200, wireOrigin},
		{"UE 13 query", nil, "options_query", nil, 200, wireOrigin},
		{"UE 14 GET after a 404", nil, "get_fallback", nil, 200, wireOrigin},
		{"UE 14 GET from elsewhere", nil, "get_fallback", []func(*http.Request){setOrigin("evil.com")}, 200, refusedOrigin},
		{"UE 14 GET without ce-awpsversion", nil, "get_fallback", []func(*http.Request){wireHeader("ce-awpsversion")}, 404, refusedOrigin},
		{"sixteenth origin", []string{"a.com"}, "", []func(*http.Request){setOrigin(strings.Repeat("b.com,", 15) + "a.com")}, 200, "a.com"},
		{"seventeenth origin is not looked at", []string{"a.com"}, "", []func(*http.Request){setOrigin(strings.Repeat("b.com,", 16) + "a.com")}, 200, refusedOrigin},
		{"seventeenth line is not looked at", []string{"a.com"}, "", []func(*http.Request){setOrigin(append(strings.Split(strings.Repeat("b.com,", 15)+"b.com", ","), "a.com")...)}, 200, refusedOrigin},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fixture := tt.request
			if fixture == "" {
				fixture = "options"
			}
			cfg := webpubsub.Config{AllowedOrigins: tt.allowed}
			if tt.allowed != nil { // hosts for which there is no key
				cfg.Verifier = webpubsub.InsecureSkipVerify{}
			}
			h := wireHandler(t, cfg)
			resp := wireServe(h, wireRequest(t, fixture, tt.edits...))
			assert.Equal(t, tt.wantStatus, resp.StatusCode)
			assertConsent(t, resp, tt.wantOrigin)
			body := wireText(t, resp)
			if tt.wantOrigin != refusedOrigin {
				assert.Empty(t, body)
				return
			}
			assert.NotEmpty(t, body, "a refusal says why")
			assert.NotContains(t, body, wireKey)
			assert.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
			assert.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
		})
	}
}

func TestUE15AllowedRateIsAnsweredOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{})
	resp := wireServe(h, wireRequest(t, "options_rate"))
	assert.Equal(t, []string{"*"}, resp.Header.Values("WebHook-Allowed-Rate"))
	assertConsent(t, resp, wireOrigin)
	resp = wireServe(h, validation(t))
	assert.Empty(t, resp.Header.Values("WebHook-Allowed-Rate"))
	resp = wireServe(h, wireRequest(t, "options_rate", setOrigin("evil.com")))
	assertConsent(t, resp, refusedOrigin)
}

func TestUE16AllowNamesPost(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{})
	for name, r := range map[string]*http.Request{
		"consent":   validation(t),
		"refusal":   validation(t, setOrigin("evil.com")),
		"malformed": validation(t, setOrigin()),
		"not ours":  validation(t, wireHeader("ce-awpsversion")),
		"fallback":  wireRequest(t, "get_fallback"),
	} {
		assert.Equal(t, []string{"OPTIONS, POST"}, wireServe(h, r).Header.Values("Allow"), name)
	}
}

func TestUE17ValidationIsNeverAuthenticated(t *testing.T) {
	t.Parallel()
	asked := 0
	h := wireHandler(t, webpubsub.Config{
		Verifier:       verifierFunc(func(*http.Request) error { asked++; return webpubsub.Unauthorized("") }),
		AllowedOrigins: []string{wireOrigin},
	})
	for _, fixture := range []string{"options", "get_fallback"} {
		resp := wireServe(h, wireRequest(t, fixture))
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assertConsent(t, resp, wireOrigin)
	}
	assert.Zero(t, asked)
	assert.Equal(t, http.StatusUnauthorized, wireServe(h, wireRequest(t, "connected")).StatusCode)
	assert.Equal(t, 1, asked)
}

// The answer to a validation request does not depend on headers of events or on its
// body.
func TestValidationIgnoresEventHeadersAndBody(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{Interceptors: []webpubsub.Interceptor{mustNotRun(t)}})
	r := wireRequest(t, "connect", setMethod(http.MethodOptions), unreadableBody(t), wireHeader("ce-hub", "other"), wireHeader("ce-signature", "sha256=00"))
	resp := wireServe(h, r)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assertConsent(t, resp, wireOrigin)
}

func TestAbuseProtectionWithoutHandler(t *testing.T) {
	t.Parallel()
	p, err := webpubsub.NewAbuseProtection("https://A.com/c", "b.com:8080", "[::1]:8080")
	require.NoError(t, err)
	assert.True(t, p.Allows("a.com"))
	assert.True(t, p.Allows("A.COM"))
	assert.True(t, p.Allows("b.com"))
	assert.True(t, p.Allows("::1"))
	for _, origin := range []string{"", "a.com, b.com", "a.com.evil.tld", "x.a.com", "a.com.", "https://a.com", "b.com:8080", "*", " a.com"} {
		assert.False(t, p.Allows(origin), "%q", origin)
	}

	resp := wireServe(p, validation(t, setOrigin("x.com, B.com")))
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assertConsent(t, resp, "B.com")
	resp = wireServe(p, wireRequest(t, "get_fallback", setOrigin("a.com")))
	assertConsent(t, resp, "a.com")
	resp = wireServe(p, validation(t, setOrigin("evil.com")))
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assertConsent(t, resp, refusedOrigin)

	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodHead, http.MethodGet} {
		r := wireRequest(t, "user_text", setMethod(method), setOrigin("a.com"), unreadableBody(t))
		if method == http.MethodGet {
			setOrigin()(r)
		}
		resp := wireServe(p, r)
		assert.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode, method)
		assert.Equal(t, "OPTIONS, POST", resp.Header.Get("Allow"), method)
		assertConsent(t, resp, refusedOrigin)
	}

	nobody, err := webpubsub.NewAbuseProtection()
	require.NoError(t, err)
	assert.False(t, nobody.Allows("a.com"))
	assert.False(t, new(webpubsub.AbuseProtection).Allows("a.com"))
	assertConsent(t, wireServe(new(webpubsub.AbuseProtection), validation(t)), refusedOrigin)

	everybody, err := webpubsub.NewAbuseProtection("a.com", "*")
	require.NoError(t, err)
	assert.True(t, everybody.Allows("evil.com"))
	assertConsent(t, wireServe(everybody, validation(t, setOrigin("a.com"))), "*")
}
