package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/go-webpubsub/webpubsub/service"
)

// authenticate makes a client in each of the three ways, and gives the first.
func authenticate(ctx context.Context, out io.Writer, connectionString string, entra func(string) (*service.Client, error)) (*service.Client, error) {
	heading(out, "Authenticate")
	first, err := service.NewClientFromConnectionString(connectionString, hub, nil)
	if err != nil {
		return nil, err
	}
	if err := try(ctx, out, "connection string", first); err != nil {
		return nil, err
	}
	second, err := withKey(first.Endpoint(), member(connectionString, "AccessKey"))
	if err != nil {
		return nil, err
	}
	if err := try(ctx, out, "access key", second); err != nil {
		return nil, err
	}
	if entra == nil {
		return first, nil
	}
	third, err := entra(first.Endpoint())
	if err != nil {
		return nil, err
	}
	return first, try(ctx, out, "Entra ID", third)
}

// withKey keeps the key apart: key.Replace exchanges it when it is rotated.
func withKey(endpoint, text string) (*service.Client, error) {
	key, err := service.NewAccessKey(text)
	if err != nil {
		return nil, err
	}
	return service.NewClientWithKey(endpoint, hub, key, nil)
}

// withDefaultCredential signs in with whatever identity there is: environment,
// workload, managed identity, or a developer's az login. It needs the role "Web
// PubSub Service Owner".
func withDefaultCredential(endpoint string) (*service.Client, error) {
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, err
	}
	return service.NewClient(endpoint, hub, credential, nil)
}

// standIn takes the place of a credential where there is no Entra ID.
type standIn struct{}

func (standIn) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "any token will do", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func withStandIn(endpoint string) (*service.Client, error) {
	return service.NewClient(endpoint, hub, standIn{}, nil)
}

// try asks something that only who is authorised is told.
func try(ctx context.Context, out io.Writer, how string, c *service.Client) error {
	there, err := c.User("nobody").Exists(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: user nobody exists: %t\n", how, there)
	return err
}

func member(connectionString, name string) string {
	for part := range strings.SplitSeq(connectionString, ";") {
		if k, v, _ := strings.Cut(part, "="); strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func heading(out io.Writer, text string) { _, _ = fmt.Fprintf(out, "\n%s\n", text) }
