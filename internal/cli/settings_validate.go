package cli

import (
	"context"
	"io"
	"net/url"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/cli/azure"
	"github.com/go-webpubsub/webpubsub/internal/conformance"
	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/doctor"
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
			failed, err := doctor.Consent(ctx, doctor.Options{URL: e.URLTemplate, Hub: h.Name, Service: serviceAt(host)})
			if err != nil {
				return err
			}
			if failed != nil {
				no = true
				if err := printFailure(w, h.Name, e.URLTemplate, failed); err != nil {
					return err
				}
			}
		}
	}
	if no {
		return ErrNo
	}
	return nil
}

// serviceAt returns the service with a host.
func serviceAt(host string) connstr.ConnectionString {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return connstr.ConnectionString{Endpoint: &url.URL{Scheme: "https", Host: host}}
}

// printFailure prints the check that an event handler failed, as the command check does.
func printFailure(w io.Writer, hub, template string, failed *conformance.Result) error {
	lines := checkLines{w: w}
	lines.printf("hub %s, %s: failed at %s: %s\n", hub, printable(upstream.WithoutSecrets(template)), failed.ID, failed.Rule)
	lines.explain(failed)
	return lines.err
}
