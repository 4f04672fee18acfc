package webpubsub

import (
	"context"
	"log/slog"
	"net/http"
)

// JSONRefusal is a [Config.RefusalReply] that sends the client the status and the
// message of a refusal as JSON:
//
//	{"error":{"status":409,"message":"the price is already 12"}}
//
// It leaves alone the refusals after which the service delivers the event again
// (408 and 5xx), and those of MQTT clients, which the service answers with the
// message and the status by itself.
func JSONRefusal(_ context.Context, ev *UserEvent, err *Error) (Reply, bool) {
	status := err.status()
	if ev.MQTT != nil || status == http.StatusRequestTimeout || status >= 500 {
		return Reply{}, false
	}
	var body struct {
		Error struct {
			Status  int    `json:"status"`
			Message string `json:"message"`
		} `json:"error"`
	}
	body.Error.Status, body.Error.Message = status, err.Message
	if body.Error.Message == "" {
		body.Error.Message = http.StatusText(status)
	}
	return JSONReply(body), true
}

// failUser answers a user event with the error that handling it ended in: with
// the reply that RefusalReply makes of it, or else as any other event.
func (h *Handler) failUser(ctx context.Context, w http.ResponseWriter, r *http.Request, ev *UserEvent, err error) {
	v := judge(err)
	if h.refusalReply == nil || !v.refused {
		h.fail(w, r, err)
		return
	}
	refusal := v.chosen
	if refusal == nil {
		refusal = &Error{Status: v.status, Message: v.public, Err: err}
	}
	var told bool
	out, bad := guard(ctx, func(ctx context.Context) (answer, error) {
		reply, ok := h.refusalReply(ctx, ev, refusal)
		if told = ok; !ok {
			return answer{}, nil
		}
		return reply.answer(ev)
	})
	switch {
	case bad != nil: // not answered with 500, after which the event would come again
		h.log(r, slog.LevelError, "RefusalReply failed; the refusal is answered without it", v.status, bad)
		h.fail(w, r, err)
	case !told:
		h.fail(w, r, err)
	default:
		h.logFailure(r, &v, "event refused; the client gets the reply of RefusalReply", err)
		out.write(w)
	}
}
