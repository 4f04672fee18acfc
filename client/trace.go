package client

import (
	"context"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// Trace has functions that a [Client] calls when something happens to its connections,
// requests and messages, for metrics and traces. Any of them may be nil. A client without
// them takes no times and allocates nothing for them.
//
// Each function names the goroutine that calls it. That goroutine goes on only when the
// function has returned, so a function must not block, and must not wait for the client.
// Functions may be called at the same time by different goroutines. A panic is reported
// like that of a callback, see [Options.OnError].
//
// The calls for one connection come in this order:
//
//	ConnectStart, ConnectDone           each attempt to make a connection
//	Lost                                its WebSocket has ended
//	RecoverStart, RecoverDone           each attempt to recover it
//	Ended                               it is over
//
// Lost and the calls for recovery repeat. A context has the values of the context of
// [Client.Start], and does not end before the call does; those for requests are described
// at their functions. No argument has a token, a URL, a header or a payload. Errors are
// those that the client's callbacks receive.
type Trace struct {
	// ConnectStart is called before an attempt to make a new connection, which begins
	// with the credential. It is called by Start, and then by the client's reading
	// goroutine.
	ConnectStart func(ctx context.Context, info ConnectStartInfo)
	// ConnectDone is called when the attempt has ended, by the same goroutine.
	ConnectDone func(ctx context.Context, info ConnectDoneInfo)
	// Lost is called when the WebSocket of a connection has ended although the client is
	// not being stopped, by the reading goroutine.
	Lost func(ctx context.Context, info LostInfo)
	// RecoverStart is called before an attempt to recover a connection, by the reading
	// goroutine.
	RecoverStart func(ctx context.Context, info RecoverStartInfo)
	// RecoverDone is called when the attempt has ended, by the reading goroutine.
	RecoverDone func(ctx context.Context, info RecoverDoneInfo)
	// Ended is called when a connection is over: it was not recovered, or the client is
	// being stopped. It is called by the reading goroutine.
	Ended func(ctx context.Context, info EndedInfo)

	// RequestSent is called when a request is queued to be written, once for each
	// attempt, by the goroutine that called the operation and with its context. Groups
	// that a new connection rejoins have goroutines of their own.
	RequestSent func(ctx context.Context, info RequestSentInfo)
	// RequestDone is called when a request that wants an answer has been answered, or the
	// client has given it up, by the goroutine of RequestSent. It is also called for a
	// request that was never sent. It is not called for FireAndForget, and for pieces of
	// streams.
	RequestDone func(ctx context.Context, info RequestDoneInfo)

	// Received is called before a message or an invalid frame is queued for its
	// callbacks, by the reading goroutine.
	Received func(ctx context.Context, info ReceivedInfo)
	// Repeated is called when the service has sent a message again that the client
	// already has, as happens after a recovery. The message is dropped. It is called by
	// the reading goroutine.
	Repeated func(ctx context.Context, info RepeatedInfo)
	// Delivered is called when the callbacks for a message have returned, by the
	// goroutine of the callbacks. It is not called for messages that still wait when
	// [Client.Stop] drops them.
	Delivered func(ctx context.Context, info DeliveredInfo)
	// Acknowledged is called when an ack of messages is queued to be written, by the
	// reading goroutine or that of a timer.
	Acknowledged func(ctx context.Context, info AcknowledgedInfo)
}

// ConnectStartInfo describes an attempt to make a connection.
type ConnectStartInfo struct {
	// Attempt counts the attempts since the connection before, from 1.
	Attempt int
}

// ConnectDoneInfo describes the end of an attempt to make a connection.
type ConnectDoneInfo struct {
	Attempt int
	// ConnectionID is empty if the attempt has failed.
	ConnectionID string
	// Duration is the time from the credential to the service's connected message.
	Duration time.Duration
	// Err is nil if the attempt has succeeded.
	Err error
}

// LostInfo describes a connection whose WebSocket has ended.
type LostInfo struct {
	ConnectionID string
	// CloseCode is that of the service's close frame; 0 without one.
	CloseCode int
	// Err is the cause.
	Err error
}

// RecoverStartInfo describes an attempt to recover a connection.
type RecoverStartInfo struct {
	ConnectionID string
	// Attempt counts the attempts since the connection was lost, from 1.
	Attempt int
}

// RecoverDoneInfo describes the end of an attempt to recover a connection.
type RecoverDoneInfo struct {
	ConnectionID string
	Attempt      int
	Duration     time.Duration
	// Err is nil if the connection is recovered.
	Err error
}

// EndedInfo describes a connection that is over.
type EndedInfo struct {
	ConnectionID string
	// CloseCode is that of the service's close frame; 0 without one.
	CloseCode int
	// Duration is the time since the connection was made.
	Duration time.Duration
	// Err is the cause; nil after [Client.Stop].
	Err error
}

// RequestSentInfo describes a request that is queued to be written.
type RequestSentInfo struct {
	ConnectionID string
	// Operation is the name of the client's method, such as SendToGroup.
	Operation string
	// Name is that of the group or event.
	Name string
	// AckID is 0 for a request without one.
	AckID uint64
	// Attempt counts the times that the request was sent, from 1.
	Attempt int
	// Bytes is the size of the frame.
	Bytes int
}

// RequestDoneInfo describes a request that has been answered or given up.
type RequestDoneInfo struct {
	// Operation and Name are those of [RequestSentInfo].
	Operation, Name string
	AckID           uint64
	// Attempts is the number of times that the request was sent.
	Attempts int
	// Duplicate is [Result.Duplicate].
	Duplicate bool
	// Duration is the time since the request began. It includes the waits for a
	// connection, for a place among the requests in flight, and between attempts.
	Duration time.Duration
	// Err is nil if the service has carried the request out.
	Err error
}

// MessageKind is the kind of a received message.
type MessageKind string

// The kinds of received messages.
const (
	MessageGroup      MessageKind = "group"
	MessageServer     MessageKind = "server"
	MessageGroupState MessageKind = "group_state"
	MessageStream     MessageKind = "stream" // a piece of a stream
	MessageInvalid    MessageKind = "invalid"
)

// ReceivedInfo describes a message that is queued for its callbacks.
type ReceivedInfo struct {
	ConnectionID string
	Kind         MessageKind
	// SequenceID is 0 for a message without one.
	SequenceID uint64
	// Bytes is the size of the frame.
	Bytes int
	// Queued is the number of messages that wait, including this one.
	Queued int
}

// RepeatedInfo describes a message that the service has sent again.
type RepeatedInfo struct {
	ConnectionID string
	SequenceID   uint64
}

// DeliveredInfo describes a message whose callbacks have returned.
type DeliveredInfo struct {
	Kind  MessageKind
	Bytes int
	// Waited is the time that the message has waited for its callbacks, and Duration that
	// of the callbacks.
	Waited, Duration time.Duration
	// Queued is the number of messages that wait.
	Queued int
}

// AcknowledgedInfo describes an ack of messages.
type AcknowledgedInfo struct {
	ConnectionID string
	// SequenceID is that of the last message received; the ack covers all before it.
	SequenceID uint64
}

// operations are the names of the methods that send requests.
var operations = [...]string{
	frame.JoinGroup: opJoinGroup, frame.LeaveGroup: opLeaveGroup, frame.SendToGroup: opSendToGroup, frame.SendEvent: opSendEvent,
	frame.StreamStart: opStream, frame.StreamData: opStream, frame.StreamEnd: opStream, frame.Invoke: opInvokeEvent,
	frame.SetGroupState: opSetGroupState, frame.SubscribeGroupState: opSubscribeGroupState, frame.UnsubscribeGroupState: opUnsubscribeGroupState,
}

// traced calls a function of [Trace] unless it is nil.
func traced[T any](ctx context.Context, d *dispatcher, f func(context.Context, T), info T) {
	if f != nil {
		protect(func() { f(ctx, info) }, d.reportLater)
	}
}

// kind returns the kind of a message.
func (it *item) kind() MessageKind {
	switch {
	case it.group != nil && it.group.stream != nil:
		return MessageStream
	case it.group != nil:
		return MessageGroup
	case it.server != nil:
		return MessageServer
	case it.states != nil:
		return MessageGroupState
	}
	return MessageInvalid
}

func (s *session) trace() *Trace { return s.c.opts.Trace }

// traceDone calls Trace.RequestDone.
func (s *session) traceDone(ctx context.Context, r *request, start time.Time, duplicate bool, err error) {
	traced(ctx, s.dispatch, s.trace().RequestDone, RequestDoneInfo{
		Operation: operations[r.Kind], Name: r.Name, AckID: r.AckID, Attempts: r.attempts, Duplicate: duplicate, Duration: time.Since(start), Err: err,
	})
}
