package inbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	kit "github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/internal/cli/inbox"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// entries collects what a handler reports.
type entries struct{ arrived, answered []*inbox.Entry }

func start(t *testing.T, cfg inbox.Config) (*inbox.Handler, *entries) {
	t.Helper()
	var got entries
	cfg.Arrived = func(e *inbox.Entry) {
		shown := *e
		got.arrived = append(got.arrived, &shown)
	}
	cfg.Answered = func(e *inbox.Entry) { got.answered = append(got.answered, e) }
	h, err := inbox.New(cfg)
	require.NoError(t, err)
	return h, &got
}

func at(t *testing.T, text string) *upstream.Template {
	t.Helper()
	u, err := upstream.ParseTemplate(text)
	require.NoError(t, err)
	return &u
}

func TestReplies(t *testing.T) {
	t.Parallel()
	h, got := start(t, inbox.Config{ConnectionString: kit.ConnectionString, Reply: webpubsub.TextReply("hi")})
	svc := kit.New(h, nil)
	require.NoError(t, svc.Validate(t.Context()))
	conn, err := svc.Connect(t.Context(), &kit.Client{UserID: "ann", Claims: map[string][]string{"c": {"d"}}})
	require.NoError(t, err)
	require.NoError(t, conn.Connected(t.Context()))
	reply, err := conn.SendText(t.Context(), "say", "hello")
	require.NoError(t, err)
	assert.Equal(t, "hi", reply.Text())
	require.NoError(t, conn.JoinedGroup(t.Context(), "g"))
	require.NoError(t, conn.Disconnect(t.Context(), "bye"))

	assert.Empty(t, got.arrived)
	var lines []string
	for i, e := range got.answered {
		assert.EqualValues(t, i+1, e.Number)
		assert.Empty(t, e.Problem)
		assert.Positive(t, e.Took)
		lines = append(lines, e.Method+" "+e.Name+" "+http.StatusText(e.Status)+" "+string(e.Body.Data)+" "+string(e.Reply.Data))
	}
	assert.Equal(t, []string{
		"OPTIONS validate OK  ",
		`POST connect No Content {"claims":{"c":["d"],"sub":["ann"]},"query":{},"headers":{},"subprotocols":[],"clientCertificates":[]} `,
		"POST connected No Content {} ",
		"POST say OK hello hi",
		`POST joined No Content {"group":"g"} `,
		`POST disconnected No Content {"reason":"bye"} `,
	}, lines)
	assert.Equal(t, "ann", got.answered[1].Get("ce-userId"))
	assert.Equal(t, "text/plain; charset=utf-8", got.answered[3].Answer.Get("Content-Type"))
}

func TestUnsigned(t *testing.T) {
	t.Parallel()
	h, got := start(t, inbox.Config{})
	svc := kit.New(h, &kit.Options{ConnectionString: "Endpoint=https://any.test;AccessKey=another;"})
	require.NoError(t, svc.Validate(t.Context()))
	_, err := svc.Connect(t.Context(), nil)
	require.NoError(t, err)
	for _, name := range []string{"Origin", "Sec-Fetch-Site"} {
		req, err := svc.NewRequest(t.Context(), kit.Event{Name: "say", ContentType: "text/plain"})
		require.NoError(t, err)
		req.Header.Set(name, "x")
		answer, err := svc.Do(req)
		require.NoError(t, err)
		assert.Equal(t, http.StatusForbidden, answer.Status)
		assert.Equal(t, "unsigned requests of web pages are refused: the service sends no Origin", got.answered[len(got.answered)-1].Problem)
	}
}

// With a connection string, the signature is verified whether or not events are passed on.
func TestSigned(t *testing.T) {
	t.Parallel()
	called := false
	next := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	t.Cleanup(next.Close)
	for name, cfg := range map[string]inbox.Config{
		"reply":   {ConnectionString: kit.ConnectionString},
		"forward": {ConnectionString: kit.ConnectionString, Forward: at(t, next.URL)},
	} {
		h, got := start(t, cfg)
		for _, other := range []string{"Endpoint=http://localhost;AccessKey=another;", "Endpoint=http://other.test;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;"} {
			_, err := kit.New(h, &kit.Options{ConnectionString: other}).Connect(t.Context(), nil)
			var rejected *kit.RejectedError
			require.ErrorAs(t, err, &rejected, name)
			assert.Equal(t, http.StatusUnauthorized, rejected.Status)
			e := got.answered[len(got.answered)-1]
			assert.True(t, e.Unverified)
			assert.NotEmpty(t, e.Problem)
			assert.Empty(t, e.Body.Data, "what a stranger sent is not shown")
		}
		assert.Empty(t, got.arrived)
	}
	assert.False(t, called)
}

func TestHub(t *testing.T) {
	t.Parallel()
	for name, forward := range map[string]*upstream.Template{"answered": nil, "forwarded": at(t, "http://127.0.0.1:1/")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, got := start(t, inbox.Config{Hub: "other", Forward: forward})
			_, err := kit.New(h, nil).Connect(t.Context(), nil)
			require.Error(t, err)
			assert.Equal(t, http.StatusNotFound, got.answered[0].Status)
			assert.Empty(t, got.arrived)
		})
	}
}

// TestForward checks that requests arrive as they came, and answers too.
func TestForward(t *testing.T) {
	t.Parallel()
	var seen *http.Request
	var body string
	next := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		seen, body = r, string(data)
		w.Header().Set("WebHook-Allowed-Origin", "*")
		w.Header().Set("ce-connectionState", "s")
		w.Header().Add("Set-Cookie", "a=b")
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "pong")
	}))
	t.Cleanup(next.Close)
	h, got := start(t, inbox.Config{ConnectionString: kit.ConnectionString, Hub: "chat", Forward: at(t, next.URL+"/{hub}/{event}?code=1")})
	front := httptest.NewServer(h)
	t.Cleanup(front.Close)
	svc := kit.New(nil, &kit.Options{URL: front.URL + "/any?x=y"})
	require.NoError(t, svc.Validate(t.Context()))
	assert.Equal(t, "/chat/validate?code=1", seen.RequestURI)
	assert.Equal(t, http.MethodOptions, seen.Method)

	req, err := svc.NewRequest(t.Context(), kit.Event{Name: "say", ContentType: "text/plain", Data: []byte("ping"), Metadata: map[string]string{"a": "1"}})
	require.NoError(t, err)
	req.Header.Set("X-Forwarded-For", "1.2.3.4")
	want := req.Header.Clone()
	answer, err := svc.Do(req)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, answer.Status)
	assert.Equal(t, "pong", string(answer.Body))
	assert.Equal(t, "s", answer.Header.Get("ce-connectionState"))
	assert.Equal(t, []string{"a=b"}, answer.Header["Set-Cookie"])
	assert.Equal(t, "/chat/say?code=1", seen.RequestURI)
	assert.Equal(t, "ping", body)
	for name, values := range want {
		assert.Equal(t, values, seen.Header[name], name)
	}
	assert.NotContains(t, seen.Header, "User-Agent")

	require.Len(t, got.arrived, 2)
	assert.Equal(t, "ping", string(got.arrived[1].Body.Data), "shown before the answer comes")
	assert.Zero(t, got.arrived[1].Status)
	assert.Equal(t, next.URL+"/chat/say?…", got.answered[1].ForwardedTo)
	assert.Equal(t, "pong", string(got.answered[1].Reply.Data))
	assert.Equal(t, "/any", got.answered[1].Path)
}

func TestForwardFails(t *testing.T) {
	t.Parallel()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	large := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("ce-eventName") == "flush" {
			w.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's can
		} else {
			w.Header().Set("Content-Length", "16777217")
		}
		_, _ = io.Copy(w, io.LimitReader(zeros{}, 16<<20+1))
	}))
	t.Cleanup(large.Close)
	for _, tt := range []struct {
		name, url string
		event     string
		data      string
		status    int
		problem   string
	}{
		{name: "nobody there", url: "http://" + gone.Addr().String(), event: "say", status: 502, problem: "not passed on: "},
		{name: "answer too large", url: large.URL, event: "say", status: 502, problem: "not passed on: answer is longer than 16777216 bytes"},
		{name: "answer that grows too large", url: large.URL, event: "flush", status: 0, problem: "the answer was cut short: answer is longer than 16777216 bytes"},
		{name: "body too large", url: large.URL, event: "say", data: strings.Repeat("x", webpubsub.DefaultMaxBodyBytes+1), status: 413, problem: "http: request body too large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, got := start(t, inbox.Config{Forward: at(t, tt.url)})
			svc := kit.New(h, nil)
			req, err := svc.NewRequest(t.Context(), kit.Event{Name: tt.event, ContentType: "text/plain", Data: []byte(tt.data)})
			require.NoError(t, err)
			answer, err := svc.Do(req)
			if tt.status != 0 {
				require.NoError(t, err)
				assert.Equal(t, tt.status, answer.Status)
				assert.Equal(t, http.StatusText(tt.status), string(answer.Body), "a stranger learns no more")
			} else {
				require.Error(t, err)
			}
			require.Len(t, got.answered, 1)
			assert.Equal(t, tt.problem, got.answered[0].Problem[:min(len(tt.problem), len(got.answered[0].Problem))])
			assert.LessOrEqual(t, len(got.answered[0].Reply.Data), inbox.MaxKept)
			assert.LessOrEqual(t, len(got.answered[0].Body.Data), inbox.MaxKept)
		})
	}
}

// A request that its sender gives up is given up too.
func TestForwardIsCancelled(t *testing.T) {
	t.Parallel()
	began, ended := make(chan struct{}), make(chan struct{})
	next := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(began)
		<-r.Context().Done()
		close(ended)
	}))
	t.Cleanup(next.Close)
	h, _ := start(t, inbox.Config{Forward: at(t, next.URL)})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	_, err := kit.New(h, nil).Connect(ctx, nil)
	require.Error(t, err)
	<-ended
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	header := inbox.Headers(http.Header{"Ce-Signature": {"s", "t"}, "Authorization": {"s"}, "Cookie": {"s"}, "Set-Cookie": {"s"}, "Proxy-Authorization": {"s"}, "X-Functions-Key": {"s"}, "X-Api-Token": {"s"}, "X-Original-Authorization": {"s"}, "X-Hub-Signature-256": {"s"}, "Ce-Id": {"1"}})
	assert.Equal(t, http.Header{
		"Ce-Signature": {"(hidden)", "(hidden)"}, "Authorization": {"(hidden)"}, "Cookie": {"(hidden)"}, "Set-Cookie": {"(hidden)"}, "Proxy-Authorization": {"(hidden)"}, "X-Functions-Key": {"(hidden)"}, "X-Api-Token": {"(hidden)"}, "X-Original-Authorization": {"(hidden)"}, "X-Hub-Signature-256": {"(hidden)"}, "Ce-Id": {"1"},
	}, header)

	const connect = "azure.webpubsub.sys.connect"
	const body = `{"claims":{"sub":["ann"]},"query":{"Access_Token":["s"],"q":["1"]},"headers":{"cookie":["s"],"authorization":["s"],"X":["y"]},"mqtt":{"username":"u","password":"s","protocolVersion":5},"n":12345678901234567890}`
	for _, tt := range []struct {
		typ, body string
		claims    bool
		want      string
	}{
		{connect, body, false, `{"claims":{"sub":"(hidden)"},"headers":{"X":["y"],"authorization":"(hidden)","cookie":"(hidden)"},"mqtt":{"password":"(hidden)","protocolVersion":5,"username":"u"},"n":12345678901234567890,"query":{"Access_Token":"(hidden)","q":["1"]}}`},
		{connect, `{"claims":{"sub":["ann"]}}`, true, `{"claims":{"sub":["ann"]}}`},
		{connect, `{"claims":["s"],"mqtt":"s","query":null,"headers":1}`, false, `{"claims":"(hidden)","headers":"(hidden)","mqtt":"(hidden)","query":null}`},
		{connect, `{"mqtt":{"password":null}}`, false, `{"mqtt":{"password":null}}`},
		{connect, `{"claims":{"sub":["s`, true, "(hidden)"},
		{connect, `{} {"claims":"s"}`, true, "(hidden)"},
		{connect, ``, false, ``},
		{"azure.webpubsub.user.say", `{"claims":1}`, false, `{"claims":1}`},
		{"", `{"claims":{"sub":"s"}}`, false, `{"claims":{"sub":"(hidden)"}}`},
		{"Azure.WebPubSub.sys.connect", `x`, false, `(hidden)`},
		{"", `{"claims":`, false, `(hidden)`},
		{"", `x`, false, `x`},
		{"azure.webpubsub.sys.disconnected", `{"reason":"bye"}`, false, `{"reason":"bye"}`},
	} {
		e := inbox.Entry{Type: tt.typ, Body: inbox.Body{Data: []byte(tt.body)}}
		assert.Equal(t, tt.want, string(e.Redacted(tt.claims)), tt.body)
	}
}

// FuzzRedacted checks that whatever a stranger sends, no claim and no token is shown.
func FuzzRedacted(f *testing.F) {
	f.Add("azure.webpubsub.sys.connect", []byte(`{"claims":{"sub":["MARK"]},"query":{"access_token":["MARK"]},"headers":{"authorization":["MARK"]},"mqtt":{"password":"MARK"}}`))
	f.Add("", []byte(`{"Claims":{"a":{"b":"MARK"}},"claims":null}`))
	f.Add("azure.webpubsub.sys.connected", []byte(`[{"claims":"MARK"}]`))
	f.Fuzz(func(t *testing.T, typ string, body []byte) {
		if strings.HasPrefix(typ, "azure.webpubsub.user.") {
			return
		}
		e := inbox.Entry{Type: typ, Body: inbox.Body{Data: body}}
		out := e.Redacted(false)
		var shown map[string]any
		if json.Unmarshal(out, &shown) != nil {
			return
		}
		for name, member := range shown {
			values, _ := member.(map[string]any)
			for inner, value := range values {
				if strings.EqualFold(name, "claims") || strings.EqualFold(name, "query") && strings.EqualFold(inner, "access_token") || strings.EqualFold(name, "mqtt") && strings.EqualFold(inner, "password") {
					require.Contains(t, []any{nil, "(hidden)"}, value)
				}
			}
		}
	})
}
