package service

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// call is one operation of the data plane, ready to be sent.
type call struct {
	operation string // name for errors, such as "SendToAll"
	method    string
	path      []string // below /api/hubs/{hub}, not yet escaped
	query     query
	prepare   func(*policy.Request) error // sets body and headers
	send      bool                        // must not be repeated if it may have been taken
	err       error                       // a parameter that breaks a rule
}

// query keeps its parameters in order: the token is made out to exactly this URL.
type query []struct{ name, value string }

func (q *query) add(name, value string) {
	*q = append(*q, struct{ name, value string }{name, value})
}

func (q *query) addAll(name string, values []string) {
	for _, v := range values {
		q.add(name, v)
	}
}

func (q *query) addNonEmpty(name, value string) {
	if value != "" {
		q.add(name, value)
	}
}

func (q *query) addPositive(name string, n int) {
	if n > 0 {
		q.add(name, strconv.Itoa(n))
	}
}

// encode escapes a space as %20: + means a space only to some of those who
// read the URL in a token's audience.
func (q query) encode() string {
	var b strings.Builder
	for i, p := range q {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name)
		b.WriteByte('=')
		b.WriteString(strings.ReplaceAll(url.QueryEscape(p.value), "+", "%20"))
	}
	return b.String()
}

// url writes the call's URL; verbs such as ":send" keep their colon.
func (c *Client) url(in *call) string {
	var b strings.Builder
	b.WriteString(c.endpoint.String())
	b.WriteString("/api")
	if in.path != nil {
		b.WriteString("/hubs/" + url.PathEscape(c.hub))
	} else {
		b.WriteString("/health")
	}
	for _, segment := range in.path {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(segment))
	}
	q := append(query{{"api-version", c.apiVersion}}, in.query...)
	return b.String() + "?" + q.encode()
}

// do sends the call and gives the answer if its status is one of want.
func (c *Client) do(ctx context.Context, in *call, want ...int) (*http.Response, error) {
	if in.err != nil {
		return nil, &Error{Operation: in.operation, Message: in.err.Error(), Err: in.err}
	}
	return c.get(ctx, in, c.url(in), want...)
}

func (c *Client) get(ctx context.Context, in *call, target string, want ...int) (*http.Response, error) {
	if in.send && !c.retrySends {
		ctx = policy.WithRetryOptions(ctx, c.sendRetry())
	}
	req, err := runtime.NewRequest(ctx, in.method, target)
	if err != nil {
		return nil, &Error{Operation: in.operation, Message: err.Error(), Err: err}
	}
	if in.method != http.MethodHead {
		req.Raw().Header.Set("Accept", "application/json")
	}
	if in.prepare != nil {
		if err := in.prepare(req); err != nil {
			return nil, &Error{Operation: in.operation, Message: err.Error(), Err: err}
		}
	}
	resp, err := c.core.Pipeline().Do(req)
	if err != nil {
		return nil, transportError(in.operation, err)
	}
	if runtime.HasStatusCode(resp, want...) {
		return resp, nil
	}
	return nil, responseError(in.operation, resp)
}

// run is do for operations that answer nothing but a status.
func (c *Client) run(ctx context.Context, in *call, want ...int) error {
	resp, err := c.do(ctx, in, want...)
	if err != nil {
		return err
	}
	runtime.Drain(resp)
	return nil
}

// exists is do for operations that answer a question by 200 or 404.
func (c *Client) exists(ctx context.Context, in *call) (bool, error) {
	in.method = http.MethodHead
	resp, err := c.do(ctx, in, http.StatusOK, http.StatusNotFound)
	if err != nil {
		return false, err
	}
	runtime.Drain(resp)
	return resp.StatusCode == http.StatusOK, nil
}

// sendRetry repeats a send only where the service cannot have taken it.
func (c *Client) sendRetry() policy.RetryOptions {
	o := c.retry
	o.ShouldRetry = func(resp *http.Response, err error) bool {
		if err != nil {
			return neverSent(err)
		}
		return resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable
	}
	return o
}

// neverSent tells whether a transport failed before there was a connection.
func neverSent(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	return errors.As(err, &dns) || (errors.As(err, &op) && op.Op == "dial")
}
