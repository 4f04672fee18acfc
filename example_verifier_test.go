package webpubsub_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/entra"
	kit "github.com/go-webpubsub/webpubsub/httptest"
)

// How are the service's Entra tokens verified, in addition to its signatures? By package
// entra. Unlike a signature, a token cannot be made by someone who has the access key,
// and it expires. Here the test kit plays Entra; in production, the configuration has
// no Authority and Transport.
func ExampleVerifier() {
	id := kit.NewIdentity("api://chat", 1)
	tokens, err := entra.NewVerifier(entra.Config{
		TenantID:        id.TenantID,
		Audiences:       []string{"api://chat"}, // the resource in the event handler's setting
		CallerObjectIDs: []string{id.ObjectID},  // of the service's managed identity
		Authority:       id.Authority,
		Transport:       id,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{exampleConnectionString},
		Verifier:          tokens,
		Logger:            slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, identity := range []*kit.Identity{id, kit.NewIdentity("api://other", 1), nil} {
		svc := kit.New(h, &kit.Options{ConnectionString: exampleConnectionString, Identity: identity})
		_, err := svc.Connect(context.Background(), nil)
		fmt.Println(kit.StatusOf(err))
	}
	// Output:
	// 101
	// 401
	// 401
}
