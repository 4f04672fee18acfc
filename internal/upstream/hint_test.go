package upstream_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

func TestHint(t *testing.T) {
	t.Parallel()
	const (
		login = "; something in front of the handler asks for a login or redirects: let OPTIONS through without credentials, as the service sends none"
		cors  = "; something in front of the handler, such as a CORS middleware, answers OPTIONS itself"
		route = "; the handler's route excludes OPTIONS: mount the handler for all methods"
	)
	for name, tt := range map[string]struct {
		err  upstream.NoConsentError
		want string
	}{
		"login":             {upstream.NoConsentError{Method: "OPTIONS", Status: 401}, "no consent: OPTIONS was answered with 401, want 2xx" + login},
		"forbidden":         {upstream.NoConsentError{Method: "GET", Status: 403}, "no consent: GET was answered with 403, want 2xx" + login},
		"redirect to login": {upstream.NoConsentError{Method: "OPTIONS", Status: 302}, "no consent: OPTIONS was answered with 302, want 2xx" + login},
		"method":            {upstream.NoConsentError{Method: "OPTIONS", Status: 405}, "no consent: OPTIONS was answered with 405, want 2xx" + route},
		"CORS":              {upstream.NoConsentError{Method: "OPTIONS", Status: 204}, "no consent: the answer to OPTIONS has no header WebHook-Allowed-Origin" + cors},
		"other origin":      {upstream.NoConsentError{Method: "OPTIONS", Status: 200, AllowedOrigins: []string{"a.test"}}, `no consent: no line WebHook-Allowed-Origin of the answer to OPTIONS is * or the origin, it has "a.test"`},
		"not found":         {upstream.NoConsentError{Method: "GET", Status: 404}, "no consent: GET was answered with 404, want 2xx; nothing is served at this URL: compare it with the handler's route"},
		"server error":      {upstream.NoConsentError{Method: "OPTIONS", Status: 500}, "no consent: OPTIONS was answered with 500, want 2xx"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.EqualError(t, &tt.err, tt.want)
		})
	}
	own := upstream.NoConsentError{Method: "OPTIONS", Status: 200, Body: []byte("none of the origins is allowed here")}
	assert.Empty(t, own.Hint(), "the handler says why by itself")
}
