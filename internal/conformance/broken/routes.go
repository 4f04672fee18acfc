package broken

import (
	"net/http"

	"github.com/go-webpubsub/webpubsub"
)

// routes are handlers at another URL, for other methods, or for another hub or service.
func (f *factory) routes() map[string]Handler {
	mounted := func(patterns ...string) http.Handler {
		mux := http.NewServeMux()
		for _, pattern := range patterns {
			mux.Handle(pattern, f.right)
		}
		return mux
	}
	const express = `<!DOCTYPE html><html lang="en"><head><title>Error</title></head><body><pre>Cannot POST /eventhandler</pre></body></html>`
	return map[string]Handler{
		"encoded braces": {
			Handler: f.right, Path: "/events/%7Bevent%7D",
			Fails: []string{"url-braces"},
		},
		"another path": {
			Handler: mounted("/api/eventhandler"),
			Fails:   []string{"options-consent"}, Cause: "not-found",
		},
		"slash": {
			Handler: mounted("/eventhandler/{$}"),
			Fails:   []string{"redirect"}, Cause: "redirect-slash", // by net/http
		},
		"slash without a redirect": {
			Handler: f.when(func(r *http.Request) bool { return r.URL.Path != "/eventhandler/" }, http.NotFound),
			Fails:   []string{"options-consent"}, Cause: "slash",
		},
		"literal brace": {
			Handler: f.when(func(r *http.Request) bool { return r.URL.Path != "/events/{event}" }, http.NotFound),
			Path:    "/events/{event}",
			Fails:   []string{"options-consent"}, Cause: "literal-brace",
		},
		"not below its path": {
			Handler: mounted("/events"), Path: "/events/{hub}/{event}",
			Fails: []string{"options-consent"}, Cause: "subpath",
		},
		"for validation only": {
			Handler: mounted("/events/validate"), Path: "/events/{event}",
			Fails: []string{"signed"}, Cause: "not-found",
		},
		"route of POST": {
			Handler: mounted("POST /eventhandler"),
			Fails:   []string{"options-consent"}, Cause: "method",
		},
		"route of OPTIONS": {
			Handler: mounted("OPTIONS /eventhandler", "GET /eventhandler"),
			Fails:   []string{"signed"}, Cause: "method",
		},
		"OPTIONS not found": {
			Handler: f.when(isOptions, http.NotFound),
			Fails:   []string{"options-consent", "origin-list", "origin-case"},
		},
		"another hub": {
			Handler: f.with(func(cfg *webpubsub.Config) { cfg.Hub = "news" }),
			Fails:   []string{"signed"}, Cause: "hub",
		},
		"another hub, passed on to the framework": {
			Handler: f.when(isPost, text(http.StatusNotFound, express, "Content-Type", "text/html")),
			Fails:   []string{"signed"}, Cause: "hub",
		},
		"another service": {
			Handler: f.with(func(cfg *webpubsub.Config) { cfg.ConnectionStrings = []string{OtherConnectionString} }),
			Fails:   []string{"options-consent"}, Cause: "other-origin",
		},
		"another service, by its list": {
			Handler: f.when(isOptions, text(http.StatusOK, "", "WebHook-Allowed-Origin", otherOrigin)),
			Fails:   []string{"options-consent"}, Cause: "other-origin",
		},
		"another service, 400": {
			Handler: f.when(isOptions, text(http.StatusBadRequest, "")),
			Fails:   []string{"options-consent"}, Cause: "other-origin",
		},
	}
}
