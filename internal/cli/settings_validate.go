package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/cli/azure"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// validateHandlers asks each event handler for its consent to a host. If one does not
// consent, it prints why and returns ErrNo.
func validateHandlers(ctx context.Context, w io.Writer, host string, hubs []azure.Hub) error {
	if err := upstream.CheckHost(host); err != nil {
		return usage("--validate %s: %w", excerpt.Name(host), err)
	}
	no := false
	for _, h := range hubs {
		for i, e := range h.EventHandlers {
			if keyVault.MatchString(e.URLTemplate) {
				return usage("--validate: hub %q, event handler %d: a key vault has a part of the URL, want a URL without a reference", h.Name, i)
			}
			template, err := upstream.ParseTemplate(e.URLTemplate)
			if err != nil {
				return err
			}
			err = validateHandler(ctx, template, h.Name, host)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				no = true
				fmt.Fprintf(w, "hub %s, %s: %s\n", h.Name, upstream.WithoutSecrets(e.URLTemplate), printable(err.Error()))
			}
		}
	}
	if no {
		return ErrNo
	}
	return nil
}

// validateHandler sends the request that the service sends when it saves settings.
func validateHandler(ctx context.Context, template upstream.Template, hub, host string) error {
	u, err := template.Resolve(hub, "validate")
	if err != nil {
		return err
	}
	req, err := upstream.NewValidation(ctx, u.String(), []string{host})
	if err != nil {
		return err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	sender := upstream.Sender{Transport: transport}
	return sender.Validate(ctx, req, []string{host})
}
