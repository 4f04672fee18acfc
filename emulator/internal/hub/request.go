package hub

import (
	"fmt"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// Request is a request of a client: one of the types below.
type Request any

// The requests of clients. A request with an ack id is acknowledged, and is carried out
// once if the client repeats it.
type (
	// JoinGroup adds the client to a group.
	JoinGroup struct {
		Group string
		AckID *uint64
	}
	// LeaveGroup removes the client from a group.
	LeaveGroup struct {
		Group string
		AckID *uint64
	}
	// SendToGroup sends a message to its group. The client need not be a member.
	SendToGroup struct {
		Message *Message
		NoEcho  bool
		TTL     time.Duration
		AckID   *uint64
	}
	// SendEvent sends a message, which has no group, to the event handler.
	SendEvent struct {
		Event   string
		Message *Message
		AckID   *uint64
	}
	// Invoke sends a message to the event handler and expects its answer by id.
	Invoke struct {
		ID      string
		Event   string
		Message *Message
	}
	// CancelInvocation cancels an Invoke.
	CancelInvocation struct{ ID string }
	// SequenceAck acknowledges messages, as [Delivery] defines.
	SequenceAck struct{ ID uint64 }
	// Ping requests a pong.
	Ping struct{}
	// StartStream opens a stream to a group. Idle is its timeout; zero means
	// [DefaultStreamIdle].
	StartStream struct {
		ID     string
		Group  string
		NoEcho bool
		Idle   time.Duration
	}
	// StreamData sends the next message of a stream.
	StreamData struct {
		ID       string
		Sequence uint64
		Message  *Message // nil: none, but the stream is kept alive
	}
	// SetGroupState sets the client's state in a group.
	SetGroupState struct {
		Group string
		State map[string]string // nil: clear it
		AckID *uint64
	}
	// SubscribeGroupState subscribes the client to the states of a group.
	SubscribeGroupState struct {
		Group string
		AckID *uint64
	}
	// UnsubscribeGroupState ends a SubscribeGroupState.
	UnsubscribeGroupState struct {
		Group string
		AckID *uint64
	}
	// StreamEnd closes a stream.
	StreamEnd struct {
		ID    string
		Error *RequestError // nil: none
	}
)

// Do carries out a request of the client. Ping, SequenceAck and CancelInvocation take
// effect at once. All other requests are queued and take effect in the order of the
// calls; Do blocks while the queue is full.
func (c *Connection) Do(req Request) {
	switch req := req.(type) {
	case Ping:
		c.answer(Answerer.Pong)
	case SequenceAck:
		c.acknowledge(req.ID)
	case CancelInvocation:
		c.invocations.cancel(req.ID, errCancelled)
	case Invoke:
		in := c.invocations.begin(c.ctx, req.ID)
		if in == nil {
			return // repeated: the answer to the first will do
		}
		c.enter(func() { c.invoke(in, req) })
	default:
		c.enter(func() { c.perform(req) })
	}
}

// enter queues a function. It does not depend on a link: the client may have resumed
// the connection when the function runs.
func (c *Connection) enter(f func()) bool {
	return c.requests.Enter(c.hub.hubs.ctx, c.hub.hubs.start, f)
}

func (c *Connection) perform(req Request) {
	var refused *RequestError
	switch req := req.(type) {
	case JoinGroup:
		refused = c.acked(req.AckID, func() *RequestError { return c.join(req.Group) })
	case LeaveGroup:
		refused = c.acked(req.AckID, func() *RequestError { return c.leave(req.Group) })
	case SendToGroup:
		refused = c.acked(req.AckID, func() *RequestError { return c.sendToGroup(req) })
	case SetGroupState:
		refused = c.acked(req.AckID, func() *RequestError { return c.setGroupState(req) })
	case SubscribeGroupState:
		refused = c.subscribeGroupState(req)
	case UnsubscribeGroupState:
		refused = c.acked(req.AckID, func() *RequestError { c.unsubscribeGroupState(req.Group); return nil })
	case StartStream:
		refused = c.startStream(req)
	case StreamData:
		c.streamData(req)
	case StreamEnd:
		c.endStream(req)
	case SendEvent:
		c.event(req)
	}
	if refused == nil {
		return
	}
	trace.Emit(c.ctx, c.hub.Trace, trace.ClientRecord{Kind: trace.KindRequestRefused, Client: c.Identity(), Reason: refused.Error()})
	if c.out.Answers == nil {
		c.End(ClosePolicy, "The client does not have permission to send to its group.")
	}
}

// acked carries out a request unless it is repeated, and acknowledges it.
func (c *Connection) acked(ackID *uint64, do func() *RequestError) *RequestError {
	if !c.begin(ackID) {
		return nil
	}
	refused := do()
	c.ack(ackID, refused)
	return refused
}

func (c *Connection) join(group string) *RequestError {
	if !c.Allows(role.JoinLeave, group) {
		return forbidden("join", group)
	}
	if c.hub.join(c, group, trace.Context{}) != nil {
		return &RequestError{Name: "BadRequest", Message: fmt.Sprintf("The client is in %d groups, the maximum.", c.hub.MaxGroups)}
	}
	return nil
}

func (c *Connection) leave(group string) *RequestError {
	if !c.Allows(role.JoinLeave, group) {
		return forbidden("leave", group)
	}
	c.hub.leave(c, group, trace.Context{})
	return nil
}

func (c *Connection) sendToGroup(req SendToGroup) *RequestError {
	if !c.Allows(role.Send, req.Message.Group) {
		return forbidden("send to", req.Message.Group)
	}
	c.publish(req.Message, req.NoEcho, req.TTL)
	return nil
}

// publish sends a message of the client to its group. Permission has been checked.
func (c *Connection) publish(m *Message, noEcho bool, ttl time.Duration) {
	m.FromUserID = c.UserID
	t := Target{Group: m.Group}
	if noEcho {
		t.Excluded = []string{c.ID}
	}
	c.hub.Send(t, m, ttl)
}
