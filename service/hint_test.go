package service_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
)

// hinted returns the error of a call to an endpoint.
func hinted(t *testing.T, endpoint string, transport policy.Transporter, call func(context.Context, *service.Client) error) error {
	t.Helper()
	opts := new(service.Options)
	opts.Transport = transport
	opts.Retry.MaxRetries = -1
	c, err := service.NewClientFromConnectionString("Endpoint="+endpoint+";AccessKey="+testKey, testHub, opts)
	require.NoError(t, err)
	return call(t.Context(), c)
}

func sendHi(ctx context.Context, c *service.Client) error { return c.All().SendText(ctx, "hi", nil) }

func userExists(ctx context.Context, c *service.Client) error {
	_, err := c.User("ann").Exists(ctx)
	return err
}

// TestHints: for mistakes in the setup, the error has the value, the rule and the
// remedy.
func TestHints(t *testing.T) {
	t.Parallel()
	const html = "<!DOCTYPE html><title>Welcome</title>"
	page := "(" + testEndpoint + " answers with a web page: is it the endpoint of a Web PubSub resource?)"
	tests := []struct {
		name     string
		endpoint string
		answer   *http.Response
		call     func(context.Context, *service.Client) error
		err      string
	}{
		{"web page that is found", testEndpoint, reply(200, []string{"Content-Type", "text/html; charset=utf-8"}, ""), func(ctx context.Context, c *service.Client) error { return c.Health(ctx) }, "GetServiceStatus: 200 OK " + page},
		{"web page to a send", testEndpoint, reply(200, nil, html), sendHi, "SendToAll: 200 OK: want status 202 " + page},
		{"web page to a question", testEndpoint, reply(200, []string{"Content-Type", "text/html"}, ""), userExists, "UserExists: 200 OK " + page},
		{"web page that is not found", testEndpoint, reply(404, []string{"Content-Type", "TEXT/HTML"}, ""), userExists, "UserExists: 404 Not Found " + page},
		{"web page that refuses", testEndpoint, reply(403, nil, "\n <HTML>No</HTML>"), sendHi, "SendToAll: 403 Forbidden: <HTML>No</HTML> " + page},
		{"other API", testEndpoint, reply(404, nil, "404 page not found"), sendHi, "SendToAll: 404 Not Found: 404 page not found (" + testEndpoint + " has no such operation: is it the endpoint of a Web PubSub resource?)"},
		{"TLS, says Go", "http://a.example", reply(400, nil, "Client sent an HTTP request to an HTTPS server.\n"), sendHi, "SendToAll: 400 Bad Request: Client sent an HTTP request to an HTTPS server. (http://a.example speaks https, not http: write https:// in the endpoint)"},
		{"TLS, says nginx", "http://a.example", reply(400, nil, "<html>The plain HTTP request was sent to HTTPS port</html>"), sendHi, "SendToAll: 400 Bad Request: <html>The plain HTTP request was sent to HTTPS port</html> (http://a.example speaks https, not http: write https:// in the endpoint)"},
		{"TLS, by a redirect", "http://a.example", reply(301, []string{"Location", "https://a.example/x"}, ""), sendHi, "SendToAll: 301 Moved Permanently: want status 202 (http://a.example speaks https, not http: write https:// in the endpoint)"},
		{"gateway", testEndpoint, reply(502, []string{"Content-Type", "text/html"}, ""), sendHi, "SendToAll: 502 Bad Gateway"},
		{"nothing is wrong", testEndpoint, reply(404, []string{"X-Ms-Error-Code", "Warning.User.NotExisted"}, ""), userExists, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{answer: func(int, *http.Request) (*http.Response, error) { return tt.answer, nil }}
			err := hinted(t, tt.endpoint, f, tt.call)
			if tt.err == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, "service: "+tt.err)
		})
	}
}

// TestHintsOfTransports: an http server behind an https endpoint, and none at all.
func TestHintsOfTransports(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	own := &http.Client{Transport: transport}
	secure := "https" + strings.TrimPrefix(plain.URL, "http")
	err := hinted(t, secure, own, sendHi)
	require.ErrorIs(t, err, http.ErrSchemeMismatch)
	require.ErrorContains(t, err, "("+secure+" speaks http, not https: write http:// in the endpoint)")

	encrypted := httptest.NewUnstartedServer(http.NotFoundHandler())
	encrypted.Config.ErrorLog = log.New(io.Discard, "", 0)
	encrypted.StartTLS()
	t.Cleanup(encrypted.Close)
	open := "http" + strings.TrimPrefix(encrypted.URL, "https")
	require.ErrorContains(t, hinted(t, open, own, sendHi), "("+open+" speaks https, not http: write https:// in the endpoint)")

	const nobody = "http://127.0.0.1:8080"
	refused := &fake{answer: fails(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})}
	require.EqualError(t, hinted(t, nobody, refused, sendHi), "service: SendToAll: dial tcp: connection refused (nothing listens at "+nobody+": is the emulator running?)")
	require.EqualError(t, hinted(t, testEndpoint, refused, sendHi), "service: SendToAll: dial tcp: connection refused")

	lost := &fake{answer: fails(&net.DNSError{Err: "no such host", Name: "name.webpubsub.azure.com", IsNotFound: true})}
	require.EqualError(t, hinted(t, testEndpoint, lost, sendHi), "service: SendToAll: lookup name.webpubsub.azure.com: no such host (is "+testEndpoint+" the endpoint of a Web PubSub resource?)")
}

// TestHintsOfUnauthorized: a wrong key, a credential that is not accepted, and a clock
// with which every token is expired.
func TestHintsOfUnauthorized(t *testing.T) {
	t.Parallel()
	const (
		header = `Bearer error="invalid_token", error_description="The token expired at '01/01/2000'"`
		key    = "the access key is not or no longer one of " + testEndpoint
		entra  = testEndpoint + " does not accept the token of the credential: it must be of the tenant of the resource, for its Scope, and not expired"
	)
	for _, tt := range []struct {
		name  string
		late  time.Duration // the service's clock
		said  string
		entra bool
		hint  string
	}{
		{"key", 0, "", false, key},
		{"key within the leeway", 5 * time.Minute, "", false, key},
		{"what the service says", 0, header, false, key + "; the answer is: " + header},
		{"what says nothing", 0, "Bearer", false, key},
		{"credential", 0, header, true, entra + "; the answer is: " + header},
		{"clock behind", 7 * time.Minute, header, false, key + "; the answer is: " + header + "; or the token is not valid at this time: the clock of this machine is 7m0s behind, set it"},
		{"clock ahead", -2 * time.Hour, "", true, entra + "; or the token is not valid at this time: the clock of this machine is 2h0m0s ahead, set it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{answer: func(int, *http.Request) (*http.Response, error) {
					return reply(401, []string{"Date", time.Now().Add(tt.late).UTC().Format(http.TimeFormat), "WWW-Authenticate", tt.said}, ""), nil
				}}
				c := keyClient(t, once(f))
				if tt.entra {
					c = entraClient(t, &credential{}, once(f))
				}
				err := userExists(t.Context(), c)
				require.ErrorIs(t, err, service.ErrUnauthorized)
				var e *service.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, tt.hint, e.Hint)
				assert.Equal(t, "service: UserExists: 401 Unauthorized ("+tt.hint+")", err.Error())
			})
		})
	}
}
