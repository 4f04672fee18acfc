package routers

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Chi mounts the handler in chi, which sets the path values.
func Chi(h http.Handler) http.Handler {
	r := chi.NewRouter()
	r.Handle("/webhooks/{tenant}", h) // Handle routes all methods
	return r
}
