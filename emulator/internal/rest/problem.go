package rest

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/internal/rule"
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
	{"user", "userId", validID, "The field userId must not be empty."},
	{"connection", "connectionId", validID, "The field connectionId must not be empty."},
	{"permission", "permission", func(s string) bool { return s == "joinLeaveGroup" || s == "sendToGroup" }, "The field permission must be joinLeaveGroup or sendToGroup."},
}

const groupRule = "The field group must have 1 to 1024 characters, no line feed, and not be blank."

func validGroup(s string) bool {
	return utf8.ValidString(s) && !strings.Contains(s, "\n") && subprotocol.CheckGroup(s) == nil
}

func validID(s string) bool { return s != "" && utf8.ValidString(s) }

// writeProblem answers 400 as the service's framework does for a parameter that
// breaks a rule.
func writeProblem(w http.ResponseWriter, field, rule string) {
	writeJSON(w, http.StatusBadRequest, map[string]any{
		"type":   "https://tools.ietf.org/html/rfc7231#section-6.5.1",
		"title":  "One or more validation errors occurred.",
		"status": http.StatusBadRequest,
		"errors": map[string][]string{field: {rule}},
		// Nothing traces calls here; clients may still want the member.
		"traceId": "00-" + hub.NewConnectionID() + "-0000000000000000-00",
	})
}

// writeError answers as the service itself does.
func writeError(w http.ResponseWriter, status int, code, message, target string) {
	w.Header().Set("X-Ms-Error-Code", code)
	writeJSON(w, status, struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Target  string `json:"target"`
		Details any    `json:"details"`
		Inner   any    `json:"innererror"`
	}{Code: code, Message: message, Target: target})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

func notFound(w http.ResponseWriter, what, name string) {
	writeError(w, http.StatusNotFound, "Error."+what+".NotExisted", what+" `"+name+"` is not found.", what)
}
