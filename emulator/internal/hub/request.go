package hub

import (
	"fmt"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// Request is what a client asks for: one of the types below.
type Request any

// The requests of clients. Those with an ack id are answered, and carried out once if
// the client repeats them.
type (
	// JoinGroup makes the client a member of a group.
	JoinGroup struct {
		Group string
		AckID *uint64
	}
	// LeaveGroup ends that.
	LeaveGroup struct {
		Group string
		AckID *uint64
	}
	// SendToGroup publishes a message to its group. The client need not be a member.
	SendToGroup struct {
		Message *Message
		NoEcho  bool
		TTL     time.Duration
		AckID   *uint64
	}
	// SendEvent is for the event handler; its message has no group.
	SendEvent struct {
		Event   string
		Message *Message
		AckID   *uint64
	}
	// Invoke is a SendEvent whose answer is matched by id.
	Invoke struct {
		ID      string
		Event   string
		Message *Message
	}
	// CancelInvocation says that nobody waits for the answer any more.
	CancelInvocation struct{ ID string }
	// SequenceAck acknowledges messages up to an id.
	SequenceAck struct{ ID uint64 }
	// Ping wants a pong.
	Ping struct{}
	// StartStream begins a stream to a group. It ends when it is silent for Idle; zero
	// is DefaultStreamIdle.
	StartStream struct {
		ID     string
		Group  string
		NoEcho bool
		Idle   time.Duration
	}
	// StreamData is the next piece of a stream.
	StreamData struct {
		ID       string
		Sequence uint64
		Message  *Message // nil: keep-alive
	}
	// StreamEnd ends a stream.
	StreamEnd struct {
		ID    string
		Error *StreamError // of the client's own, nil for none
	}
)

// Do carries out a request of the client. What needs no turn is done at once, all else
// one after the other, so that requests take effect in the order of the calls. Do
// blocks while too many wait for their turn.
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
			return // the answer to the first is the answer to both
		}
		c.enter(func() { c.invoke(in, req) })
	default:
		c.enter(func() { c.perform(req) })
	}
}

// enter runs a function in its turn. A reliable client gets its answer when it comes
// back, so that nothing of this depends on the link.
func (c *Connection) enter(f func()) bool {
	return c.requests.Enter(c.hub.hubs.ctx, c.hub.hubs.start, f)
}

func (c *Connection) perform(req Request) {
	var refused error
	switch req := req.(type) {
	case JoinGroup:
		refused = c.acked(req.AckID, func() *AckError { return c.join(req.Group) })
	case LeaveGroup:
		refused = c.acked(req.AckID, func() *AckError { return c.leave(req.Group) })
	case SendToGroup:
		refused = c.acked(req.AckID, func() *AckError { return c.sendToGroup(req) })
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
	trace.Emit(c.ctx, c.hub.hubs.Trace, trace.RequestRefused{Client: c.Identity(), Reason: refused.Error()})
	if c.out.Answers == nil {
		c.End(ClosePolicy, "The client does not have permission to send to its group.")
	}
}

// acked carries out a request once for its ack id, and returns why it was refused.
func (c *Connection) acked(ackID *uint64, do func() *AckError) error {
	if !c.begin(ackID) {
		return nil
	}
	refused := do()
	c.ack(ackID, refused)
	if refused != nil {
		return refused
	}
	return nil
}

func (c *Connection) join(group string) *AckError {
	if !c.Allows(role.JoinLeave, group) {
		return forbidden("join", group)
	}
	if c.hub.join(c, group) != nil {
		return &AckError{Name: "BadRequest", Message: fmt.Sprintf("The client is in %d groups, which is the most.", c.hub.hubs.MaxGroups)}
	}
	return nil
}

func (c *Connection) leave(group string) *AckError {
	if !c.Allows(role.JoinLeave, group) {
		return forbidden("leave", group)
	}
	c.hub.leave(c, group)
	return nil
}

func (c *Connection) sendToGroup(req SendToGroup) *AckError {
	if !c.Allows(role.Send, req.Message.Group) {
		return forbidden("send to", req.Message.Group)
	}
	c.publish(req.Message, req.NoEcho, req.TTL)
	return nil
}

// publish sends a message whose sender is allowed to.
func (c *Connection) publish(m *Message, noEcho bool, ttl time.Duration) {
	m.FromUserID = c.UserID
	t := Target{Group: m.Group}
	if noEcho {
		t.Excluded = []string{c.ID}
	}
	c.hub.Send(t, m, ttl)
}
