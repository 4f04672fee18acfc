package broken

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/connstr"
)

// keys are handlers that verify signatures in the wrong way, or with the wrong key.
func (f *factory) keys() map[string]Handler {
	decoded, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		f.err = err
	}
	of := func(keys ...string) http.Handler {
		return f.with(func(cfg *webpubsub.Config) {
			cfg.ConnectionStrings = nil
			for _, k := range keys {
				cfg.ConnectionStrings = append(cfg.ConnectionStrings, strings.Replace(ConnectionString, key, k, 1))
			}
		})
	}
	return map[string]Handler{
		"wrong key": {Handler: of("wrong"), Fails: []string{"signed"}, Cause: "wrong-key"},
		"the emulator's key": {
			Handler: of(connstr.EmulatorKey),
			Fails:   []string{"signed"}, Cause: "other-key",
		},
		"key of another service": {
			Handler: of(otherKey),
			Fails:   []string{"signed"}, Cause: "other-key",
		},
		"keys of several services for one": {
			Handler: of(key, otherKey),
			Fails:   []string{"signature-other-service"}, NeedsOther: true,
		},
		"the emulator's key, too": {
			Handler: of(key, connstr.EmulatorKey),
			Fails:   []string{"signature-other-service"},
		},
		"key decoded from base64": {
			Handler: f.verifying(func(id string) []string { return []string{webpubsub.Sign(string(decoded), id)} }),
			Fails:   []string{"signed"}, Cause: "decoded-key",
		},
		"ce-signature as one signature": {
			Handler: f.verifying(func(id string) []string { return []string{webpubsub.Sign(key, id)} }),
			Fails:   []string{"signed"}, Cause: "one-token",
		},
		"upper case only": {
			Handler: f.verifying(func(id string) []string {
				return []string{"sha256=" + strings.ToUpper(strings.TrimPrefix(webpubsub.Sign(key, id), "sha256="))}
			}),
			Fails: []string{"signed"}, Cause: "signature-case",
		},
		"tokens of Entra ID only": {
			Handler: f.when(isPost, text(http.StatusUnauthorized, "", "WWW-Authenticate", "Bearer")),
			Fails:   []string{"signed"}, Cause: "bearer",
		},
		"signatures only if there are any": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if isPost(r) && r.Header.Get("Ce-Signature") == "" {
					r.Header.Set("ce-signature", webpubsub.Sign(key, r.Header.Get("Ce-Connectionid")))
				}
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"signature-missing"}, Cause: "optional-signature",
		},
		"signatures by their beginning": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				id := r.Header.Get("Ce-Connectionid")
				if got := r.Header.Get("Ce-Signature"); strings.HasPrefix(got, webpubsub.Sign(key, id)[:15]) {
					r.Header.Set("ce-signature", webpubsub.Sign(key, id))
				}
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"signature-wrong"},
		},
		"first token only": {
			Handler: f.editing(func(lines []string) []string {
				first, _, _ := strings.Cut(lines[0], ",")
				return []string{first}
			}),
			Fails: []string{"signature-second", "signature-lines"},
		},
		"first line only": {
			Handler: f.editing(func(lines []string) []string { return lines[:1] }),
			Fails:   []string{"signature-lines"}, Cause: "first-line",
		},
		"a line is a token": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				id := r.Header.Get("Ce-Connectionid")
				if isPost(r) && !slices.Contains(r.Header["Ce-Signature"], webpubsub.Sign(key, id)) {
					http.Error(w, "bad signature", http.StatusForbidden)
					return
				}
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"signed"}, Cause: "joined-signature",
		},
		"spaces not trimmed": {
			Handler: f.editing(untrimmed),
			Fails:   []string{"signature-lines"}, Cause: "joined-signature",
		},
		"proxy that joins signatures": {
			Handler: f.editing(func(lines []string) []string { return untrimmed([]string{strings.Join(lines, ", ")}) }),
			Fails:   []string{"signature-lines"}, Cause: "joined-signature",
		},
		"digests compared with case": {
			Handler: f.when(func(r *http.Request) bool {
				s := r.Header.Get("Ce-Signature")
				return s != strings.ToLower(s)
			}, text(http.StatusUnauthorized, "bad signature")),
			Fails: []string{"signature-upper-case"},
		},
	}
}

// untrimmed returns the tokens that a handler sees that splits lines at commas only.
func untrimmed(lines []string) (tokens []string) {
	for _, line := range lines {
		for token := range strings.SplitSeq(line, ",") {
			if !strings.HasPrefix(token, " ") {
				tokens = append(tokens, token)
			}
		}
	}
	return tokens
}

// verifying returns a handler that accepts an event only if its ce-signature is one of
// the texts.
func (f *factory) verifying(accepted func(connectionID string) []string) http.Handler {
	return f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		id := r.Header.Get("Ce-Connectionid")
		if isPost(r) && !slices.Contains(accepted(id), r.Header.Get("Ce-Signature")) {
			http.Error(w, "bad signature", http.StatusForbidden)
			return
		}
		r.Header.Set("ce-signature", webpubsub.Sign(key, id))
		next.ServeHTTP(w, r)
	})
}

// editing returns a handler that gets changed lines of ce-signature.
func (f *factory) editing(change func([]string) []string) http.Handler {
	return f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if lines := r.Header["Ce-Signature"]; len(lines) > 0 {
			r.Header["Ce-Signature"] = change(lines)
		}
		next.ServeHTTP(w, r)
	})
}
