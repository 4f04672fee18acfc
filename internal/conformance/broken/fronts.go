package broken

import (
	"net/http"
	"strings"
)

const page = "<!DOCTYPE html><title>Shop</title><div id=root></div>"

// fronts are what answers in front of a handler.
func (f *factory) fronts() map[string]Handler {
	return map[string]Handler{
		"login": {
			Handler: f.when(isAny, text(http.StatusUnauthorized, "login first", "WWW-Authenticate", `Basic realm="shop"`)),
			Fails:   []string{"options-consent"}, Cause: "login",
		},
		"login before OPTIONS": {
			Handler: f.when(notPost, text(http.StatusUnauthorized, "who are you?")),
			Fails:   []string{"options-consent"}, Cause: "login",
		},
		"login before POST": {
			Handler: f.when(isPost, text(http.StatusUnauthorized, page, "Content-Type", "text/html")),
			Fails:   []string{"signed"}, Cause: "login",
		},
		"login page": {
			Handler: http.RedirectHandler("/login?returnUrl=%2Feventhandler", http.StatusFound),
			Fails:   []string{"redirect"}, Cause: "login",
		},
		"redirect to https": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				host, _, _ := strings.Cut(r.Host, ":")
				http.Redirect(w, r, "https://"+host+r.URL.Path, http.StatusMovedPermanently)
			}),
			Fails: []string{"redirect"}, Cause: "redirect-https",
		},
		"redirect to the slash": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				http.Redirect(w, r, r.URL.Path+"/", http.StatusPermanentRedirect)
			}),
			Fails: []string{"redirect"}, Cause: "redirect-slash",
		},
		"redirect elsewhere": {
			Handler: http.RedirectHandler("https://www.example.test/?code=s3cr3t", http.StatusFound),
			Fails:   []string{"redirect"}, Cause: "redirect",
		},
		"redirect of events": {
			Handler: f.when(isPost, http.RedirectHandler("/elsewhere", http.StatusSeeOther).ServeHTTP),
			Fails:   []string{"signed"}, Cause: "redirect",
		},
		"CORS": {
			Handler: f.when(isOptions, text(http.StatusNoContent, "", "Access-Control-Allow-Origin", "*")),
			Fails:   []string{"options-consent"}, Cause: "cors",
		},
		"OPTIONS by the framework": {
			Handler: f.when(isOptions, text(http.StatusOK, "", "Allow", "OPTIONS, POST")),
			Fails:   []string{"options-consent"}, Cause: "options-answered",
		},
		"page for all paths": {
			Handler: f.when(isAny, text(http.StatusOK, page, "Content-Type", "text/html; charset=utf-8")),
			Fails:   []string{"options-consent"}, Cause: "page",
		},
		"proxy without a handler": {
			Handler: f.when(isAny, text(http.StatusBadGateway, "bad gateway", "Server", "nginx")),
			Fails:   []string{"options-consent"}, Cause: "gateway",
		},
		"rate limit": {
			Handler: f.when(isPost, text(http.StatusTooManyRequests, "slow down")),
			Fails:   []string{"signed"}, Cause: "rate-limit",
		},
		"header limit": {
			Handler: f.when(isPost, text(http.StatusRequestHeaderFieldsTooLarge, "")),
			Fails:   []string{"signed"}, Cause: "header-limit",
		},
		"proxy that removes the origin": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				r.Header.Del("WebHook-Request-Origin")
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"options-consent"}, Cause: "header-stripped",
		},
		"proxy that removes the consent": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				next.ServeHTTP(replaceHeader(w, "Webhook-Allowed-Origin", ""), r)
			}),
			Fails: []string{"options-consent"}, Cause: "header-stripped",
		},
		"proxy that removes the signature": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				r.Header.Del("ce-signature")
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"signed"}, Cause: "header-stripped",
		},
		"proxy that joins header lines": {
			Handler: f.when(isOptions, text(http.StatusOK, "", "WebHook-Allowed-Origin", otherOrigin+", "+origin)),
			Fails:   []string{"options-consent"}, Cause: "joined",
		},
	}
}
