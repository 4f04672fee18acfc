package upstream

import "net/http"

// Hint returns the most likely cause of the answer and its remedy; empty if there
// is no likely one.
func (e *NoConsentError) Hint() string {
	switch {
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden, e.Status >= 300 && e.Status < 400:
		return "something in front of the handler asks for a login or redirects: let OPTIONS through without credentials, as the service sends none"
	case e.Status == http.StatusNotFound:
		return "nothing is served at this URL: compare it with the handler's route"
	case e.Status == http.StatusMethodNotAllowed:
		return "the handler's route excludes OPTIONS: mount the handler for all methods"
	case e.Status >= 200 && e.Status < 300 && len(e.AllowedOrigins) == 0 && len(e.Body) == 0:
		return "something in front of the handler, such as a CORS middleware, answers OPTIONS itself"
	}
	return ""
}
