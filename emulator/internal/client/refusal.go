package client

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
)

// RefusalError is an event handler's refusal, or its failure. The client learns the
// status alone.
type RefusalError struct {
	Status int
	// Text is the beginning of the answer's body, for the log.
	Text string
}

// Error returns the status and the text.
func (r *RefusalError) Error() string {
	s := fmt.Sprintf("the event handler answered %d", r.Status)
	if r.Text != "" {
		s += fmt.Sprintf(": %q", r.Text)
	}
	return s
}

// passOn refuses a client because its event handler did, or could not be asked.
func (e *Endpoint) passOn(w http.ResponseWriter, r *http.Request, hubName string, err error) {
	status := http.StatusInternalServerError
	if refusal := (*RefusalError)(nil); errors.As(err, &refusal) {
		status = refusal.Status
	}
	e.Logger.LogAttrs(r.Context(), slog.LevelWarn, "client refused", slog.String("hub", strings.ToLower(hubName)),
		slog.Int("status", status), slog.String("reason", err.Error()))
	http.Error(w, http.StatusText(status), status)
}
