package conformance

import (
	"net/http"
	"time"
)

// Target is a handler to check, and the functions that send it requests.
type Target struct {
	// URL is the URL template of the handler.
	URL string
	// Origin is the service's host, which the handler must allow.
	Origin string
	// Hub is the hub of the events.
	Hub string
	// AnyHub means that the handler may accept the events of other hubs.
	AnyHub bool
	// Keys that the service signs with; the handler must have at least one of them.
	Keys []string
	// Secrets are texts that no problem or cause may have.
	Secrets []string
	// Others are services whose events the handler must not take for those of Origin.
	Others []Endpoint

	// Identity whose tokens the handler verifies; nil for none.
	Identity *Identity

	// UserID, Group and UserEvents are the user, the group and the names of user events
	// in the requests. An empty UserID is that of an anonymous client. There must be at
	// least one user event.
	UserID     string
	Group      string
	UserEvents []string

	// CountsReads means that [Answer.BodyRead] is what the handler has read, as it is
	// in memory. Checks that need it are not tried otherwise.
	CountsReads bool

	// Validation returns a valid OPTIONS request.
	Validation func() (*http.Request, error)
	// Event returns a valid event request.
	Event func(Event) (*http.Request, error)
	// Do sends a request, without retries and without following redirects. It returns
	// an error if the handler does not answer; an [*UnreachableError] if the cause is
	// known.
	Do func(*http.Request) (*Answer, error)
}

// withoutReads excepts targets whose reads are not counted.
func withoutReads(t *Target) string {
	if t.CountsReads {
		return ""
	}
	return "only httptest.CheckHandler can, in the handler's process"
}

// Endpoint is a service: its host and one of its keys.
type Endpoint struct{ Origin, Key string }

// Event holds the attributes of an event that checks vary.
type Event struct {
	Type, Name, ContentType, Body string
	UserID                        string
	MQTT                          bool
}

// Answer is a handler's answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// BodyRead is the number of bytes of the request's body that the handler read; see
	// [Target.CountsReads].
	BodyRead int64
	// Took is the time until the answer; zero if it is not measured.
	Took time.Duration
}

func (a *Answer) ok() bool        { return a.Status >= 200 && a.Status < 300 }
func (a *Answer) redirects() bool { return a.Status >= 300 && a.Status < 400 }
func (a *Answer) refused() bool {
	return a.Status >= 400 && a.Status < 500 && a.Status != http.StatusRequestTimeout
}

// UnreachableError is an error of [Target.Do] whose cause is known.
type UnreachableError struct {
	Cause Cause
	Err   error
}

// Error returns the error's text, without the cause.
func (e *UnreachableError) Error() string { return e.Err.Error() }

// Unwrap returns the error.
func (e *UnreachableError) Unwrap() error { return e.Err }
