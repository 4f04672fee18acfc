package broken

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub"
)

// untrustworthy are handlers that trust requests of strangers.
func (f *factory) untrustworthy() map[string]Handler {
	believing := f.with(func(cfg *webpubsub.Config) {
		cfg.ConnectionStrings, cfg.Verifier = nil, webpubsub.InsecureSkipVerify{}
		cfg.AllowedOrigins = []string{origin}
	})
	return map[string]Handler{
		"no signature check": {Handler: believing, Fails: []string{"signature-missing"}, Cause: "unverified"},
		"signature of any connection": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				id := r.Header.Get("Ce-Connectionid")
				if id != "" && strings.Contains(r.Header.Get("Ce-Signature"), webpubsub.Sign(key, "another connection")) {
					r.Header.Set("ce-signature", webpubsub.Sign(key, id))
				}
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"signature-other-connection"},
		},
		"no origin check of events": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if isPost(r) {
					r.Header.Set("WebHook-Request-Origin", origin)
				}
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"origin-unknown"},
		},
		"consent to every origin": {
			Handler: f.with(func(cfg *webpubsub.Config) { cfg.AllowedOrigins = []string{"*"} }),
			Fails:   []string{"lookalike-origin"}, Cause: "all-origins",
		},
		"origins matched by prefix": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				asked := r.Header.Get("WebHook-Request-Origin")
				if isOptions(r) && strings.HasPrefix(asked, origin) && !strings.Contains(asked, ",") {
					r.Header.Set("WebHook-Request-Origin", origin)
					w = replaceHeader(w, "Webhook-Allowed-Origin", asked)
				}
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"lookalike-origin"},
		},
		"reads the body first": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				body, err := io.ReadAll(io.LimitReader(r.Body, 2<<20))
				if err != nil {
					http.Error(w, "cannot read", http.StatusBadRequest)
					return
				}
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"signature-before-body"},
		},
		"no body limit": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.ContentLength < 0 {
					_, _ = io.Copy(io.Discard, r.Body)
				}
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"body-limit"},
		},
		"500 for bad requests": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				next.ServeHTTP(replaceStatus(w, http.StatusBadRequest, http.StatusInternalServerError), r)
			}),
			Fails: []string{"signature-other-connection", "malformed-connect"},
		},
		"a panic for bad requests": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				next.ServeHTTP(panicsOn(w, http.StatusBadRequest), r)
			}),
			Fails: []string{"signature-other-connection", "malformed-connect"}, Cause: "panic",
		},
	}
}
