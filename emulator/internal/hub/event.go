package hub

import "time"

// event sends a message to the event handler. The client receives the handler's answer
// before the ack.
func (c *Connection) event(req SendEvent) {
	if !c.begin(req.AckID) {
		return
	}
	answer, err := c.hub.Events.Event(c.ctx, c, req.Event, req.Message)
	if c.ctx.Err() != nil {
		return // the client cannot receive an answer
	}
	if err == nil {
		if answer != nil {
			c.send(answer, time.Time{})
		}
		c.ack(req.AckID, nil)
		return
	}
	if c.out.Answers == nil {
		c.End(CloseInternal, "The event could not be handled.")
		return
	}
	c.ack(req.AckID, internalError())
}

func (c *Connection) invoke(in *invocation, req Invoke) {
	answer, err := c.hub.Events.Event(in.ctx, c, req.Event, req.Message)
	if !c.invocations.finish(in) {
		return
	}
	var failure *RequestError
	if err != nil {
		answer, failure = nil, internalError()
	}
	c.answer(func(a Answerer) Frame { return a.InvokeResponse(req.ID, answer, failure) })
}

func internalError() *RequestError {
	return &RequestError{Name: "InternalServerError", Message: "Internal server error"}
}
