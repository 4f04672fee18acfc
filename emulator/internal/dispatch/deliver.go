package dispatch

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// deliver sends an event and records the outcome.
func (d *Dispatcher) deliver(ctx context.Context, r *route, ev *event) (*upstream.Answer, error) {
	start := d.cfg.Clock.Now()
	ev.handler = r
	passed, done := d.cfg.Tracer.Begin(trace.Operation{
		Kind: trace.OperationDelivery, Hub: ev.session.hubName, Name: kindOf(ev), ConnectionID: ev.session.connectionID, EventID: ev.id, Cause: ev.cause,
	})
	ev.cause = passed
	answer, err := d.send(ctx, r, ev)
	done(resultOf(answer, err))
	d.record(ctx, ev, answer, err, d.cfg.Clock.Now().Sub(start))
	return answer, err
}

// record records how the delivery of an event ended.
func (d *Dispatcher) record(ctx context.Context, ev *event, answer *upstream.Answer, err error, took time.Duration) {
	var out trace.Event
	switch {
	case err != nil && ctx.Err() != nil:
		// The client has cancelled the event if there is a cause; otherwise the emulator
		// stops.
		cause, outcome := context.Cause(ctx), trace.KindEventCancelled
		if errors.Is(cause, context.Canceled) {
			outcome = trace.KindEventDropped
		}
		out = ev.record(outcome, cause.Error())
	case err != nil:
		out = ev.record(trace.KindEventNotDelivered, err.Error())
		if failed := (*upstream.DeliveryError)(nil); errors.As(err, &failed) {
			out.Attempts, out.Log = failed.Attempts, attempts(failed.Log)
		}
	case answer.OK():
		out = ev.record(trace.KindEventDelivered, "")
		if state, ok := answer.State(); ok {
			out.StateAfter = trace.StateOf(state)
		}
	default:
		out = ev.record(trace.KindEventRefused, "")
	}
	if answer != nil {
		out.Status, out.Attempts, out.Log = answer.Status, answer.Attempts, attempts(answer.Log)
		out.Answer = trace.Message(answer.Header, answer.Body)
	}
	out.Took = took
	trace.Emit(ctx, d.cfg.Trace, out)
}

// attempts returns attempts for a record.
func attempts(log []upstream.Attempt) []trace.Attempt {
	out := make([]trace.Attempt, len(log))
	for i, a := range log {
		out[i] = trace.Attempt{Start: a.Start, Took: a.Took, Status: a.Status}
		if a.Err != nil {
			out[i].Error = a.Err.Error()
		}
	}
	return out
}

// kindOf returns the name of a system event, and "user" for all others.
func kindOf(ev *event) string {
	if strings.HasPrefix(ev.typ, wire.TypePrefixUser) {
		return "user"
	}
	return ev.name
}

func resultOf(answer *upstream.Answer, err error) trace.Result {
	if answer != nil {
		return trace.Result{Status: answer.Status, Attempts: answer.Attempts}
	}
	var failed *upstream.DeliveryError
	if errors.As(err, &failed) {
		return trace.Result{Attempts: failed.Attempts}
	}
	return trace.Result{}
}

func (d *Dispatcher) send(ctx context.Context, r *route, ev *event) (*upstream.Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	u, err := r.template.Resolve(ev.session.hubName, ev.name)
	if err != nil {
		return nil, err
	}
	asked := d.cfg.Clock.Now()
	err = d.consent(ctx, r.consent)
	ev.consent = d.cfg.Clock.Now().Sub(asked)
	if err != nil {
		return nil, err
	}
	ev.url = u
	req, err := ev.request(ctx, d.cfg.Origins, d.cfg.AccessKeys, d.cfg.Clock.Now())
	if err != nil {
		return nil, err
	}
	if r.authorize != nil {
		req.Header[wire.HeaderAuthorization] = []string{r.authorize()}
	}
	ev.cause.Set(req.Header)
	ev.header = req.Header
	return r.sender.Send(ctx, req, upstream.EventTimeout)
}
