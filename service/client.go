package service

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

const (
	// APIVersion is the version of the REST API. [azcore.ClientOptions] can set
	// another one.
	APIVersion = "2024-12-01"
	// DefaultScope is the Entra scope of the public cloud.
	DefaultScope = "https://webpubsub.azure.com/.default"
)

// Options configure a [Client]. Nil and the zero value are the defaults.
type Options struct {
	// ClientOptions are those of every Azure SDK client: retries, transport, policies,
	// tracing, logging. APIVersion overrides [APIVersion]. Cloud is ignored; see
	// Scope. The default Transport follows no redirects. Authorization headers and
	// answers with a token are never logged, whatever Logging allows.
	azcore.ClientOptions

	// Scope is the scope of Entra tokens. Empty is [DefaultScope]. In China it is
	// "https://webpubsub.azure.cn/.default".
	Scope string
	// ReverseProxy is the URL of a proxy in front of the service, such as an API
	// Management gateway. Requests and the URLs of [Client.ClientAccess] have its
	// scheme, host and path prefix. The audience of tokens is still the service.
	// Empty means no proxy.
	ReverseProxy string
	// RetrySends retries sends like other operations, so that a message can arrive
	// twice. By default a send is retried, within Retry, only if the service cannot
	// have accepted it: without a connection, after 429 and after 503.
	RetrySends bool
}

// Client calls the REST API for one hub. It is safe for concurrent use. It does not
// print or log its credential.
type Client struct {
	endpoint  *url.URL
	access    *url.URL // of requests and clients: the proxy, if there is one
	hub       string
	api       string     // URL up to /api, inclusive
	hubAPI    string     // URL up to the hub, inclusive
	version   string     // query parameter api-version
	key       *AccessKey // nil: Entra
	pipelines pipelines
}

// NewClient returns a client that authenticates by Entra ID, for example with
// azidentity.NewDefaultAzureCredential. The identity needs the role "Web PubSub
// Service Owner". The endpoint, or the proxy, must use https unless it is a loopback
// address or InsecureAllowCredentialWithHTTP is set.
func NewClient(endpoint, hub string, credential azcore.TokenCredential, opts *Options) (*Client, error) {
	if credential == nil {
		return nil, errors.New("service: new client: credential is nil; want one of package azidentity, or an access key by NewClientWithKey")
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	c, err := newClient(endpoint, hub, o)
	if err != nil {
		return nil, fmt.Errorf("service: new client: %w", err)
	}
	if c.access.Scheme != "https" && !o.InsecureAllowCredentialWithHTTP && !rule.IsLoopback(c.access.Hostname()) {
		return nil, fmt.Errorf("service: new client: %s is not https, want https for Entra tokens", c.access)
	}
	// The scheme is checked above: the policy would check the service's URL, not
	// the proxy's.
	auth := runtime.NewBearerTokenPolicy(credential, []string{cmp.Or(o.Scope, DefaultScope)}, &policy.BearerTokenOptions{InsecureAllowCredentialWithHTTP: true})
	c.pipelines = newPipelines(auth, c.proxy(), o)
	return c, nil
}

// NewClientWithKey returns a client that signs requests with an access key, which
// can be replaced while the client is in use. The key is never sent, so http is
// enough for an emulator.
func NewClientWithKey(endpoint, hub string, key *AccessKey, opts *Options) (*Client, error) {
	if key == nil || key.current.Load() == nil {
		return nil, errors.New("service: new client: access key is nil, want one of NewAccessKey")
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	c, err := newClient(endpoint, hub, o)
	if err != nil {
		return nil, fmt.Errorf("service: new client: %w", err)
	}
	c.key = key
	c.pipelines = newPipelines(keyPolicy{key}, c.proxy(), o)
	return c, nil
}

// NewClientFromConnectionString returns a client for a connection string from the
// Azure portal.
func NewClientFromConnectionString(connectionString, hub string, opts *Options) (*Client, error) {
	parsed, err := connstr.Parse(connectionString)
	if err != nil {
		return nil, fmt.Errorf("service: new client: %w", err)
	}
	if parsed.AccessKey == "" {
		return nil, errors.New("service: new client: connection string has no AccessKey; use NewClient for identity-based access")
	}
	key, err := NewAccessKey(parsed.AccessKey)
	if err != nil {
		return nil, err
	}
	return NewClientWithKey(parsed.Endpoint.String(), hub, key, opts)
}

func newClient(endpoint, hub string, o Options) (*Client, error) {
	if err := rule.CheckHub(hub); err != nil {
		return nil, err
	}
	base, err := parseBase(endpoint)
	if err != nil {
		return nil, err
	}
	c := &Client{endpoint: base, access: base, hub: hub}
	if o.ReverseProxy != "" {
		if c.access, err = parseBase(o.ReverseProxy); err != nil {
			return nil, fmt.Errorf("ReverseProxy: %w", err)
		}
	}
	c.api = base.String() + "/api"
	c.hubAPI = string(appendEscaped([]byte(c.api+"/hubs/"), hub, false))
	c.version = string(appendEscaped([]byte("api-version="), cmp.Or(o.APIVersion, APIVersion), true))
	return c, nil
}

func (c *Client) proxy() policy.Policy {
	if c.access == c.endpoint {
		return nil
	}
	return proxyPolicy{from: c.endpoint, to: c.access}
}

// Hub returns the name of the hub.
func (c *Client) Hub() string { return c.hub }

// Endpoint returns the service's URL.
func (c *Client) Endpoint() string { return c.endpoint.String() }

// String returns the endpoint and the hub, without the credential.
func (c *Client) String() string {
	return fmt.Sprintf("service.Client(%s, hub %q)", c.endpoint, c.hub)
}

// Format writes the String for every verb.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns the String.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }
