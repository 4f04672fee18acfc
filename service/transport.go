package service

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Limits of the body of an answer.
const (
	maxBody      = 8 << 20 // a page of a listing
	maxErrorBody = 64 << 10
)

// transport removes URLs and tokens from errors and refusals, before they can be
// logged, and limits bodies.
type transport struct{ next policy.Transporter }

func (t transport) Do(req *http.Request) (*http.Response, error) {
	if err := openBody(req); err != nil {
		return nil, err
	}
	resp, err := t.next.Do(req)
	switch {
	case err != nil:
		return nil, withoutToken(withoutURL(err), bearer(req))
	case resp == nil:
		return nil, errors.New("transport returned neither answer nor error")
	}
	if resp.Request == nil {
		resp.Request = req
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		hideToken(resp, bearer(req))
	} else if resp.Body != http.NoBody {
		resp.Body = &boundedBody{resp.Body, maxBody}
	}
	return resp, nil
}

// hideToken reads the body of an answer and removes the token of its request from
// the whole answer.
func hideToken(resp *http.Response, token string) {
	body, _ := io.ReadAll(&boundedBody{resp.Body, maxErrorBody}) // a part is enough
	_ = resp.Body.Close()
	if token != "" {
		body = bytes.ReplaceAll(body, []byte(token), []byte(redacted))
		resp.Status = strings.ReplaceAll(resp.Status, token, redacted)
		for _, values := range resp.Header {
			for i := range values {
				values[i] = strings.ReplaceAll(values[i], token, redacted)
			}
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
}

// withoutToken returns an error whose text has no token: the error of net/http for a
// redirect quotes the answer.
func withoutToken(err error, token string) error {
	if text := err.Error(); token != "" && strings.Contains(text, token) {
		return errors.New(strings.ReplaceAll(text, token, redacted))
	}
	return err
}

func bearer(req *http.Request) string {
	return strings.TrimPrefix(req.Header.Get(wire.HeaderAuthorization), bearerPrefix)
}

// boundedBody is a body that ends after left bytes.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// withoutURL returns the cause of errors with a URL, which names users, groups and
// filters.
func withoutURL(err error) error {
	for {
		var u *url.Error
		if !errors.As(err, &u) {
			return err
		}
		err = u.Err
	}
}

// defaultTransport does not follow redirects: a token is for one URL, and a message
// must not go to another host. All clients share its connections.
var defaultTransport = sync.OnceValue(func() *http.Client {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dialer.DialContext,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          100,
			MaxIdleConnsPerHost:   100, // all go to the same few hosts
			IdleConnTimeout:       90 * time.Second,
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
			HTTP2:                 &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		},
	}
})
