package httptest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/httptest"
)

// What commonly stands in front of a handler is named where its maker looks: in
// the errors of Validate and CheckHandler.
func TestWhatStandsInFrontOfAHandler(t *testing.T) {
	t.Parallel()
	h := newHandler(t, fullConfig())
	post := http.NewServeMux()
	post.Handle("POST /eventhandler", h)
	for name, tt := range map[string]struct {
		handler http.Handler
		want    string
	}{
		"login": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, _, ok := r.BasicAuth(); !ok {
				http.Error(w, "login first", http.StatusUnauthorized)
				return
			}
			h.ServeHTTP(w, r)
		}), "asks for a login or redirects"},
		"login page": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				http.Redirect(w, r, "/login", http.StatusFound)
				return
			}
			h.ServeHTTP(w, r)
		}), "asks for a login or redirects"},
		"CORS": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			if r.Method == http.MethodOptions {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			h.ServeHTTP(w, r)
		}), "such as a CORS middleware"},
		"route of POST": {post, "mount the handler for all methods"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var denied *httptest.NoConsentError
			err := httptest.New(tt.handler, nil).Validate(t.Context())
			require.ErrorAs(t, err, &denied)
			assert.Contains(t, err.Error(), tt.want)

			var broken *httptest.CheckError
			require.ErrorAs(t, httptest.CheckHandler(t.Context(), tt.handler, nil), &broken)
			assert.Equal(t, "options-consent", broken.ID)
			assert.Contains(t, broken.Error(), tt.want)
		})
	}
}
