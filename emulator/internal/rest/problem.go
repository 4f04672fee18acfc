package rest

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// pathChecks are the checks of the parameters of paths.
var pathChecks = []struct {
	name  string
	field string // name in the API
	ok    func(string) bool
	rule  string
}{
	{"hub", "hub", rule.IsHub, "The field hub must match the regular expression '^[A-Za-z][A-Za-z0-9_`,.[\\]]{0,127}$'."},
	{"group", "group", validGroup, groupRule},
	{"user", "userId", validID, "The field userId must be UTF-8 and not blank."},
	{"connection", "connectionId", validID, "The field connectionId must be UTF-8 and not blank."},
	{"permission", "permission", validPermission, "The field permission must be joinLeaveGroup or sendToGroup."},
}

const groupRule = "The field group must have 1 to 1024 characters, no line feed, and not be blank."

func validGroup(s string) bool { return rule.CheckGroup(s) == nil }

func validID(s string) bool { return strings.TrimSpace(s) != "" && utf8.ValidString(s) }

// validPermission ignores case, unlike the checks of other names.
func validPermission(s string) bool {
	return strings.EqualFold(s, "joinLeaveGroup") || strings.EqualFold(s, "sendToGroup")
}

// headerErrorCode has the code of an error, also in answers without a body.
const headerErrorCode = "X-Ms-Error-Code"

// inBody is the target of an error that concerns no parameter.
const inBody = "Request"

// problem is the service's answer to an invalid parameter. It has the members of the
// service's errors and those of its web framework's problems.
type problem struct {
	Code       string              `json:"code"`
	Message    string              `json:"message"`
	Target     string              `json:"target"`
	Errors     map[string][]string `json:"errors"`
	Type       *string             `json:"type"`
	Title      string              `json:"title"`
	Status     int                 `json:"status"`
	Detail     *string             `json:"detail"`
	Instance   *string             `json:"instance"`
	Extensions struct{}            `json:"extensions"`
}

// writeProblem answers 400 for an invalid parameter. The JavaScript package does not
// parse the media type, which is the service's: the message of its error is the whole
// body.
func writeProblem(w http.ResponseWriter, field, rule string) {
	writeProblemAs(w, "application/problem+json", field, rule)
}

// writeProblemAs is like writeProblem, but with another media type.
func writeProblemAs(w http.ResponseWriter, mediaType, field, rule string) {
	const code = "Error.BadRequest"
	w.Header().Set(headerErrorCode, code)
	w.Header().Set(wire.HeaderContentType, mediaType+"; charset=utf-8")
	writeJSON(w, http.StatusBadRequest, problem{
		Code: code, Message: rule, Target: field, Errors: map[string][]string{field: {rule}},
		Title: "One or more validation errors occurred.", Status: http.StatusBadRequest,
	})
}

// writeError writes an error in the service's format. The service's answers of 2022
// have innererror in place of inner.
func writeError(w http.ResponseWriter, status int, code, message, target string) {
	w.Header().Set(headerErrorCode, code)
	writeJSON(w, status, struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Target  string `json:"target"`
		Details any    `json:"details"`
		Inner   any    `json:"inner"`
	}{Code: code, Message: message, Target: target})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if w.Header().Get(wire.HeaderContentType) == "" {
		w.Header().Set(wire.HeaderContentType, wire.MediaJSON+"; charset=utf-8")
	}
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// Severities with which the codes of the service's 404 begin: an error if the call
// would have changed something, less otherwise.
const (
	graveError   = "Error"
	graveWarning = "Warning"
	graveInfo    = "Info"
)

func notFound(w http.ResponseWriter, grave, what, name string) {
	writeError(w, http.StatusNotFound, grave+"."+what+".NotExisted", what+" `"+name+"` is not found.", what)
}
