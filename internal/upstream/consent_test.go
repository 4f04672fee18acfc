package upstream_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

type step struct {
	status  int
	allowed []string
}

// validate runs a validation against prepared answers and returns the methods of
// the requests.
func validate(t *testing.T, origins []string, steps ...step) (methods []string, err error) {
	t.Helper()
	s := upstream.Sender{Retry: true, Transport: transport(func(req *http.Request) (*http.Response, error) {
		next := steps[min(len(methods), len(steps)-1)]
		methods = append(methods, req.Method)
		resp := response(next.status, "why")
		resp.Header["Webhook-Allowed-Origin"] = next.allowed
		return resp, nil
	})}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, "http://app.test/events", nil)
	require.NoError(t, err)
	err = s.Validate(t.Context(), req, origins)
	return methods, err
}

func TestUE18to22Consent(t *testing.T) {
	t.Parallel()
	const own = "emulator.example.test"
	tests := map[string]struct {
		steps   []step
		methods []string
		ok      bool
	}{
		"star":                    {[]step{{200, []string{"*"}}}, []string{"OPTIONS"}, true},
		"host in other case":      {[]step{{202, []string{"EMULATOR.example.TEST"}}}, []string{"OPTIONS"}, true},
		"404, then GET":           {[]step{{404, nil}, {200, []string{"*"}}}, []string{"OPTIONS", "GET"}, true},
		"404 twice":               {[]step{{404, nil}, {404, []string{"*"}}}, []string{"OPTIONS", "GET"}, false},
		"404 with consent":        {[]step{{404, []string{"*"}}, {200, nil}}, []string{"OPTIONS", "GET"}, false},
		"405":                     {[]step{{405, []string{"*"}}}, []string{"OPTIONS"}, false},
		"401":                     {[]step{{401, []string{"*"}}}, []string{"OPTIONS"}, false},
		"no header":               {[]step{{200, nil}}, []string{"OPTIONS"}, false},
		"other host":              {[]step{{200, []string{"other.example.test"}}}, []string{"OPTIONS"}, false},
		"list in one line":        {[]step{{200, []string{"other.example.test, emulator.example.test"}}}, []string{"OPTIONS"}, false},
		"second line":             {[]step{{200, []string{"other.example.test", own}}}, []string{"OPTIONS"}, true},
		"pattern":                 {[]step{{200, []string{"*.example.test"}}}, []string{"OPTIONS"}, false},
		"redirect":                {[]step{{301, []string{"*"}}}, []string{"OPTIONS"}, false},
		"one of the other origin": {[]step{{200, []string{"replica.example.test"}}}, []string{"OPTIONS"}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			methods, err := validate(t, []string{own, "replica.example.test"}, test.steps...)
			assert.Equal(t, test.methods, methods)
			if test.ok {
				require.NoError(t, err)
				return
			}
			var denied *upstream.NoConsentError
			require.ErrorAs(t, err, &denied)
			last := test.steps[len(test.steps)-1]
			assert.Equal(t, last.status, denied.Status)
			assert.Equal(t, test.methods[len(test.methods)-1], denied.Method)
			assert.Equal(t, last.allowed, denied.AllowedOrigins)
			assert.Equal(t, "why", string(denied.Body))
			assert.NotEmpty(t, denied.Error())
		})
	}
}

func TestUE23ValidationIsRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		methods, err := validate(t, []string{"a.test"}, step{503, nil}, step{200, []string{"*"}})
		require.NoError(t, err)
		assert.Equal(t, []string{"OPTIONS", "OPTIONS"}, methods)
	})
}

func TestUE26ValidationTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := upstream.Sender{Retry: true, Transport: transport(func(req *http.Request) (*http.Response, error) {
			calls++
			<-req.Context().Done()
			return nil, req.Context().Err()
		})}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, "http://app.test/events", nil)
		require.NoError(t, err)
		start := time.Now()
		require.ErrorIs(t, s.Validate(t.Context(), req, []string{"a.test"}), upstream.ErrTimeout)
		assert.Equal(t, 1, calls)
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}

// Errors contain the first 128 bytes of a refusal's text, quoted, on one line.
func TestRefusalTexts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  upstream.NoConsentError
		want string
	}{
		"status":       {upstream.NoConsentError{Method: "GET", Status: 404, Body: []byte("no such page\n")}, `no consent: GET was answered with 404, want 2xx: "no such page"; nothing is served at this URL: compare it with the handler's route`},
		"no header":    {upstream.NoConsentError{Method: "OPTIONS", Status: 200, Body: []byte(`none of "localhost"`)}, `no consent: the answer to OPTIONS has no header WebHook-Allowed-Origin: "none of \"localhost\""`},
		"other origin": {upstream.NoConsentError{Method: "OPTIONS", Status: 200, AllowedOrigins: []string{"a"}, Body: []byte("x\r\nlevel=INFO")}, `no consent: no line WebHook-Allowed-Origin of the answer to OPTIONS is * or the origin, it has "a": "x  level=INFO"`},
		"no text":      {upstream.NoConsentError{Method: "OPTIONS", Status: 400, Body: []byte(" \n")}, `no consent: OPTIONS was answered with 400, want 2xx`},
		"long":         {upstream.NoConsentError{Method: "OPTIONS", Status: 400, Body: []byte(strings.Repeat("ü", 1<<20))}, `no consent: OPTIONS was answered with 400, want 2xx: "` + strings.Repeat("ü", 64) + `…"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.EqualError(t, &test.err, test.want)
		})
	}
}

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
