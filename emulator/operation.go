package emulator

import "github.com/go-webpubsub/webpubsub/emulator/internal/trace"

// OperationKind is the kind of an [Operation].
type OperationKind string

// The kinds of operations.
const (
	// OperationREST is a call of the REST API.
	OperationREST = OperationKind(trace.OperationREST)
	// OperationDelivery is the delivery of an event to its handler, with all attempts.
	OperationDelivery = OperationKind(trace.OperationDelivery)
	// OperationConnection is the connection of a client, until it has ended. A lost
	// connection that the client may recover has not ended.
	OperationConnection = OperationKind(trace.OperationConnection)
)

// Operation is something that an emulator does, see [Config.Trace].
type Operation struct {
	Kind OperationKind
	// Hub is the name of the hub, in lower case. It is empty for a REST call without a
	// valid token: anyone can make one, for any hub.
	Hub string
	// Name is the pattern of a REST call's route, such as "POST
	// /api/hubs/{hub}/:send", or the kind of an event: connect, connected, user, joined,
	// left or disconnected. It is empty for connections.
	Name string
	// ConnectionID is empty for REST calls.
	ConnectionID string
	// EventID (ce-id) is empty except for deliveries.
	EventID string
	// Cause is the trace context of the header of a REST call with a valid token. For the
	// delivery of an event that a REST call raised (joined, left or disconnected), it is
	// the trace context that the call passed on.
	Cause TraceContext
}

// TraceContext is a W3C trace context: the values of the headers traceparent and
// tracestate. The zero value is none.
type TraceContext struct{ Parent, State string }

// OperationResult is the result of an [Operation].
type OperationResult struct {
	// Status is that of the answer to a REST call, or of the event handler's answer. It
	// is 0 if there was no answer.
	Status int
	// Attempts is the number of attempts to deliver an event.
	Attempts int
}

// tracer returns Config.Trace for the packages below.
func tracer(f func(Operation) (TraceContext, func(OperationResult))) trace.Tracer {
	if f == nil {
		return nil
	}
	return func(op trace.Operation) (trace.Context, func(trace.Result)) {
		passed, done := f(Operation{OperationKind(op.Kind), op.Hub, op.Name, op.ConnectionID, op.EventID, TraceContext(op.Cause)})
		if done == nil {
			done = func(OperationResult) {}
		}
		return trace.Context(passed), func(r trace.Result) { done(OperationResult(r)) }
	}
}
