package emulator

import (
	"fmt"

	"github.com/go-webpubsub/webpubsub/internal/identity"
)

// The emulator plays Microsoft Entra ID for its own managed identity: it makes the tokens
// of event handlers with a [ManagedIdentity], and serves the documents that verifiers
// fetch. A handler verifies the tokens with package entra, or any other library.
const (
	// AuthorityPath is the path of Entra at the emulator. The authority of an emulator at
	// http://localhost:8080 is http://localhost:8080/entra.
	AuthorityPath = identity.AuthorityPath
	// IdentityTenantID is the tenant of the identity (tid).
	IdentityTenantID = identity.TenantID
	// IdentityObjectID is the object id of the identity (oid, sub).
	IdentityObjectID = identity.ObjectID
	// IdentityAppID is the application id of the identity (appid, azp).
	IdentityAppID = identity.AppID
)

// ManagedIdentity (auth.managedIdentity) configures the token of an event handler.
type ManagedIdentity struct {
	// Resource (resource) is what the token is for: the client id of the handler's app
	// registration, or its application id URI. It is required. In Azure, an empty
	// resource requests a token for Microsoft Graph, which no handler can verify.
	Resource string
	// TokenVersion is 1 or 2; zero means 1. In Azure it is the app registration's
	// requestedAccessTokenVersion. The audience (aud) of a token of version 1 is
	// Resource, as written. That of version 2 is the client id: Resource must be that id,
	// or "api://" and the id.
	TokenVersion int
}

// RotateIdentityKeys replaces the key that signs the tokens of the identity, as Entra
// does from time to time. Later events have tokens signed with the new key. The documents
// keep the previous key.
func (s *Server) RotateIdentityKeys() { s.identity.Rotate() }

// authorizer returns the function that returns the Authorization header of an event; nil
// for none.
func (s *Server) authorizer(m *ManagedIdentity) (func() string, error) {
	if m == nil {
		return nil, nil //nolint:nilnil // no identity, no header
	}
	app := identity.App{Resource: m.Resource, Version: m.TokenVersion}
	if err := app.Check(); err != nil {
		return nil, fmt.Errorf("ManagedIdentity.%w", err)
	}
	return func() string { return "Bearer " + s.identity.Token(app) }, nil
}
