// Package entra verifies the Microsoft Entra ID tokens that Azure Web PubSub sends to
// event handlers. If the setting of an event handler has the auth type
// ManagedIdentity, the service sends a bearer token of its own managed identity with
// each event. [NewVerifier] returns a [webpubsub.Verifier] that checks it:
//
//	tokens, err := entra.NewVerifier(entra.Config{
//		TenantID:        "72f988bf-86f1-41af-91ab-2d7cd011db47",
//		Audiences:       []string{"api://7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46"}, // the resource in the event handler's setting
//		CallerObjectIDs: []string{"0e5a6b7c-1d2e-4f30-8a9b-c0d1e2f30415"},       // of the service's managed identity
//	})
//	…
//	h, err := webpubsub.NewHandler(webpubsub.Config{
//		ConnectionStrings: []string{os.Getenv("WEBPUBSUB_CONNECTION_STRING")},
//		Verifier:          tokens, // in addition to the signature
//		…
//	})
//
// A Verifier fetches the tenant's keys when the first token arrives, and then about
// once an hour. It needs no network to start.
//
// docs/entra.md of the module has the settings in Azure. Packages httptest and emulator
// of the module send such tokens in tests.
//
// Security: a token proves that the service's identity requested it for this handler
// within its lifetime. It does not cover the event. Anyone who sees a token can send
// any event until it expires: serve over TLS only.
package entra
