package trace

import (
	"regexp"
	"strings"
)

// Context is a W3C trace context: the values of traceparent and tracestate.
type Context struct{ Parent, State string }

// maxState is the length of the longest tracestate that is passed on.
const maxState = 512

var parents = regexp.MustCompile(`^[[:xdigit:]]{2}-[[:xdigit:]]{32}-[[:xdigit:]]{16}-[[:xdigit:]]{2}$`)

// Names of the headers.
const (
	headerParent = "Traceparent"
	headerState  = "Tracestate"
)

// ContextOf returns the trace context in the header of a request. It is zero if the request has none, or
// an invalid one.
func ContextOf(header map[string][]string) Context {
	parent := header[headerParent]
	if len(parent) != 1 || !parents.MatchString(parent[0]) {
		return Context{}
	}
	out := Context{Parent: parent[0], State: strings.Join(header[headerState], ",")}
	if len(out.State) > maxState {
		out.State = ""
	}
	return out
}

// Set sets the lines of a request's header, unless c is zero.
func (c Context) Set(header map[string][]string) {
	if c.Parent != "" {
		header[headerParent] = []string{c.Parent}
		if c.State != "" {
			header[headerState] = []string{c.State}
		}
	}
}

// OperationKind is the kind of an [Operation].
type OperationKind string

// The kinds of operations.
const (
	OperationREST       OperationKind = "rest"       // a call of the REST API
	OperationDelivery   OperationKind = "delivery"   // of an event, with all attempts
	OperationConnection OperationKind = "connection" // of a client, until it has ended
)

// Operation is something that takes time.
type Operation struct {
	Kind         OperationKind
	Hub          string
	Name         string // of a REST call, the pattern of its route; of an event, its kind
	ConnectionID string
	EventID      string
	Cause        Context
}

// Result is the end of an [Operation].
type Result struct {
	Status   int
	Attempts int
}

// Tracer is called when an operation begins. It returns the trace context that the
// operation passes on, and a function that is called with its result.
type Tracer func(Operation) (Context, func(Result))

// Begin begins an operation. Without a tracer it passes its cause on.
func (t Tracer) Begin(op Operation) (Context, func(Result)) {
	if t == nil {
		return op.Cause, func(Result) {}
	}
	return t(op)
}
