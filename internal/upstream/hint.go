package upstream

import "net/http"

// Hint says what most likely stands in front of a handler that answered so, and
// what to do about it. It is empty if the answer leaves that open.
func (e *NoConsentError) Hint() string {
	switch {
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden, e.Status >= 300 && e.Status < 400:
		return "something in front of the handler asks for a login or redirects, and has to let validation requests through: they come by OPTIONS and bring no credentials"
	case e.Status == http.StatusNotFound:
		return "nothing is served at this URL: compare it with the handler's route"
	case e.Status == http.StatusMethodNotAllowed:
		return "the handler's route leaves out OPTIONS: mount the handler for all methods"
	case e.Status >= 200 && e.Status < 300 && len(e.AllowedOrigins) == 0 && len(e.Body) == 0:
		return "something in front of the handler, such as a CORS middleware, answers OPTIONS in its place"
	}
	return ""
}
