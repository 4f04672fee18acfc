package dispatch

import (
	"context"
	"errors"
	"log/slog"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// deliver sends an event to a handler that wants it, and logs how it went.
func (d *Dispatcher) deliver(ctx context.Context, r *route, ev *event) (*upstream.Answer, error) {
	start := d.cfg.Clock.Now()
	answer, err := d.send(ctx, r, ev)
	took := slog.Float64("ms", float64(d.cfg.Clock.Now().Sub(start).Microseconds())/1000)
	switch {
	case err != nil && ctx.Err() != nil:
		// A cause is the client's: it does not want the answer any more. Without one the
		// emulator stops.
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			d.log(ctx, slog.LevelInfo, "event cancelled", ev, took, slog.String("reason", cause.Error()))
		}
	case err != nil:
		d.log(ctx, slog.LevelWarn, "event not delivered", ev, took, slog.String("reason", err.Error()))
	default:
		attrs := []slog.Attr{slog.Int("status", answer.Status)}
		if answer.Attempts > 1 {
			attrs = append(attrs, slog.Int("attempts", answer.Attempts))
		}
		if answer.OK() {
			d.log(ctx, slog.LevelInfo, "event delivered", ev, append(attrs, took)...)
			break
		}
		attrs = append(attrs, took)
		if text := upstream.Text(answer.Body); text != "" {
			attrs = append(attrs, slog.String("answer", text))
		}
		d.log(ctx, slog.LevelWarn, "event refused", ev, attrs...)
	}
	return answer, err
}

// log says what has become of an event.
func (d *Dispatcher) log(ctx context.Context, level slog.Level, what string, ev *event, attrs ...slog.Attr) {
	d.cfg.Logger.LogAttrs(ctx, level, what, append([]slog.Attr{
		slog.String("hub", ev.session.hubName), slog.String("connection", ev.session.connectionID),
		slog.String("event", ev.name), slog.String("id", ev.id),
	}, attrs...)...)
}

func (d *Dispatcher) send(ctx context.Context, r *route, ev *event) (*upstream.Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	u, err := r.template.Resolve(ev.session.hubName, ev.name)
	if err != nil {
		return nil, err
	}
	if err := d.consent(ctx, r.consent); err != nil {
		return nil, err
	}
	ev.url = u
	req, err := ev.request(ctx, d.cfg.Origins, d.cfg.AccessKeys, d.cfg.Clock.Now())
	if err != nil {
		return nil, err
	}
	return r.sender.Send(ctx, req, upstream.EventTimeout)
}
