package rest

import (
	"cmp"
	"encoding/json"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// headerErrorCode has the code of an error, also in answers without a body.
const headerErrorCode = "X-Ms-Error-Code"

// inBody is the target of an error that concerns no parameter.
const inBody = "Request"

// answer is the answer to a call.
type answer struct {
	status    int
	code      string // of an error
	mediaType string // of the body; defaults to JSON
	body      any    // written as JSON; nil for none
}

// write sends the answer. To a HEAD request, the length and the code are sent, but not
// the body.
func (a *answer) write(w http.ResponseWriter) {
	if a.code != "" {
		w.Header().Set(headerErrorCode, a.code)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set(wire.HeaderContentType, cmp.Or(a.mediaType, wire.MediaJSON)+"; charset=utf-8")
	w.WriteHeader(a.status)
	data, _ := json.Marshal(a.body) // never fails
	_, _ = w.Write(data)
}

// problem returns the service's answer 400 to an invalid parameter. It has the members
// of the service's errors and those of its web framework's problems. The JavaScript
// package does not parse its media type: the message of its error is the whole body.
func problem(field, rule string) *answer {
	const code = "Error.BadRequest"
	return &answer{http.StatusBadRequest, code, "application/problem+json", struct {
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
	}{
		Code: code, Message: rule, Target: field, Errors: map[string][]string{field: {rule}},
		Title: "One or more validation errors occurred.", Status: http.StatusBadRequest,
	}}
}

// failure returns an error in the service's format. The service's answers of 2022 have
// innererror in place of inner.
func failure(status int, code, message, target string) *answer {
	return &answer{status: status, code: code, body: struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Target  string `json:"target"`
		Details any    `json:"details"`
		Inner   any    `json:"inner"`
	}{Code: code, Message: message, Target: target}}
}

// unsupported answers 415. The service's code is not known.
func unsupported(message string) *answer {
	return failure(http.StatusUnsupportedMediaType, "Error.UnsupportedMediaType", message, inBody)
}

// Severities with which the codes of the service's 404 begin: an error if the call
// would have changed something, less otherwise.
const (
	graveError   = "Error"
	graveWarning = "Warning"
	graveInfo    = "Info"
)

func notFound(grave, what, name string) *answer {
	return failure(http.StatusNotFound, grave+"."+what+".NotExisted", what+" `"+name+"` is not found.", what)
}

// conflict answers 409 to a call that exceeds a limit of a connection.
func conflict(message string) *answer {
	return failure(http.StatusConflict, "Error.Connection.Conflict", message, "Connection")
}
