package webpubsub_test

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestInsecureSkipVerify(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{Verifier: webpubsub.InsecureSkipVerify{}, Fallback: replyText("ok")})
	for name, edit := range map[string]func(*http.Request){
		"no signature":    signed(),
		"wrong signature": signed("sha256=00"),
		"any origin":      setOrigin("evil.com"),
	} {
		assert.Equal(t, http.StatusOK, wireServe(h, wireRequest(t, "user_text", edit)).StatusCode, name)
	}
	for name, tt := range map[string]struct {
		edit func(*http.Request)
		want int
	}{
		"not ours":              {wireHeader("ce-awpsversion"), 404},
		"empty origin":          {setOrigin(""), 401},
		"other hub":             {wireHeader("ce-hub", "other"), 404},
		"no connection id":      {wireHeader("ce-connectionId"), 400},
		"repeated header":       {wireHeader("ce-id", "1", "2"), 400},
		"repeated connection":   {wireHeader("ce-connectionId", "1", "2"), 400},
		"wrong method":          {setMethod("PUT"), 405},
		"unknown system events": {setType("azure.webpubsub.sys.x"), 501},
	} {
		r := wireRequest(t, "user_text", tt.edit, unreadableBody(t))
		assert.Equal(t, tt.want, wireServe(h, r).StatusCode, name)
	}
	require.NoError(t, webpubsub.InsecureSkipVerify{}.Verify(wireRequest(t, "user_text")))
}

func TestCustomVerifier(t *testing.T) {
	t.Parallel()
	secret := errors.New("token eyJ.secret is from another tenant")
	tests := []struct {
		name string
		err  error
		want int
		body string // the whole answer; empty: the text of a 401
	}{
		{"accepts", nil, 200, "ok"},
		{"any error", secret, 401, ""},
		{"wrapped error", fmt.Errorf("verify: %w", secret), 401, ""},
		{"deadline", context.DeadlineExceeded, 401, ""},
		{"decode error", &webpubsub.DecodeError{What: "token", Err: secret}, 401, ""},
		{"chosen status", &webpubsub.Error{Status: 403, Message: "wrong tenant", Err: secret}, 403, "wrong tenant"},
		{"wrapped chosen status", fmt.Errorf("%w: %w", webpubsub.Unavailable("no keys yet"), secret), 503, "no keys yet"},
		{"status of success", &webpubsub.Error{Status: 200, Message: "x"}, 500, "x"},
		{"no status", &webpubsub.Error{Message: "x", Err: secret}, 500, "x"},
		{"signature", webpubsub.ErrSignature, 401, ""},
		{"origin", webpubsub.ErrOrigin, 401, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			cfg := webpubsub.Config{
				AllowedOrigins: []string{wireOrigin},
				Verifier:       verifierFunc(func(r *http.Request) error { asked++; return tt.err }),
				Fallback:       replyText("ok"),
			}
			if tt.err != nil {
				cfg.Interceptors = []webpubsub.Interceptor{mustNotRun(t)}
			}
			h := wireHandler(t, cfg)
			edit := func(*http.Request) {}
			if tt.err != nil {
				edit = unreadableBody(t)
			}
			resp := wireServe(h, wireRequest(t, "user_text", edit))
			assert.Equal(t, tt.want, resp.StatusCode)
			assert.Equal(t, 1, asked)
			body := wireText(t, resp)
			assert.NotContains(t, body, "secret")
			if tt.body != "" {
				assert.Equal(t, tt.body, body)
			} else {
				assert.NotEmpty(t, body)
			}

			// It is not called for a request that is refused for its header or origin.
			for _, earlier := range []func(*http.Request){setOrigin("evil.com"), wireHeader("ce-id"), wireHeader("ce-hub", "x"), setMethod("PUT")} {
				wireServe(h, wireRequest(t, "user_text", earlier))
			}
			assert.Equal(t, 1, asked)
		})
	}
}

// The answers to a wrong signature and to an unknown origin are equal, and those to a
// missing signature, whatever the origin.
func TestRefusalsOfVerificationLookAlike(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{ConnectionStrings: []string{wireConnectionString, "Endpoint=https://b.com;AccessKey=x"}})
	type seen struct {
		status int
		header http.Header
		body   string
	}
	for name, edits := range map[string][]func(*http.Request){
		"origin and signature": {
			setOrigin("evil.com"), setOrigin("b.com"), setOrigin(""), signed("sha256=" + strings.Repeat("0", 64)),
			signed(webpubsub.Sign(wireSecondaryKey, wireConnectionID)),
		},
		"header ce-signature is missing": {signed(), both(signed(), setOrigin("evil.com")), both(signed(), setOrigin("b.com"))},
	} {
		var answers []seen
		for _, edit := range edits {
			resp := wireServe(h, wireRequest(t, "user_text", edit))
			answers = append(answers, seen{resp.StatusCode, resp.Header, wireText(t, resp)})
		}
		for _, a := range answers {
			assert.Equal(t, answers[0], a)
		}
		assert.Equal(t, http.StatusUnauthorized, answers[0].status)
		assert.Contains(t, answers[0].body, name)
	}
}

func TestVerifierBesideConnectionStrings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit func(*http.Request)
		err  error
		want int
	}{
		"both accept":            {func(*http.Request) {}, nil, 204},
		"signature alone":        {func(*http.Request) {}, errors.New("x"), 401},
		"verifier alone":         {signed(), nil, 401},
		"neither":                {signed(), errors.New("x"), 401},
		"unknown origin":         {setOrigin("b.com"), nil, 401},
		"verifier, other choice": {func(*http.Request) {}, webpubsub.Forbidden("x"), 403},
	} {
		h := wireHandler(t, webpubsub.Config{
			ConnectionStrings: []string{wireConnectionString},
			Verifier:          verifierFunc(func(*http.Request) error { return tt.err }),
		})
		assert.Equal(t, tt.want, wireServe(h, wireRequest(t, "connected", tt.edit)).StatusCode, name)
	}
}

// bearer is a Verifier of tokens. It is not called for validation requests, which have
// no token.
type bearer struct{ token string }

func (b bearer) Verify(r *http.Request) error {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || subtle.ConstantTimeCompare([]byte(token), []byte(b.token)) != 1 {
		return webpubsub.Unauthorized("bearer token required")
	}
	return nil
}

func TestUE17AndUE122BearerVerifier(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{
		Verifier: bearer{"fixture-token"}, AllowedOrigins: []string{wireOrigin}, Fallback: replyText("ok"),
	})
	assert.Equal(t, http.StatusOK, wireServe(h, wireRequest(t, "user_bearer")).StatusCode)
	for _, wrong := range [][]string{nil, {""}, {"Bearer "}, {"Bearer another"}, {"fixture-token"}, {"Basic fixture-token"}} {
		r := wireRequest(t, "user_bearer", wireHeader("Authorization", wrong...), unreadableBody(t))
		assert.Equal(t, http.StatusUnauthorized, wireServe(h, r).StatusCode, wrong)
	}
	for _, fixture := range []string{"options", "get_fallback"} {
		resp := wireServe(h, wireRequest(t, fixture))
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assertConsent(t, resp, wireOrigin)
	}
}

// A Verifier sees only origins that are allowed: neither AccessKeys nor a Verifier that
// wraps it accepts the key of another origin.
func TestVerifierSeesAllowedOriginsOnly(t *testing.T) {
	t.Parallel()
	const a, b = "a.webpubsub.azure.com", "b.webpubsub.azure.com"
	keys, err := webpubsub.NewAccessKeys("Endpoint=https://"+a+";AccessKey=key-of-a", "Endpoint=https://"+b+";AccessKey=key-of-b")
	require.NoError(t, err)
	crowd := strings.Repeat("x.com,", 15)
	for name, wrap := range map[string]func(*http.Request) error{
		"AccessKeys": keys.Verify,
		"wrapped":    func(r *http.Request) error { return fmt.Errorf("tenant: %w", keys.Verify(r)) },
		"copied":     func(r *http.Request) error { return keys.Verify(r.Clone(r.Context())) },
	} {
		for _, tt := range []struct {
			origins []string
			key     string
			want    int
			seen    []string // the lines of the header
		}{
			{[]string{a}, "key-of-a", 204, []string{a}},
			{[]string{"A.webpubsub.azure.com"}, "key-of-a", 204, []string{"A.webpubsub.azure.com"}},
			{[]string{b + "," + a}, "key-of-a", 204, []string{a}},
			{[]string{b, a + " , " + a}, "key-of-a", 204, []string{a, a}},
			{[]string{a, ","}, "key-of-a", 204, []string{a, ","}},
			{[]string{crowd + a}, "key-of-a", 204, []string{a}},
			{[]string{crowd + "x.com," + a}, "key-of-a", 401, nil},
			{[]string{strings.Repeat(a+",", 17)}, "key-of-a", 204, slices.Repeat([]string{a}, 16)},
			{[]string{b}, "key-of-b", 401, nil},
			{[]string{a + "," + b}, "key-of-b", 401, []string{a}},
			{[]string{b + "," + a}, "key-of-b", 401, []string{a}},
			{[]string{a, b}, "key-of-b", 401, []string{a}},
		} {
			var seen []string
			h := wireHandler(t, webpubsub.Config{
				AllowedOrigins: []string{a},
				Verifier: verifierFunc(func(r *http.Request) error {
					seen = r.Header["Webhook-Request-Origin"]
					if err := wrap(r); errors.Is(err, webpubsub.ErrOrigin) || errors.Is(err, webpubsub.ErrSignature) {
						return err
					}
					return nil
				}),
				OnConnected: func(_ context.Context, ev *webpubsub.ConnectedEvent) error {
					assert.Equal(t, strings.Join(tt.origins, ", "), ev.Origin, "the event keeps what was sent")
					return nil
				},
			})
			r := wireRequest(t, "connected", wireHeader("WebHook-Request-Origin", tt.origins...), signed(textbookSignature(tt.key, wireConnectionID)))
			assert.Equal(t, tt.want, wireServe(h, r).StatusCode, "%s: %s by %s", name, tt.origins, tt.key)
			assert.Equal(t, tt.seen, seen, "%s: %s", name, tt.origins)
		}
	}
}

func TestVerifierPanics(t *testing.T) {
	t.Parallel()
	out, logger := debugLog()
	h := wireHandler(t, webpubsub.Config{
		Verifier:       verifierFunc(func(*http.Request) error { panic("of a verifier") }),
		AllowedOrigins: []string{"*"},
		Fallback:       replyText("ok"),
		Logger:         logger,
	})
	resp := wireServe(h, wireRequest(t, "user_text", unreadableBody(t)))
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Equal(t, "Internal Server Error", wireText(t, resp))
	records := logged(t, out)
	require.Len(t, records, 1)
	assert.Equal(t, "ERROR", records[0]["level"])
	assert.Contains(t, records[0]["stack"], "TestVerifierPanics")

	aborts := wireHandler(t, webpubsub.Config{
		Verifier:       verifierFunc(func(*http.Request) error { panic(http.ErrAbortHandler) }),
		AllowedOrigins: []string{"*"},
	})
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { wireServe(aborts, wireRequest(t, "user_text")) })
}

func TestVerifierErrorThatPanics(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want int
	}{
		"nil pointer": {(*mine)(nil), 401},
		"Error":       {brittle{}, 401},
		"all methods": {hostile{"boom"}, 500},
		"cause":       {webpubsub.Forbidden("no").WithCause(brittle{}), 403},
	} {
		log, logger := debugLog()
		h := wireHandler(t, webpubsub.Config{
			Verifier:       verifierFunc(func(*http.Request) error { return tc.err }),
			AllowedOrigins: []string{"*"},
			Interceptors:   []webpubsub.Interceptor{mustNotRun(t)},
			Logger:         logger,
		})
		assert.Equal(t, tc.want, wireServe(h, wireRequest(t, "user_text", unreadableBody(t))).StatusCode, name)
		assert.Len(t, logged(t, log), 1, name)
	}
}
