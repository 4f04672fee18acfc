package rest

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// pathChecks by the name of the parameter.
var pathChecks = []struct {
	name  string
	field string // as the API names it
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

// Permissions have no case, unlike everything else with a name.
func validPermission(s string) bool {
	return strings.EqualFold(s, "joinLeaveGroup") || strings.EqualFold(s, "sendToGroup")
}

// headerErrorCode repeats the code of an error, for answers without a body.
const headerErrorCode = "X-Ms-Error-Code"

// inBody is the target of an error that is about the request, and no parameter.
const inBody = "Request"

// problem is the service's answer to a parameter that breaks a rule: the members
// of its own errors, and those of its web framework's.
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

// writeProblem answers 400 for a parameter that breaks a rule. The media type is
// the service's, and has a consequence: the JavaScript package does not read it,
// and has the whole body for the message of its error.
func writeProblem(w http.ResponseWriter, field, rule string) {
	writeProblemAs(w, "application/problem+json", field, rule)
}

// writeProblemAs is writeProblem with another media type.
func writeProblemAs(w http.ResponseWriter, mediaType, field, rule string) {
	const code = "Error.BadRequest"
	w.Header().Set(headerErrorCode, code)
	w.Header().Set(wire.HeaderContentType, mediaType+"; charset=utf-8")
	writeJSON(w, http.StatusBadRequest, problem{
		Code: code, Message: rule, Target: field, Errors: map[string][]string{field: {rule}},
		Title: "One or more validation errors occurred.", Status: http.StatusBadRequest,
	})
}

// writeError answers as the service itself does. Its answers of 2022 have
// innererror in the place of inner.
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

// How grave the service finds it that something is not there, which is the
// beginning of its code: an error where a call wanted to change it, else less.
const (
	graveError   = "Error"
	graveWarning = "Warning"
	graveInfo    = "Info"
)

func notFound(w http.ResponseWriter, grave, what, name string) {
	writeError(w, http.StatusNotFound, grave+"."+what+".NotExisted", what+" `"+name+"` is not found.", what)
}
