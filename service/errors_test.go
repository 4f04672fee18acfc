package service_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
)

// once returns a client that tries once, so that errors need no wait.
func once(f *fake) *service.Options {
	opts := over(f)
	opts.Retry = policy.RetryOptions{MaxRetries: -1}
	return opts
}

const (
	recorded = `{"code":"Info.Connection.NotExisted","message":"Connection ` + "`conn1`" + ` is not found.","target":"Connection","details":null,"innererror":null}`
	problem  = `{"errors":{"hub":["The field hub must match the regular expression."]},"type":"https://tools.ietf.org/html/rfc7231#section-6.5.1","title":"One or more validation errors occurred.","status":400,"traceId":"00-1"}`
)

// errorBodies are the shapes of refusals by the service and by what is in front of it.
var errorBodies = []struct {
	name   string
	status int
	code   string // header x-ms-error-code
	body   string
	want   service.Error
	text   string
}{
	{
		"error detail", 404, "Info.Connection.NotExisted", recorded,
		service.Error{Code: "Info.Connection.NotExisted", Message: "Connection `conn1` is not found.", Target: "Connection"},
		"404 Not Found: Info.Connection.NotExisted: Connection `conn1` is not found.",
	},
	{
		"inner error", 400, "", `{"code":"a","message":"m","innererror":{"code":"b","inner":{"code":"c","innererror":null}}}`,
		service.Error{Code: "a", Message: "m", Inner: []string{"b", "c"}}, "400 Bad Request: a: m",
	},
	{
		"inner error by its other name", 400, "", `{"code":"a","inner":{"code":"b"}}`,
		service.Error{Code: "a", Inner: []string{"b"}}, "400 Bad Request: a",
	},
	{
		"validation problem", 400, "", problem,
		service.Error{Message: "The field hub must match the regular expression.", Target: "hub"},
		"400 Bad Request: The field hub must match the regular expression.",
	},
	{
		"validation problem of several", 400, "", `{"title":"t","errors":{"b":["3"],"a":["1","2"]}}`,
		service.Error{Message: "1 2 3", Target: "a"}, "400 Bad Request: 1 2 3",
	},
	{
		"problem without errors", 415, "", `{"type":"x","title":"Unsupported Media Type","status":415}`,
		service.Error{Message: "Unsupported Media Type"}, "415 Unsupported Media Type: Unsupported Media Type",
	},
	{"plain text", 404, "", " User `x` is not found.\r\n", service.Error{Message: "User `x` is not found."}, "404 Not Found: User `x` is not found."},
	{"quoted text", 400, "", `"The request body is not a valid JSON."`, service.Error{Message: "The request body is not a valid JSON."}, "400 Bad Request: The request body is not a valid JSON."},
	{"gateway", 502, "", "<html>\n<h1>502</h1>\x00</html>", service.Error{Message: "<html> <h1>502</h1> </html>"}, "502 Bad Gateway: <html> <h1>502</h1> </html>"},
	{
		"wrapped by a gateway", 403, "", `{"error":{"code":"Denied","message":"m","target":"t"}}`,
		service.Error{Code: "Denied", Message: "m", Target: "t"}, "403 Forbidden: Denied: m",
	},
	{"byte order mark", 400, "", "\xef\xbb\xbf" + `{"message":"m"}`, service.Error{Message: "m"}, "400 Bad Request: m"},
	{"members of other types", 400, "h", `{"code":5,"message":["x"],"target":{},"inner":7,"errors":"e","title":null}`, service.Error{Code: "h"}, "400 Bad Request: h"},
	{
		"empty", 401, "", "", service.Error{Hint: "the access key is not or no longer one of " + testEndpoint},
		"401 Unauthorized (the access key is not or no longer one of " + testEndpoint + ")",
	},
	{"empty with code", 404, "Error.User.NotExisted", "", service.Error{Code: "Error.User.NotExisted"}, "404 Not Found: Error.User.NotExisted"},
	{"long", 500, "", strings.Repeat("ü", 50000), service.Error{Message: strings.Repeat("ü", 256) + "…"}, "500 Internal Server Error: " + strings.Repeat("ü", 256) + "…"},
	{"unknown status", 599, "", "", service.Error{}, "599 "},
}

func TestErrorBodies(t *testing.T) {
	t.Parallel()
	for _, test := range errorBodies {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{answer: func(int, *http.Request) (*http.Response, error) {
				header := []string{}
				if test.code != "" {
					header = []string{"x-ms-error-code", test.code}
				}
				return reply(test.status, header, test.body), nil
			}}
			err := keyClient(t, once(f)).Connection("conn1").Grant(t.Context(), service.SendToGroup, "g")
			require.EqualError(t, err, "service: GrantPermission: "+test.text)
			var e *service.Error
			require.ErrorAs(t, err, &e)
			var azure *azcore.ResponseError
			require.ErrorAs(t, err, &azure)
			assert.Equal(t, test.status, azure.StatusCode)
			assert.Equal(t, test.status, azure.RawResponse.StatusCode)
			got := *e
			got.Err = nil
			want := test.want
			want.Operation, want.StatusCode = "GrantPermission", test.status
			assert.Equal(t, want, got)
		})
	}
}

func TestErrorIs(t *testing.T) {
	t.Parallel()
	sentinels := map[int]error{401: service.ErrUnauthorized, 403: service.ErrForbidden, 404: service.ErrNotFound, 429: service.ErrTooManyRequests, 0: service.ErrInvalid}
	for status := range sentinels {
		f := &fake{status: status}
		c := keyClient(t, once(f))
		err := c.Group("g").AddUser(t.Context(), "u")
		if status == 0 {
			err = c.Group("").AddUser(t.Context(), "u")
		}
		for other, sentinel := range sentinels {
			assert.Equal(t, status == other, errors.Is(err, sentinel), "%d is %v", status, sentinel)
		}
	}
	assert.NotErrorIs(t, keyClient(t, once(&fake{answer: fails(io.EOF)})).Health(t.Context()), service.ErrInvalid, "never answered")
}

// endless is a body without end that counts the bytes read from it.
type endless struct{ read, closed int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.read += len(p)
	return len(p), nil
}

func (e *endless) Close() error { e.closed++; return nil }

// TestBodiesAreBounded: those of errors and those of answers.
func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	for status, most := range map[int]int{200: 8 << 20, 202: 8 << 20, 500: 64 << 10} {
		body := new(endless)
		f := &fake{answer: func(int, *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: body, ContentLength: -1}, nil
		}}
		err := keyClient(t, once(f)).All().SendText(t.Context(), "hi", nil)
		assert.Equal(t, status != 202, err != nil)
		assert.LessOrEqual(t, body.read, most)
		assert.Positive(t, body.closed)
	}
}

// TestBodyBreaks: a truncated answer is an error, and the message is not sent again.
func TestBodyBreaks(t *testing.T) {
	t.Parallel()
	f := &fake{answer: func(int, *http.Request) (*http.Response, error) {
		resp := reply(202, nil, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("x"), broken{}))
		return resp, nil
	}}
	err := keyClient(t, over(f)).All().SendText(t.Context(), "hi", nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	f.only(t)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestTransportReturnsNothing: neither an answer nor an error.
func TestTransportReturnsNothing(t *testing.T) {
	t.Parallel()
	err := keyClient(t, once(&fake{answer: fails(nil)})).Health(t.Context())
	require.EqualError(t, err, "service: GetServiceStatus: transport returned neither answer nor error")

	f := &fake{answer: func(int, *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}}, nil // no body at all
	}}
	require.NoError(t, keyClient(t, once(f)).All().CloseConnections(t.Context(), nil))
}

// FuzzErrorBody: for every body, the error has the status, is bounded, is one line and
// has no token. TOKEN stands for the token of the request.
func FuzzErrorBody(f *testing.F) {
	for _, test := range errorBodies {
		if len(test.body) < 1000 {
			f.Add(test.status, test.code, test.body)
		}
	}
	f.Add(400, "", strings.Repeat(`{"inner":`, 50)+"1"+strings.Repeat("}", 50))
	f.Add(404, "x", `{"error":{"error":{}},"errors":{"a":null}}`)
	f.Add(401, "TOKEN", `{"code":"TOKEN","message":"\u0000TOKENTOKEN","target":"TOKEN"}`)
	f.Add(302, "xTOKENx", "TOKEN")
	key, err := service.NewAccessKey(testKey)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, status int, code, body string) {
		if status < 300 || status > 999 {
			return
		}
		tr := &fake{answer: func(_ int, req *http.Request) (*http.Response, error) {
			token := strings.NewReplacer("TOKEN", strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "))
			return reply(status, []string{"X-Ms-Error-Code", token.Replace(code)}, token.Replace(body)), nil
		}}
		c, err := service.NewClientWithKey(testEndpoint, testHub, key, once(tr))
		require.NoError(t, err)
		var e *service.Error
		require.ErrorAs(t, c.Group("g").AddUser(t.Context(), "u"), &e)
		assert.Equal(t, status, e.StatusCode)
		assert.LessOrEqual(t, len(e.Error()), 1600)
		assert.LessOrEqual(t, len(e.Inner), 8)
		assert.True(t, utf8.ValidString(e.Error()))
		assert.False(t, strings.ContainsFunc(e.Error(), unicode.IsControl), "%q", e.Error())
		token := tr.only(t).bearer(t)
		for _, text := range append(e.Inner, e.Error(), e.Code, e.Message, e.Target, e.Err.Error()) {
			assert.NotContains(t, text, token)
		}
	})
}
