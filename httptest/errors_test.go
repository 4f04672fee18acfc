package httptest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/httptest"
)

// Errors quote and cut an answer's text, so that it cannot disturb a test's output.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	long := "line\n" + strings.Repeat("é", 5000)
	for name, body := range map[string]string{"rejected": long, "unusable": `{"subprotocol":"` + strings.Repeat("é", 5000) + `"}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status := map[string]int{"rejected": 403, "unusable": 200}[name]
			_, err := httptest.New(answers(status, "", body), nil).Connect(t.Context(), nil)
			require.Error(t, err)
			assert.True(t, strings.HasPrefix(err.Error(), "httptest: "))
			assert.Less(t, len(err.Error()), 1000)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
	cause := errors.New("cause")
	for _, err := range []error{
		&httptest.RejectedError{Event: "connect", Status: 401},
		&httptest.InvalidAnswerError{Event: "connect", Reason: "why"},
		&httptest.DeliveryError{Event: "connect", Err: cause},
		&httptest.NoConsentError{Method: "OPTIONS", Status: 200},
	} {
		assert.True(t, strings.HasPrefix(err.Error(), "httptest: "))
	}
	require.ErrorIs(t, &httptest.DeliveryError{Err: cause}, cause)
}

// Errors contain the beginning of a refusal's text.
func TestErrorsQuoteRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&httptest.RejectedError{Event: "say", Status: 409, Body: []byte("the price is already 12\n")}, `httptest: say event rejected with 409 Conflict: "the price is already 12"`},
		{&httptest.RejectedError{Event: "say\nPASS", Status: 400, Body: []byte(strings.Repeat("x", 200))}, `httptest: say PASS event rejected with 400 Bad Request: "` + strings.Repeat("x", 128) + `…"`},
		{&httptest.NoConsentError{Method: "OPTIONS", Status: 200, Body: []byte("no consent: compare the origins")}, `httptest: no consent: the answer to OPTIONS has no header WebHook-Allowed-Origin: "no consent: compare the origins"`},
		{&httptest.NoConsentError{Method: "GET", Status: 404, Body: []byte(strings.Repeat("x", 200))}, `httptest: no consent: GET was answered with 404, want 2xx: "` + strings.Repeat("x", 128) + `…"; nothing is served at this URL: compare it with the handler's route`},
	} {
		require.EqualError(t, tc.err, tc.want)
	}
}
