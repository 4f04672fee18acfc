// Package rest serves the data plane's REST API, all 25 operations of API
// version 2024-12-01, on the hubs of the emulator.
package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// versions that the service has had; all are served alike.
var versions = []string{"2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01", latest}

const latest = "2024-12-01"

// API serves /api/.
type API struct {
	// Hub gives a hub by a valid name, whatever its case.
	Hub  func(name string) *hub.Hub
	Keys *token.Keys
	// Bases are the URLs, scheme and host, under which a request may have been
	// made; tokens are made out to one of them.
	Bases func(r *http.Request) []string
	// Trust, if set, accepts requests whose token the keys did not sign: a stand-in
	// for Entra ID.
	Trust func(bearer string) bool
	Trace *trace.Stream

	pages pager
}

// operation serves one operation for a hub. The parameters of the path have been
// checked.
type operation func(w http.ResponseWriter, r *http.Request, h *hub.Hub)

// Handler returns the routes. Names in the path are decoded segment by segment.
func (a *API) Handler() http.Handler {
	a.pages = newPager()
	supported := strings.Join(versions, ", ")
	mux := http.NewServeMux()
	// The service knows HEAD; GET beside it is for whoever looks with a browser.
	mux.HandleFunc("GET /api/health", func(w http.ResponseWriter, r *http.Request) {
		if readQuery(w, r) {
			w.WriteHeader(http.StatusOK)
		}
	})
	for pattern, op := range map[string]operation{
		"POST :send":                                               a.sendToAll,
		"POST groups/{group}/:send":                                a.sendToGroup,
		"POST users/{user}/:send":                                  a.sendToUser,
		"POST connections/{connection}/:send":                      a.sendToConnection,
		"POST :closeConnections":                                   a.closeAll,
		"POST groups/{group}/:closeConnections":                    a.closeGroup,
		"POST users/{user}/:closeConnections":                      a.closeUser,
		"DELETE connections/{connection}":                          a.closeConnection,
		"HEAD connections/{connection}":                            a.connectionExists,
		"HEAD groups/{group}":                                      a.groupExists,
		"HEAD users/{user}":                                        a.userExists,
		"GET groups/{group}/connections":                           a.listGroup,
		"PUT groups/{group}/connections/{connection}":              a.addConnection,
		"DELETE groups/{group}/connections/{connection}":           a.removeConnection,
		"PUT users/{user}/groups/{group}":                          a.addUser,
		"DELETE users/{user}/groups/{group}":                       a.removeUser,
		"DELETE users/{user}/groups":                               a.removeUserFromAll,
		"DELETE connections/{connection}/groups":                   a.removeConnectionFromAll,
		"POST :addToGroups":                                        a.addToGroups,
		"POST :removeFromGroups":                                   a.removeFromGroups,
		"PUT permissions/{permission}/connections/{connection}":    a.grant,
		"DELETE permissions/{permission}/connections/{connection}": a.revoke,
		"HEAD permissions/{permission}/connections/{connection}":   a.hasPermission,
		"POST :generateToken":                                      a.generateToken,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /api/hubs/{hub}/"+path, a.serve(op))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Supported-Versions", supported)
		if !isPlain(r.URL.EscapedPath()) {
			http.NotFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// isPlain tells whether a path is free of empty and dot segments. The mux would
// redirect those to some other operation; the service has none for them.
func isPlain(escapedPath string) bool {
	for segment := range strings.SplitSeq(strings.TrimPrefix(escapedPath, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// serve authorises a request and checks what all operations have in common.
func (a *API) serve(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := a.authorise(r); err != nil {
			trace.Emit(r.Context(), a.Trace, trace.RESTCall{Method: r.Method, Path: r.URL.Path, Status: http.StatusUnauthorized, Refused: err.Error()})
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if !readQuery(w, r) {
			return
		}
		for _, check := range pathChecks {
			if strings.Contains(r.Pattern, "{"+check.name+"}") && !check.ok(r.PathValue(check.name)) {
				writeProblem(w, check.field, check.rule)
				return
			}
		}
		start := time.Now()
		rec := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		op(rec, r, a.Hub(r.PathValue("hub")))
		trace.Emit(r.Context(), a.Trace, trace.RESTCall{Method: r.Method, Path: r.URL.Path, Status: rec.status, Took: time.Since(start)})
	}
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// readQuery refuses a query that cannot be read whole, since what is left of it
// would mean something else, and an API version that the service has not had.
// Without a version it is the latest.
func readQuery(w http.ResponseWriter, r *http.Request) bool {
	const name = "api-version"
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		writeProblem(w, inBody, "The query cannot be read.")
		return false
	}
	given := q[name]
	switch {
	case len(given) > 1:
		writeProblem(w, name, "The API version stands more than once.")
	case len(given) == 1 && !slices.Contains(versions, given[0]):
		writeProblem(w, name, fmt.Sprintf("The API version '%.64s' is not supported, want one of %s.", given[0], strings.Join(versions, ", ")))
	default:
		return true
	}
	return false
}

// authorise wants a token made out to the request's URL.
func (a *API) authorise(r *http.Request) error {
	bearer := token.Bearer(r.Header)
	var resources []string
	for _, base := range a.Bases(r) {
		_, host, _ := strings.Cut(base, "://")
		resources = append(resources, host+r.URL.EscapedPath(), host+r.URL.Path)
	}
	_, err := a.Keys.VerifyFor(bearer, a.Bases(r)[0]+r.URL.EscapedPath(), func(audience string) bool {
		return slices.ContainsFunc(resources, func(resource string) bool { return covers(audience, resource) })
	})
	if err != nil && a.Trust != nil && bearer != "" && a.Trust(bearer) {
		return nil
	}
	return err
}

// covers reports whether a token's audience is a resource, given without scheme,
// or begins with it: the service looks at the scheme as little as at the query,
// and takes what is below a resource for the resource.
func covers(audience, resource string) bool {
	scheme, rest, _ := strings.Cut(audience, "://")
	switch strings.ToLower(scheme) {
	case "http", "https", "ws", "wss":
	default:
		return false
	}
	if len(rest) < len(resource) || !strings.EqualFold(rest[:len(resource)], resource) {
		return false
	}
	rest = rest[len(resource):]
	return rest == "" || rest[0] == '/' || rest[0] == '?'
}
