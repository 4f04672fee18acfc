package routers

import (
	"net/http"

	"github.com/gorilla/mux"
)

// Gorilla mounts the handler in gorilla/mux.
func Gorilla(h http.Handler) http.Handler {
	r := mux.NewRouter()
	// Without Methods, the route matches all methods.
	r.HandleFunc("/webhooks/{tenant}", func(w http.ResponseWriter, r *http.Request) {
		// gorilla has its variables in the context of the request.
		r.SetPathValue("tenant", mux.Vars(r)["tenant"])
		h.ServeHTTP(w, r)
	})
	return r
}
