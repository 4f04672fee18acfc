package rest

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// isPlain reports whether a path has neither empty nor dot segments. The mux would
// redirect such a path to another operation; the service answers 404.
func isPlain(escapedPath string) bool {
	for segment := range strings.SplitSeq(strings.TrimPrefix(escapedPath, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

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

// checkPath rejects an invalid parameter of the path.
func checkPath(r *http.Request) *answer {
	for _, check := range pathChecks {
		if strings.Contains(r.Pattern, "{"+check.name+"}") && !check.ok(r.PathValue(check.name)) {
			return problem(check.field, check.rule)
		}
	}
	return nil
}

const groupRule = "The field group must have 1 to 1024 characters, no line feed, and not be blank."

func validGroup(s string) bool { return rule.CheckGroup(s) == nil }

func validID(s string) bool { return strings.TrimSpace(s) != "" && utf8.ValidString(s) }

// validPermission ignores case, unlike the checks of other names.
func validPermission(s string) bool {
	return strings.EqualFold(s, "joinLeaveGroup") || strings.EqualFold(s, "sendToGroup")
}
