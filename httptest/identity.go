package httptest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/identity"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// Identity is the managed identity of a [Service], and the Microsoft Entra ID that
// issues its tokens. The service sends a token (Authorization) with each event. A
// handler verifies it with package entra:
//
//	id := httptest.NewIdentity("api://chat", 1)
//	tokens, err := entra.NewVerifier(entra.Config{
//		TenantID:        id.TenantID,
//		Audiences:       []string{id.Audience},
//		CallerObjectIDs: []string{id.ObjectID},
//		Authority:       id.Authority,
//		Transport:       id,
//	})
//	h, err := webpubsub.NewHandler(webpubsub.Config{
//		ConnectionStrings: []string{httptest.ConnectionString},
//		Verifier:          tokens,
//	})
//	svc := httptest.New(h, &httptest.Options{Identity: id})
//
// It is an [http.RoundTripper] that answers requests for the tenant's documents in
// memory, and an [http.Handler] for a server with them. Its private key is made when it
// is first needed and does not leave it. Identity is safe for concurrent use. Make it
// with [NewIdentity].
type Identity struct {
	// TenantID (tid), ObjectID (oid) and AppID (appid, azp) of the identity. They are the
	// same in each process.
	TenantID, ObjectID, AppID string
	// Audience (aud) of its tokens.
	Audience string
	// Authority is the URL of Entra for a verifier that uses the Identity as its
	// transport. With a server it is the server's URL and the path /entra.
	Authority string

	app    identity.App
	issuer *identity.Issuer
}

// NewIdentity returns an identity that requests tokens for a resource, as in the setting
// of an event handler: the client id of an app registration or its application id URI.
// The version of the tokens is 1 or 2 and, in Azure, chosen by the app registration
// (requestedAccessTokenVersion). The audience of a token of version 2 is the client id,
// which the resource must then have: "api://" and the id, or the id alone.
//
// NewIdentity panics if an argument is invalid.
func NewIdentity(resource string, tokenVersion int) *Identity {
	app := identity.App{Resource: resource, Version: tokenVersion}
	err := app.Check()
	if err == nil && tokenVersion == 0 {
		err = errors.New("TokenVersion is 0, want 1 or 2")
	}
	if err != nil {
		panic("httptest: identity: " + err.Error())
	}
	return &Identity{
		TenantID: identity.TenantID, ObjectID: identity.ObjectID, AppID: identity.AppID,
		Audience:  app.Audience(),
		Authority: "http://localhost" + identity.AuthorityPath,
		app:       app,
		issuer:    identity.NewIssuer(time.Now),
	}
}

// Token returns the token that the service sends. It is renewed five minutes before it
// expires.
func (id *Identity) Token() string { return id.issuer.Token(id.app) }

// RotateKeys replaces the key that signs tokens, as Entra does from time to time. The
// documents keep the previous key.
func (id *Identity) RotateKeys() { id.issuer.Rotate() }

// ServeHTTP serves the documents of the tenant below the path /entra.
func (id *Identity) ServeHTTP(w http.ResponseWriter, r *http.Request) { id.issuer.ServeHTTP(w, r) }

// RoundTrip answers a request for a document of the tenant.
func (id *Identity) RoundTrip(req *http.Request) (*http.Response, error) {
	return upstream.Memory{Handler: id.issuer}.RoundTrip(req)
}

// String returns the object id and the audience, and no token.
func (id *Identity) String() string {
	return fmt.Sprintf("httptest.Identity(%s for %q)", id.ObjectID, id.Audience)
}

// GoString returns the String.
func (id *Identity) GoString() string { return id.String() }

// LogValue returns the String.
func (id *Identity) LogValue() slog.Value { return slog.StringValue(id.String()) }
