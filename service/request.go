package service

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// call is one operation of the REST API, ready to send.
type call struct {
	operation string // name in the REST API, such as "SendToAll"
	method    string
	want      int // status of success
	route     route
	path      path    // below the hub
	verb      string  // last segment, such as ":send"; empty: none
	query     []param // after the API version, in order
	err       error   // a parameter that breaks a rule

	body        io.ReadSeekCloser // nil: none
	contentType string
	metadata    map[string]string
}

// path is the path of a call, in unescaped segments up to the first empty one.
type path [4]string

// param is an unescaped parameter of a query.
type param struct{ name, value string }

func (in *call) add(name, value string) { in.query = append(in.query, param{name, value}) }

func (in *call) addAll(name string, values []string) {
	for _, v := range values {
		in.add(name, v)
	}
}

func (in *call) addNonEmpty(name, value string) {
	if value != "" {
		in.add(name, value)
	}
}

func (in *call) addPositive(name string, n int) {
	if n > 0 {
		in.add(name, strconv.Itoa(n))
	}
}

// url returns the URL of a call, which is also the audience of its token.
func (c *Client) url(in *call) string {
	b := append(c.appendPath(make([]byte, 0, 256), in), '?')
	b = append(b, c.version...)
	for _, p := range in.query {
		b = append(append(append(b, '&'), p.name...), '=')
		b = appendEscaped(b, p.value, true)
	}
	return string(b)
}

// appendPath appends the URL of a call without its query.
func (c *Client) appendPath(b []byte, in *call) []byte {
	if in.operation == opHealth {
		return append(append(b, c.api...), "/health"...)
	}
	b = append(b, c.hubAPI...)
	for _, segment := range in.path {
		if segment == "" {
			break
		}
		b = appendEscaped(append(b, '/'), segment, false)
	}
	if in.verb != "" {
		b = append(append(b, '/'), in.verb...)
	}
	return b
}

// answer is an answer of the service.
type answer struct {
	status int
	body   []byte
}

// do sends a call. It returns the answer if its status is in.want or one of also.
func (c *Client) do(ctx context.Context, in *call, also ...int) (answer, error) {
	return c.doURL(ctx, in, c.url(in), also...)
}

// doURL is do with a given URL.
func (c *Client) doURL(ctx context.Context, in *call, target string, also ...int) (got answer, err error) {
	if in.err != nil {
		return answer{}, invalid(in.operation, in.err)
	}
	ctx, end := c.pipelines.span(ctx, in.operation)
	defer func() { end(err) }()
	req, err := newRequest(ctx, in, target)
	if err != nil {
		return answer{}, &Error{Operation: in.operation, Err: withoutURL(err)}
	}
	resp, err := c.pipelines.to[in.route].Do(req)
	if err != nil {
		return answer{}, &Error{Operation: in.operation, Err: withoutURL(err), Hint: c.hintOf(err)}
	}
	defer resp.Body.Close()
	if resp.StatusCode != in.want && !slices.Contains(also, resp.StatusCode) || isPage(resp) {
		return answer{}, c.responseError(in, resp)
	}
	body, _ := runtime.Payload(resp) // azcore has read it within the retries
	return answer{resp.StatusCode, body}, nil
}

func newRequest(ctx context.Context, in *call, target string) (*policy.Request, error) {
	req, err := runtime.NewRequest(ctx, in.method, target)
	if err != nil {
		return nil, err
	}
	header := req.Raw().Header
	switch {
	case in.route == routeToken:
		header["Accept"] = []string{"application/json, text/json"}
	case in.method != http.MethodHead:
		header["Accept"] = []string{wire.MediaJSON}
	}
	for name, v := range in.metadata {
		header.Set(wire.PrefixMetadata+name, v)
	}
	if in.body != nil {
		return req, req.SetBody(in.body, in.contentType)
	}
	return req, nil
}

// run is do for operations that return only a status.
func (c *Client) run(ctx context.Context, in *call) error {
	_, err := c.do(ctx, in)
	return err
}

// put is run for operations that add.
func (c *Client) put(ctx context.Context, in *call) error {
	in.method, in.want = http.MethodPut, http.StatusOK
	return c.run(ctx, in)
}

// delete is run for operations that remove.
func (c *Client) delete(ctx context.Context, in *call) error {
	in.method, in.want = http.MethodDelete, http.StatusNoContent
	return c.run(ctx, in)
}

// exists is do for operations that answer 200 or 404.
func (c *Client) exists(ctx context.Context, in *call) (bool, error) {
	in.method, in.want = http.MethodHead, http.StatusOK
	got, err := c.do(ctx, in, http.StatusNotFound)
	return err == nil && got.status == http.StatusOK, err
}
