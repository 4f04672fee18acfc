package broken

import (
	"net/http"
	"strings"
)

// imprecise are handlers that read requests against the protocol.
func (f *factory) imprecise() map[string]Handler {
	header := func(name string) func(*http.Request) string {
		return func(r *http.Request) string { return strings.Join(r.Header[name], "|") }
	}
	origin, contentType := header("Webhook-Request-Origin"), header("Content-Type")
	return map[string]Handler{
		"origins compared with case": {
			Handler: f.when(func(r *http.Request) bool { return origin(r) != strings.ToLower(origin(r)) }, text(http.StatusOK, "")),
			Fails:   []string{"origin-case"},
		},
		"no lists of origins": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if strings.Contains(origin(r), ",") {
					r.Header.Set("WebHook-Request-Origin", "nobody.test")
				}
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"origin-list", "event-origins"},
		},
		"no GET": {
			Handler: f.when(func(r *http.Request) bool { return r.Method == http.MethodGet }, http.NotFound),
			Fails:   []string{"get-consent"},
		},
		"no rate": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				next.ServeHTTP(replaceHeader(w, "Webhook-Allowed-Rate", ""), r)
			}),
			Fails: []string{"allowed-rate"},
		},
		"hubs compared with case": {
			Handler: f.when(func(r *http.Request) bool { return isPost(r) && r.Header.Get("Ce-Hub") == "CHAT" }, http.NotFound),
			Fails:   []string{"hub-case"},
		},
		"any method": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if !isOptions(r) && r.Method != http.MethodGet {
					r.Method = http.MethodPost
				}
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"method"},
		},
		"no event without a body": {
			Handler: f.when(func(r *http.Request) bool { return isPost(r) && r.ContentLength == 0 }, text(http.StatusBadRequest, "empty")),
			Fails:   []string{"connected-empty-body"},
		},
		"known types only": {
			Handler: f.when(named("renamed"), text(http.StatusNotImplemented, "unknown")),
			Fails:   []string{"presence-unknown", "retry"}, Cause: "retry",
		},
		"known headers only": {
			Handler: f.when(func(r *http.Request) bool { return r.Header.Get("Ce-Future") != "" }, text(http.StatusBadRequest, "unknown header")),
			Fails:   []string{"unknown-members"},
		},
		"media types compared as text": {
			Handler: f.when(func(r *http.Request) bool {
				return strings.HasPrefix(header("Ce-Type")(r), "azure.webpubsub.user.") && strings.ContainsAny(contentType(r), "; T")
			}, text(http.StatusUnsupportedMediaType, "unsupported")),
			Fails: []string{"media-type"},
		},
		"no MQTT payloads": {
			Handler: f.when(func(r *http.Request) bool { return strings.HasPrefix(contentType(r), "image/") }, text(http.StatusUnsupportedMediaType, "unsupported")),
			Fails:   []string{"mqtt-media-type"},
		},
	}
}
