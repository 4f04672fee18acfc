package main

import (
	"errors"
	"strings"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/entra"
)

// verification returns how the sender of events is verified, from the environment: by
// the access key of the connection string, by tokens of the service's managed identity,
// or by both. With both, an event needs both. While the service changes from keys to
// tokens, use a webpubsub.AnyVerifier instead.
func verification(getenv func(string) string) (webpubsub.Config, error) {
	var cfg webpubsub.Config
	if connectionString := getenv("WEBPUBSUB_CONNECTION_STRING"); connectionString != "" {
		cfg.ConnectionStrings = []string{connectionString}
	}
	settings := entra.Config{
		TenantID:        getenv("ENTRA_TENANT_ID"),
		Audiences:       strings.Fields(getenv("ENTRA_AUDIENCES")), // the resource in the event handler's setting, and its client id
		CallerObjectIDs: strings.Fields(getenv("ENTRA_CALLER_OBJECT_IDS")),
		Authority:       getenv("ENTRA_AUTHORITY"), // empty in Azure's public cloud
	}
	if settings.TenantID == "" && len(settings.Audiences) == 0 && len(settings.CallerObjectIDs) == 0 {
		if cfg.ConnectionStrings == nil {
			return cfg, errors.New("set WEBPUBSUB_CONNECTION_STRING, or ENTRA_TENANT_ID and the variables with it")
		}
		return cfg, nil
	}
	tokens, err := entra.NewVerifier(settings)
	if err != nil {
		return cfg, err
	}
	cfg.Verifier = tokens
	if hosts := strings.Fields(getenv("WEBPUBSUB_HOSTS")); len(hosts) > 0 {
		cfg.AllowedOrigins = hosts // by default those of the connection string
	}
	return cfg, nil
}
