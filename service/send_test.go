package service_test

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// sender has the methods of every target.
type sender interface {
	SendText(ctx context.Context, text string, opts *service.SendOptions) error
	SendJSON(ctx context.Context, v any, opts *service.SendOptions) error
	SendBinary(ctx context.Context, data []byte, opts *service.SendOptions) error
	Send(ctx context.Context, contentType string, body io.ReadSeeker, opts *service.SendOptions) error
}

func senders(c *service.Client) map[string]sender {
	return map[string]sender{"all": c.All(), "group": c.Group("g"), "user": c.User("u"), "connection": c.Connection("c")}
}

// TestPayloads: text is sent as it is, strings in JSON are quoted.
func TestPayloads(t *testing.T) {
	t.Parallel()
	midway := bytes.NewReader([]byte("from the start"))
	_, err := midway.Seek(5, io.SeekStart)
	require.NoError(t, err)
	tests := []struct {
		name, contentType, body string
		send                    func(context.Context, sender) error
	}{
		{"text", "text/plain", `"hé" <&>`, func(ctx context.Context, s sender) error { return s.SendText(ctx, `"hé" <&>`, nil) }},
		{"empty text", "text/plain", "", func(ctx context.Context, s sender) error { return s.SendText(ctx, "", nil) }},
		{"string as JSON", "application/json", `"hi <&> \"you\""`, func(ctx context.Context, s sender) error { return s.SendJSON(ctx, `hi <&> "you"`, nil) }},
		{"nil as JSON", "application/json", `null`, func(ctx context.Context, s sender) error { return s.SendJSON(ctx, nil, nil) }},
		{"struct as JSON", "application/json", `{"ConnectionID":"c"}`, func(ctx context.Context, s sender) error {
			return s.SendJSON(ctx, struct{ ConnectionID string }{"c"}, nil)
		}},
		{"binary", "application/octet-stream", "\x00\xff\n", func(ctx context.Context, s sender) error { return s.SendBinary(ctx, []byte("\x00\xff\n"), nil) }},
		{"empty binary", "application/octet-stream", "", func(ctx context.Context, s sender) error { return s.SendBinary(ctx, nil, nil) }},
		{"reader", "Text/Plain; charset=utf-16", "from the reader", func(ctx context.Context, s sender) error {
			return s.Send(ctx, "Text/Plain; charset=utf-16", slowSeeker{bytes.NewReader([]byte("from the reader"))}, nil)
		}},
		{"reader midway", "application/json", "from the start", func(ctx context.Context, s sender) error { return s.Send(ctx, "application/json", midway, nil) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{status: 202}
			for name, s := range senders(keyClient(t, over(f))) {
				if test.name == "reader midway" && name != "all" {
					continue // one reader is for one send
				}
				require.NoError(t, test.send(t.Context(), s), name)
			}
			for _, got := range f.requests() {
				assert.Equal(t, test.contentType, got.Header.Get("Content-Type"))
				assert.Equal(t, test.body, got.Body)
				assert.Equal(t, int64(len(test.body)), got.Length)
			}
			assert.NotEmpty(t, f.requests())
		})
	}
}

// TestSendRefuses: nothing that breaks a rule is sent, and the error names the rule.
func TestSendRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("v", 1024)
	big := map[string]string{"a": long, "b": long, "c": long, "d": long, "e": long, "f": long, "g": long, "h": long}
	const (
		value = `metadata value of "a": want printable ASCII of at most 1024 bytes`
		lost  = `metadata value of "a": want no comma, of whose parts only the last arrives, and no space around it`
	)
	tests := []struct {
		name string
		opts service.SendOptions
		err  string
	}{
		{"negative TTL", service.SendOptions{TTL: -time.Second}, "TTL is -1s, want whole seconds from 0 to 5m0s"},
		{"long TTL", service.SendOptions{TTL: 301 * time.Second}, "TTL is 5m1s, want whole seconds from 0 to 5m0s"},
		{"TTL of parts", service.SendOptions{TTL: 1500 * time.Millisecond}, "TTL is 1.5s, want whole seconds from 0 to 5m0s"},
		{"empty excluded", service.SendOptions{Excluded: []string{"c", ""}}, `Excluded[1] "": want a connection id`},
		{"metadata name", service.SendOptions{Metadata: map[string]string{"a b": ""}}, `metadata name "a b": want an HTTP token of 1 to 256 bytes`},
		{"no metadata name", service.SendOptions{Metadata: map[string]string{"": "x"}}, `metadata name "": want an HTTP token of 1 to 256 bytes`},
		{"injected header", service.SendOptions{Metadata: map[string]string{"a: b\r\nX": "x"}}, `metadata name "a: b\r\nX": want an HTTP token of 1 to 256 bytes`},
		{"long metadata name", service.SendOptions{Metadata: map[string]string{strings.Repeat("n", 257): ""}}, `metadata name "` + strings.Repeat("n", 128) + `…": want an HTTP token of 1 to 256 bytes`},
		{"line feed in metadata", service.SendOptions{Metadata: map[string]string{"a": "b\r\nc"}}, value},
		{"metadata beyond ASCII", service.SendOptions{Metadata: map[string]string{"a": "é"}}, value},
		{"metadata with comma", service.SendOptions{Metadata: map[string]string{"a": "b, c"}}, lost},
		{"metadata with space", service.SendOptions{Metadata: map[string]string{"a": " b"}}, lost},
		{"long metadata", service.SendOptions{Metadata: map[string]string{"a": long + "v"}}, value},
		{"too much metadata", service.SendOptions{Metadata: big}, "metadata has 8200 bytes of names and values, want at most 8192"},
		{"metadata twice", service.SendOptions{Metadata: map[string]string{"key": "1", "Key": "2"}}, `metadata names "Key" and "key" differ by case only`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{status: 202}
			err := keyClient(t, over(f)).Group("g").SendText(t.Context(), "hi", &test.opts)
			require.EqualError(t, err, "service: SendToGroup: "+test.err)
			require.ErrorIs(t, err, service.ErrInvalid)
			assert.Empty(t, f.requests())
		})
	}
}

// TestSendOptionsOfTarget: an option that the target cannot have is an error.
func TestSendOptionsOfTarget(t *testing.T) {
	t.Parallel()
	f := &fake{status: 202}
	c := keyClient(t, over(f))
	filtered := &service.SendOptions{Filter: filter.All()}
	excluding := &service.SendOptions{Excluded: []string{"c"}}
	require.EqualError(t, c.Connection("c").SendText(t.Context(), "", filtered), "service: SendToConnection: Filter is set, want none for a single connection")
	require.EqualError(t, c.Connection("c").SendText(t.Context(), "", excluding), "service: SendToConnection: Excluded is set, want it for sends to all and to groups only")
	require.EqualError(t, c.User("u").SendText(t.Context(), "", excluding), "service: SendToUser: Excluded is set, want it for sends to all and to groups only")
	require.EqualError(t, c.Connection("c").Close(t.Context(), &service.CloseOptions{Excluded: []string{"c"}}), "service: CloseConnection: Excluded is set, want none for a single connection")
	require.EqualError(t, c.All().CloseConnections(t.Context(), &service.CloseOptions{Excluded: []string{""}}), `service: CloseAllConnections: Excluded[0] "": want a connection id`)
	assert.Empty(t, f.requests())
}

func TestSendBodyRefuses(t *testing.T) {
	t.Parallel()
	f := &fake{status: 202}
	all := keyClient(t, over(f)).All()
	tests := map[string]struct {
		err  error
		want string
	}{
		"type":      {all.Send(t.Context(), "text/html", strings.NewReader(""), nil), `content type "text/html": want text/plain, application/json or application/octet-stream`},
		"no type":   {all.Send(t.Context(), "", strings.NewReader(""), nil), `content type "": want text/plain, application/json or application/octet-stream`},
		"no reader": {all.Send(t.Context(), "text/plain", nil, nil), "body is nil"},
		"JSON":      {all.SendJSON(t.Context(), math.NaN(), nil), "encode JSON: json: unsupported value: NaN"},
		"UTF-8":     {all.SendText(t.Context(), "\xff", nil), "text is not UTF-8; SendBinary takes any bytes"},
	}
	for name, test := range tests {
		require.EqualError(t, test.err, "service: SendToAll: "+test.want, name)
		require.ErrorIs(t, test.err, service.ErrInvalid, name)
	}
	assert.Empty(t, f.requests())
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	f := &fake{status: 202}
	opts := &service.SendOptions{Metadata: map[string]string{"trace-id": "a=b; c", "Empty": ""}}
	require.NoError(t, keyClient(t, over(f)).User("u").SendText(t.Context(), "hi", opts))
	got := f.only(t)
	assert.Equal(t, []string{"a=b; c"}, got.Header["X-Webpubsub-Metadata-Trace-Id"])
	assert.Equal(t, []string{""}, got.Header["X-Webpubsub-Metadata-Empty"])
}

// TestNames: an invalid name is an error that names the rule.
func TestNames(t *testing.T) {
	t.Parallel()
	const groupRule = "want 1 to 1024 characters of UTF-8, not blank, without line feed"
	long := strings.Repeat("ü", 1024)
	tests := []struct {
		name string
		call func(context.Context, *service.Client) error
		err  string
	}{
		{"blank group", func(ctx context.Context, c *service.Client) error { return c.Group(" \t").AddUser(ctx, "u") }, `AddUserToGroup: group " \t": ` + groupRule},
		{"long group", func(ctx context.Context, c *service.Client) error { return c.Group(long+"g").SendText(ctx, "", nil) }, `SendToGroup: group "` + strings.Repeat("ü", 64) + `…": ` + groupRule},
		{"line in group", func(ctx context.Context, c *service.Client) error {
			return c.Group("a\nb").CloseConnections(ctx, nil)
		}, `CloseGroupConnections: group "a\nb": ` + groupRule},
		{"bytes in group", func(ctx context.Context, c *service.Client) error { return c.Group("a\xff").RemoveConnection(ctx, "c") }, `RemoveConnectionFromGroup: group "a\xff": ` + groupRule},
		{"dots", func(ctx context.Context, c *service.Client) error { return c.Group("..").AddConnection(ctx, "c") }, `AddConnectionToGroup: group ".." cannot be addressed in a URL`},
		{"dot", func(ctx context.Context, c *service.Client) error { return c.User(".").RemoveFromAllGroups(ctx) }, `RemoveUserFromAllGroups: user id "." cannot be addressed in a URL`},
		{"slash", func(ctx context.Context, c *service.Client) error { return c.User("a/b").SendText(ctx, "", nil) }, `SendToUser: user id "a/b" has a slash, which does not arrive in a URL; AddToGroups, RemoveFromGroups and filters can name it`},
		{"no user", func(ctx context.Context, c *service.Client) error { return c.Group("g").RemoveUser(ctx, "") }, `RemoveUserFromGroup: user id is empty`},
		{"no connection", func(ctx context.Context, c *service.Client) error { return c.Connection("").Close(ctx, nil) }, `CloseConnection: connection id is empty`},
		{"bytes in connection", func(ctx context.Context, c *service.Client) error {
			return c.Connection("\xff").RemoveFromAllGroups(ctx)
		}, `RemoveConnectionFromAllGroups: connection id "\xff" is not UTF-8`},
		{"permission", func(ctx context.Context, c *service.Client) error { return c.Connection("c").Grant(ctx, "own", "g") }, `GrantPermission: permission "own": want joinLeaveGroup or sendToGroup`},
		{"permission without group", func(ctx context.Context, c *service.Client) error {
			return c.Connection("c").Revoke(ctx, service.SendToGroup, "")
		}, `RevokePermission: group "": ` + groupRule},
		{"no groups", func(ctx context.Context, c *service.Client) error { return c.AddToGroups(ctx, nil, filter.All()) }, `AddConnectionsToGroups: groups are empty, want at least one`},
		{"bad group", func(ctx context.Context, c *service.Client) error {
			return c.AddToGroups(ctx, []string{"g", ""}, filter.All())
		}, `AddConnectionsToGroups: groups[1]: group "": ` + groupRule},
		{"no filter", func(ctx context.Context, c *service.Client) error {
			return c.RemoveFromGroups(ctx, []string{"g"}, filter.Filter{})
		}, `RemoveConnectionsFromGroups: filter is empty; filter.All() names every connection`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{status: 200}
			err := test.call(t.Context(), keyClient(t, over(f)))
			require.EqualError(t, err, "service: "+test.err)
			require.ErrorIs(t, err, service.ErrInvalid)
			assert.Empty(t, f.requests())
		})
	}
	f := &fake{status: 202}
	require.NoError(t, keyClient(t, over(f)).Group(long).SendText(t.Context(), "", nil))
}

// TestBodyOfEachTry: a transport may go on reading the body of a failed try while the
// next one runs.
func TestBodyOfEachTry(t *testing.T) {
	t.Parallel()
	var bodies []io.ReadCloser
	opts := new(service.Options)
	opts.Transport = transporterFunc(func(req *http.Request) (*http.Response, error) {
		again, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, req.Body, again)
		if len(bodies) < 6 {
			return reply(503, []string{"Retry-After-Ms", "1"}, ""), nil
		}
		return reply(202, nil, ""), nil
	})
	all := keyClient(t, opts).All()
	for name, send := range map[string]func() error{
		"text":   func() error { return all.SendText(t.Context(), "hello", nil) },
		"binary": func() error { return all.SendBinary(t.Context(), []byte("hello"), nil) },
	} {
		bodies = nil
		require.NoError(t, send(), name)
		for i := range 5 {
			for j, b := range bodies {
				got, err := io.ReadAll(io.LimitReader(b, 1))
				require.NoError(t, err)
				assert.Equal(t, "hello"[i:i+1], string(got), "%s, body %d", name, j)
			}
		}
		assert.Len(t, bodies, 6)
	}
}

type transporterFunc func(*http.Request) (*http.Response, error)

func (f transporterFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }
