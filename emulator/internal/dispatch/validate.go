package dispatch

import (
	"context"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// place is a URL that is asked for consent. Local handlers are asked each for
// itself, since their URLs may be alike.
type place struct {
	local *route
	url   string
}

// consent asks, if need be, whether a handler wants the events of a hub.
func (d *Dispatcher) consent(ctx context.Context, r *route, hubName string) error {
	u, err := r.template.resolve(hubName, wire.NameValidate)
	if err != nil {
		return err
	}
	at := place{url: u.String()}
	if r.local != nil {
		at.local = r
	}
	return d.consents.get(ctx, at)
}

// validate sends a validation request.
func (d *Dispatcher) validate(ctx context.Context, at place) error {
	sender := &d.remote
	if at.local != nil {
		sender = d.sender(at.local)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodOptions, at.url, http.NoBody)
	if err != nil {
		return err
	}
	req.Header[wire.HeaderRequestOrigin] = []string{d.cfg.Origin}
	req.Header[wire.HeaderVersion] = []string{wire.Version}
	if err = sender.Validate(ctx, req, []string{d.cfg.Origin}); err != nil {
		d.cfg.Logger.WarnContext(ctx, "validation failed", "url", withoutQuery(at.url), "reason", err)
		return err
	}
	d.cfg.Logger.InfoContext(ctx, "validation passed", "url", withoutQuery(at.url))
	return nil
}
