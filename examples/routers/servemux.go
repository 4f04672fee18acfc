package routers

import "net/http"

// ServeMux mounts the handler in the router of net/http.
func ServeMux(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	// No method in the pattern: "POST /webhooks/{tenant}" excludes validation requests.
	mux.Handle("/webhooks/{tenant}", h)
	return mux
}
