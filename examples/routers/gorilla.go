package routers

import (
	"net/http"

	"github.com/gorilla/mux"
)

// Gorilla mounts the handler in gorilla/mux.
func Gorilla(h http.Handler) http.Handler {
	r := mux.NewRouter()
	// Without Methods the route is for all of them.
	r.HandleFunc("/webhooks/{tenant}", func(w http.ResponseWriter, r *http.Request) {
		// gorilla keeps its variables in the request's context, where only
		// mux.Vars finds them.
		r.SetPathValue("tenant", mux.Vars(r)["tenant"])
		h.ServeHTTP(w, r)
	})
	return r
}
