package service

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// clockLeeway is the difference of clocks that the service tolerates.
const clockLeeway = 5 * time.Minute

// hintOf returns the likely mistake behind a call without an answer.
func (c *Client) hintOf(err error) string {
	var dns *net.DNSError
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Sprintf("%s speaks http, not https: write http:// in the endpoint", c.access)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("is %s the endpoint of a Web PubSub resource?", c.access)
	case errors.Is(err, syscall.ECONNREFUSED) && rule.IsLoopback(c.access.Hostname()):
		return fmt.Sprintf("nothing listens at %s: is the emulator running?", c.access)
	}
	return ""
}

// hintFor returns the likely mistake behind a call that was refused with e.
func (c *Client) hintFor(resp *http.Response, e *Error) string {
	const endpoint = "is it the endpoint of a Web PubSub resource?"
	switch status := resp.StatusCode; {
	case c.access.Scheme == "http" && wantsHTTPS(resp, e):
		return fmt.Sprintf("%s speaks https, not http: write https:// in the endpoint", c.access)
	case isPage(resp):
		return fmt.Sprintf("%s answers with a web page: %s", c.access, endpoint)
	case status == http.StatusUnauthorized:
		return c.hintUnauthorized(resp)
	case status == http.StatusForbidden && c.key == nil:
		return `the identity needs the role "Web PubSub Service Owner", and the network of the resource must be open to this machine`
	case status == http.StatusMethodNotAllowed, status == http.StatusNotFound && e.Code == "" && !mayMiss(e.Operation):
		return fmt.Sprintf("%s has no such operation: %s", c.access, endpoint)
	}
	return ""
}

// mayMiss reports whether the service can answer 404 to an operation.
func mayMiss(operation string) bool {
	switch operation {
	case "AddUserToGroup", "AddConnectionToGroup", "GrantPermission":
		return true
	}
	return false
}

// hintUnauthorized names the key or credential, and the clock if it is wrong, since
// the answer may not name the cause.
func (c *Client) hintUnauthorized(resp *http.Response) string {
	hint := fmt.Sprintf("the access key is not or no longer one of %s", c.endpoint)
	if c.key == nil {
		hint = fmt.Sprintf("%s does not accept the token of the credential: it must be of the tenant of the resource, for its Scope, and not expired", c.endpoint)
	}
	if said := resp.Header.Get("WWW-Authenticate"); strings.Contains(said, "error") {
		hint += "; the answer is: " + excerpt.Line(said, maxErrorText/2)
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		if off := time.Since(date).Round(time.Second); off.Abs() > clockLeeway {
			direction := "ahead"
			if off < 0 {
				direction = "behind"
			}
			hint += fmt.Sprintf("; or the token is not valid at this time: the clock of this machine is %v %s, set it", off.Abs(), direction)
		}
	}
	return hint
}

// wantsHTTPS reports whether the server requires TLS.
func wantsHTTPS(resp *http.Response, e *Error) bool {
	if resp.StatusCode < http.StatusBadRequest {
		return strings.HasPrefix(strings.ToLower(resp.Header.Get("Location")), "https://")
	}
	message := strings.ToLower(e.Message)
	return strings.Contains(message, "http request to an https server") || // of Go
		strings.Contains(message, "plain http request was sent to https port") // of nginx
}

// isPage reports whether an answer is a web page, and thereby not the service's. The
// page of a server error may be that of a gateway in front of the service.
func isPage(resp *http.Response) bool {
	if resp.StatusCode >= http.StatusInternalServerError {
		return false
	}
	if strings.HasPrefix(strings.ToLower(resp.Header.Get("Content-Type")), "text/html") {
		return true
	}
	body, _ := runtime.Payload(resp) // in memory by now
	head := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 64)]))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}
