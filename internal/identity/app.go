package identity

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// The ids of the identity that is played. They are constants, so that a handler can be
// configured before the service runs.
const (
	TenantID = "7e57e57e-0000-4000-8000-7e57e57e0001"
	ObjectID = "7e57e57e-0000-4000-8000-7e57e57e0002"
	AppID    = "7e57e57e-0000-4000-8000-7e57e57e0003"
)

// App is the app registration of a handler, for which tokens are requested.
type App struct {
	// Resource is the resource of the event handler's setting.
	Resource string
	// Version of its tokens, 1 or 2 (requestedAccessTokenVersion). Zero means 1, as null
	// does in Entra.
	Version int
}

// Check returns an error unless tokens can be made for the app. It names the field
// Resource or TokenVersion.
func (a App) Check() error {
	if err := rule.CheckAudience(a.Resource); err != nil {
		return fmt.Errorf("Resource %w", err)
	}
	switch a.Version {
	case 0, 1:
		return nil
	case 2:
		if a.clientID() == "" {
			return errors.New("Resource: for TokenVersion 2 want a client id, or api:// and a client id, since the audience (aud) of these tokens is the client id")
		}
		return nil
	}
	return fmt.Errorf("TokenVersion is %d, want 1 or 2", a.Version)
}

// clientID returns the client id in the resource, or "".
func (a App) clientID() string {
	id := strings.TrimPrefix(a.Resource, "api://")
	if !rule.IsGUID(id) {
		return ""
	}
	return strings.ToLower(id)
}

// Audience returns the audience of the app's tokens (aud). In version 1 it is the
// resource as written.
func (a App) Audience() string {
	if a.Version == 2 {
		return a.clientID()
	}
	return a.Resource
}
