package service

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/go-webpubsub/webpubsub/internal/connstr"
)

// What the client tells the service about itself.
const (
	// APIVersion of the data plane that the client speaks unless
	// [azcore.ClientOptions] name another.
	APIVersion = "2024-12-01"
	// DefaultScope is the Entra scope of the public cloud.
	DefaultScope = "https://webpubsub.azure.com/.default"

	moduleName    = "github.com/go-webpubsub/webpubsub/service"
	moduleVersion = "v0.1.0"
)

// Options of a [Client]. Nil and the zero value are the defaults.
type Options struct {
	// ClientOptions of every Azure SDK client: retries, transport, policies,
	// tracing, logging. Its APIVersion overrides [APIVersion]. Its Retry applies
	// to all operations but sends; see RetrySends.
	azcore.ClientOptions

	// Scope of the Entra token. Empty is [DefaultScope]; the cloud in China has
	// "https://webpubsub.azure.cn/.default".
	Scope string
	// ReverseProxy is the URL of a proxy in front of the service, such as an API
	// Management gateway. Requests, and the URLs of [Client.ClientAccess], go to
	// its scheme, host and path prefix; tokens stay made out to the service.
	ReverseProxy string
	// RetrySends makes sends as persistent as other operations. By default a
	// send is tried again only where the service cannot have taken it (no
	// connection, 429, 503), since a message could otherwise arrive twice.
	RetrySends bool
}

// Client calls the data plane of one hub. It is safe for concurrent use, and
// does not print or log its credential.
type Client struct {
	endpoint   *url.URL
	proxy      *url.URL // nil: none
	hub        string
	apiVersion string
	retrySends bool
	retry      policy.RetryOptions
	core       *azcore.Client
	key        *AccessKey // nil: Entra
}

// NewClient makes a client that authenticates by Entra ID, for example with
// azidentity.NewDefaultAzureCredential. The credential needs the role "Web
// PubSub Service Owner". The endpoint must be https, except on loopback or
// where InsecureAllowCredentialWithHTTP is set.
func NewClient(endpoint, hub string, credential azcore.TokenCredential, opts *Options) (*Client, error) {
	if credential == nil {
		return nil, errors.New("service: new client: credential is nil")
	}
	c, o, err := newClient(endpoint, hub, opts)
	if err != nil {
		return nil, err
	}
	scope := o.Scope
	if scope == "" {
		scope = DefaultScope
	}
	insecure := o.InsecureAllowCredentialWithHTTP || isLoopback(c.endpoint.Hostname())
	if c.endpoint.Scheme == "http" && !insecure {
		return nil, fmt.Errorf("service: new client: endpoint %s is not https, and Entra tokens are not sent in the clear", c.endpoint)
	}
	auth := runtime.NewBearerTokenPolicy(credential, []string{scope}, &policy.BearerTokenOptions{InsecureAllowCredentialWithHTTP: insecure})
	return c, c.build(auth, o)
}

// NewClientWithKey makes a client that signs with an access key, which can be
// replaced while the client is in use.
func NewClientWithKey(endpoint, hub string, key *AccessKey, opts *Options) (*Client, error) {
	if key == nil || key.value.Load() == nil {
		return nil, errors.New("service: new client: access key is nil")
	}
	c, o, err := newClient(endpoint, hub, opts)
	if err != nil {
		return nil, err
	}
	c.key = key
	return c, c.build(keyPolicy{key}, o)
}

// NewClientFromConnectionString makes a client from a connection string as the
// portal shows it.
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

func newClient(endpoint, hub string, opts *Options) (*Client, Options, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	fail := func(err error) (*Client, Options, error) {
		return nil, o, fmt.Errorf("service: new client: %w", err)
	}
	if err := checkHub(hub); err != nil {
		return fail(err)
	}
	u, err := connstr.ParseEndpoint(endpoint)
	if err != nil {
		return fail(err)
	}
	c := &Client{endpoint: u, hub: hub, apiVersion: APIVersion, retrySends: o.RetrySends, retry: o.Retry}
	if o.APIVersion != "" {
		c.apiVersion = o.APIVersion
		o.APIVersion = "" // written into the URL here, not by azcore
	}
	if o.ReverseProxy != "" {
		if c.proxy, err = connstr.ParseEndpoint(o.ReverseProxy); err != nil {
			return fail(fmt.Errorf("ReverseProxy: %w", err))
		}
	}
	return c, o, nil
}

// build makes the pipeline: each try is authenticated afresh, for the service's
// own URL, and only then sent to the proxy.
func (c *Client) build(auth policy.Policy, o Options) error {
	perRetry := []policy.Policy{auth}
	if c.proxy != nil {
		perRetry = append(perRetry, proxyPolicy{from: c.endpoint, to: c.proxy})
	}
	core, err := azcore.NewClient(moduleName, moduleVersion, runtime.PipelineOptions{PerRetry: perRetry}, &o.ClientOptions)
	if err != nil {
		return fmt.Errorf("service: new client: %w", err)
	}
	c.core = core
	return nil
}

// Hub gives the name of the hub.
func (c *Client) Hub() string { return c.hub }

// Endpoint gives the service's URL.
func (c *Client) Endpoint() string { return c.endpoint.String() }

// String names the endpoint and the hub, and no credential.
func (c *Client) String() string {
	return fmt.Sprintf("service.Client(%s, hub %q)", c.endpoint, c.hub)
}

// GoString is String.
func (c *Client) GoString() string { return c.String() }

// LogValue is String.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

func isLoopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}
