package service

import (
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
	// APIVersion of the data plane that the client speaks unless
	// [azcore.ClientOptions] name another.
	APIVersion = "2024-12-01"
	// DefaultScope is the Entra scope of the public cloud.
	DefaultScope = "https://webpubsub.azure.com/.default"
)

// Options of a [Client]. Nil and the zero value are the defaults.
type Options struct {
	// ClientOptions of every Azure SDK client: retries, transport, policies,
	// tracing, logging. Its APIVersion overrides [APIVersion]; its Cloud has no
	// meaning here, see Scope. The default Transport follows no redirect.
	// Whatever Logging allows, no Authorization header and no answer that
	// contains a token is logged.
	azcore.ClientOptions

	// Scope of the Entra token. Empty is [DefaultScope]; the cloud in China has
	// "https://webpubsub.azure.cn/.default".
	Scope string
	// ReverseProxy is the URL of a proxy in front of the service, such as an API
	// Management gateway. Requests, and the URLs of [Client.ClientAccess], go to
	// its scheme, host and path prefix; tokens stay made out to the service.
	// Empty: there is none.
	ReverseProxy string
	// RetrySends makes sends as persistent as other operations. By default a
	// send is tried again only where the service cannot have taken it (no
	// connection, 429, 503), and where Retry allows it; a message could
	// otherwise arrive twice.
	RetrySends bool
}

// Client calls the data plane of one hub. It is safe for concurrent use, and
// does not print or log its credential.
type Client struct {
	endpoint  *url.URL
	access    *url.URL // where requests and clients go: the proxy, if there is one
	hub       string
	api       string     // URL up to and with /api
	hubAPI    string     // URL up to and with the hub
	version   string     // query parameter api-version
	key       *AccessKey // nil: Entra
	pipelines pipelines
}

// NewClient makes a client that authenticates by Entra ID, for example with
// azidentity.NewDefaultAzureCredential. The credential needs the role "Web
// PubSub Service Owner". Requests must go by https, except to loopback or
// where InsecureAllowCredentialWithHTTP is set.
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
	if c.access.Scheme != "https" && !o.InsecureAllowCredentialWithHTTP && !isLoopback(c.access.Hostname()) {
		return nil, fmt.Errorf("service: new client: %s is not https, and Entra tokens are not sent in the clear", c.access)
	}
	scope := o.Scope
	if scope == "" {
		scope = DefaultScope
	}
	// What may be sent where was decided above, by the URL that counts; the
	// policy would look at the service's, not the proxy's.
	auth := runtime.NewBearerTokenPolicy(credential, []string{scope}, &policy.BearerTokenOptions{InsecureAllowCredentialWithHTTP: true})
	c.pipelines = newPipelines(auth, c.proxy(), o)
	return c, nil
}

// NewClientWithKey makes a client that signs with an access key, which can be
// replaced while the client is in use. The key itself never leaves the process,
// so http will do for an emulator.
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
	version := o.APIVersion
	if version == "" {
		version = APIVersion
	}
	c.api = base.String() + "/api"
	c.hubAPI = string(appendEscaped([]byte(c.api+"/hubs/"), hub, false))
	c.version = string(appendEscaped([]byte("api-version="), version, true))
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

// String names the endpoint and the hub, and no credential.
func (c *Client) String() string {
	return fmt.Sprintf("service.Client(%s, hub %q)", c.endpoint, c.hub)
}

// Format is String, whatever the verb.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue is String.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }
