package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/go-webpubsub/webpubsub/service"
)

// authenticate makes a client in each of three ways and returns the first. Without a
// credential it omits Entra ID.
func authenticate(ctx context.Context, out io.Writer, connectionString string, entra azcore.TokenCredential) (*service.Client, error) {
	fmt.Fprintln(out, "Authenticate")
	first, err := service.NewClientFromConnectionString(connectionString, hub, nil)
	if err := try(ctx, out, "by connection string", first, err); err != nil {
		return nil, err
	}

	// A key without its connection string, as a vault may have it.
	_, text, _ := strings.Cut(connectionString, "AccessKey=")
	text, _, _ = strings.Cut(text, ";")
	key, err := service.NewAccessKey(text) // key.Replace(…) rotates it
	if err != nil {
		return nil, err
	}
	second, err := service.NewClientWithKey(first.Endpoint(), hub, key, nil)
	if err := try(ctx, out, "by access key", second, err); err != nil {
		return nil, err
	}

	if entra == nil {
		return first, nil
	}
	// The identity needs the role "Web PubSub Service Owner".
	third, err := service.NewClient(first.Endpoint(), hub, entra, nil)
	return first, try(ctx, out, "by Entra ID", third, err)
}

// try makes a call that needs authorisation.
func try(ctx context.Context, out io.Writer, how string, c *service.Client, err error) error {
	if err != nil {
		return err
	}
	there, err := c.User("nobody").Exists(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: is user nobody there? %t\n", how, there)
	return nil
}

// standIn replaces a credential of azidentity with the emulator, which accepts any
// token.
type standIn struct{}

func (standIn) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "any token will do", ExpiresOn: time.Now().Add(time.Hour)}, nil
}
