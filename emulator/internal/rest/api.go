// Package rest serves the REST API of the data plane, all 25 operations of API
// version 2024-12-01, for the hubs of the emulator.
package rest

import (
	"cmp"
	"context"
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

// versions are the API versions of the service. All are served alike.
var versions = []string{"2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01", latest}

const latest = "2024-12-01"

// API serves /api/.
type API struct {
	// Hub returns the hub of a valid name, regardless of case.
	Hub  func(name string) *hub.Hub
	Keys *token.Keys
	// TrustTokens accepts any token, in place of Entra ID.
	TrustTokens bool
	Trace       *trace.Stream
	Tracer      trace.Tracer

	pages pager
}

// operation serves one operation of a hub, after the parameters of the path are
// checked. The body of the request ends with an error after maxBody bytes.
type operation func(r *http.Request, h *hub.Hub) *answer

// Handler returns the handler of all operations. It decodes the path by segments.
func (a *API) Handler() http.Handler {
	a.pages = newPager()
	supported := strings.Join(versions, ", ")
	mux := http.NewServeMux()
	// The service has HEAD only; GET is for browsers.
	mux.HandleFunc("GET /api/health", func(w http.ResponseWriter, r *http.Request) {
		cmp.Or(checkQuery(r), &answer{status: http.StatusOK}).write(w)
	})
	for pattern, op := range map[string]operation{
		"POST :send":                                               a.send,
		"POST groups/{group}/:send":                                a.send,
		"POST users/{user}/:send":                                  a.send,
		"POST connections/{connection}/:send":                      a.send,
		"POST :closeConnections":                                   a.closeConnections,
		"POST groups/{group}/:closeConnections":                    a.closeConnections,
		"POST users/{user}/:closeConnections":                      a.closeConnections,
		"DELETE connections/{connection}":                          a.closeConnections,
		"HEAD connections/{connection}":                            a.exists,
		"HEAD groups/{group}":                                      a.exists,
		"HEAD users/{user}":                                        a.exists,
		"GET groups/{group}/connections":                           a.listGroup,
		"PUT groups/{group}/connections/{connection}":              a.addToGroup,
		"DELETE groups/{group}/connections/{connection}":           a.removeFromGroup,
		"PUT users/{user}/groups/{group}":                          a.addToGroup,
		"DELETE users/{user}/groups/{group}":                       a.removeFromGroup,
		"DELETE users/{user}/groups":                               a.removeFromGroup,
		"DELETE connections/{connection}/groups":                   a.removeFromGroup,
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

// serve authorises a request and checks its query and path before it calls op.
func (a *API) serve(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := a.authorise(r); err != nil {
			_, done := a.begin(r, trace.Context{})
			done(trace.Result{Status: http.StatusUnauthorized})
			trace.Emit(r.Context(), a.Trace, trace.RESTCall{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Status: http.StatusUnauthorized, Refused: err.Error()})
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if problem := cmp.Or(checkQuery(r), checkPath(r)); problem != nil {
			problem.write(w)
			return
		}
		passed, done := a.begin(r, trace.ContextOf(r.Header))
		start := time.Now()
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		w, recorded := a.record(w, r)
		out := op(withCause(r, passed), a.Hub(r.PathValue("hub")))
		done(trace.Result{Status: out.status}) // before the caller can see the answer
		out.write(w)
		recorded(out.status, time.Since(start))
	}
}

// begin begins a call for the tracer.
func (a *API) begin(r *http.Request, cause trace.Context) (trace.Context, func(trace.Result)) {
	return a.Tracer.Begin(trace.Operation{Kind: trace.OperationREST, Hub: strings.ToLower(r.PathValue("hub")), Name: r.Pattern, Cause: cause})
}

// causeKey is the context key of the trace context of a call.
type causeKey struct{}

// withCause returns a request with the trace context that a call passes on.
func withCause(r *http.Request, passed trace.Context) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), causeKey{}, passed))
}

// cause returns the trace context of a call, for the events that it raises.
func cause(r *http.Request) trace.Context {
	c, _ := r.Context().Value(causeKey{}).(trace.Context)
	return c
}

// checkQuery rejects a query that does not parse as a whole, of which only a part
// would take effect, and an unknown API version. The version defaults to the latest.
func checkQuery(r *http.Request) *answer {
	const name = "api-version"
	q, err := url.ParseQuery(r.URL.RawQuery)
	given := q[name]
	switch {
	case err != nil:
		return problem(inBody, "The query is malformed.")
	case len(given) > 1:
		return problem(name, "The API version is repeated.")
	case len(given) == 1 && !slices.Contains(versions, given[0]):
		return problem(name, fmt.Sprintf("The API version '%.64s' is not supported, want one of %s.", given[0], strings.Join(versions, ", ")))
	}
	return nil
}

// base returns the scheme and the host of a request.
func base(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// authorise returns an error unless the request has a token for its URL.
func (a *API) authorise(r *http.Request) error {
	bearer := token.Bearer(r.Header)
	_, err := a.Keys.VerifyFor(bearer, base(r)+r.URL.EscapedPath(), func(audience string) bool {
		return covers(audience, r.Host+r.URL.EscapedPath()) || covers(audience, r.Host+r.URL.Path)
	})
	if err != nil && a.TrustTokens && bearer != "" {
		return nil
	}
	return err
}

// covers reports whether a token's audience is a resource, given without scheme, or a
// URL below it. Like the service, it ignores the scheme, as a proxy may have terminated
// TLS, and the query.
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
