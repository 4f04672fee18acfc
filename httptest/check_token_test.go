package httptest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/entra"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// tokenHandler is a handler of an identity's events, and the checks that it fails.
type tokenHandler struct {
	connectionStrings []string
	verifier          webpubsub.Verifier
	fails             []string
}

// tokenHandlers verify tokens, rightly and wrongly.
func tokenHandlers(t *testing.T, id *httptest.Identity) map[string]tokenHandler {
	t.Helper()
	keys, err := webpubsub.NewAccessKeys(httptest.ConnectionString)
	require.NoError(t, err)
	tokens := newTokens(t, entraConfig(id))
	anyCaller := entraConfig(id)
	anyCaller.CallerObjectIDs, anyCaller.AnyCallerOfTenant = nil, true
	anyAudience := verifier(func(r *http.Request) error {
		err := tokens.Verify(r)
		var broken *entra.Error
		if errors.As(err, &broken) && broken.Rule == entra.RuleAudience {
			return nil
		}
		return err
	})
	return map[string]tokenHandler{
		"token and signature": {[]string{httptest.ConnectionString}, tokens, nil},
		"token alone":         {nil, tokens, nil},
		"either":              {nil, webpubsub.AnyVerifier{keys, tokens}, nil},
		"signature alone":     {[]string{httptest.ConnectionString}, nil, []string{"token-missing", "token-forged", "token-before-body", "token-issuer", "token-audience", "token-time", "token-caller"}},
		"any caller":          {[]string{httptest.ConnectionString}, newTokens(t, anyCaller), []string{"token-caller"}},
		"any audience":        {nil, anyAudience, []string{"token-audience"}},
		"the token's first part": {nil, verifier(func(r *http.Request) error {
			if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") {
				return webpubsub.Unauthorized("no token")
			}
			return nil
		}), []string{"token-scheme", "token-missing", "token-forged", "token-issuer", "token-audience", "token-time", "token-caller"}},
	}
}

func TestCheckHandlerWithIdentity(t *testing.T) {
	t.Parallel()
	id := httptest.NewIdentity(appURI, 2)
	for name, tt := range tokenHandlers(t, id) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := fullConfig()
			cfg.ConnectionStrings, cfg.Verifier, cfg.AllowedOrigins = tt.connectionStrings, tt.verifier, []string{"localhost"}
			assert.Equal(t, tt.fails, failedChecks(t, newHandler(t, cfg), &httptest.Options{Identity: id}))
		})
	}
}

type verifier func(*http.Request) error

func (f verifier) Verify(r *http.Request) error { return f(r) }
