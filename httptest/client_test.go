package httptest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// request is a request as the handler received it.
type request struct {
	Header http.Header
	Body   string
	Path   string
}

// script is a handler that records requests and answers by a function. It runs in
// the test's goroutine, so it needs no lock.
type script struct {
	answer func(w http.ResponseWriter, n int)
	seen   []request
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.seen = append(s.seen, request{r.Header.Clone(), string(body), r.URL.RequestURI()})
	if s.answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.answer(w, len(s.seen))
}

// answers returns a script that always sends the same answer.
func answers(status int, contentType, body string) *script {
	return &script{answer: func(w http.ResponseWriter, _ int) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		} else {
			w.Header()["Content-Type"] = nil // or net/http would guess
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}}
}

func client() *httptest.Client {
	return &httptest.Client{UserID: "token-user", Groups: []string{"token-group"}, Roles: []string{"token-role"}}
}

func TestUE45ConnectAnswerKeepsToken(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]*script{
		"204":      answers(204, "", ""),
		"null":     answers(200, "application/json", "null"),
		"202 kept": answers(202, "application/json", `{"groups":[],"roles":null}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := httptest.New(h, nil).Connect(t.Context(), client())
			require.NoError(t, err)
			assert.Equal(t, "token-user", conn.UserID)
			assert.Equal(t, []string{"token-group"}, conn.Groups)
			assert.Equal(t, []string{"token-role"}, conn.Roles)
			assert.Nil(t, conn.Reply.UserID)
			assert.Nil(t, conn.Reply.Roles)
		})
	}
}

func TestUE46ConnectAnswerClears(t *testing.T) {
	t.Parallel()
	h := answers(200, "application/json", `{"userId":"","roles":[]}`)
	conn, err := httptest.New(h, nil).Connect(t.Context(), client())
	require.NoError(t, err)
	assert.Empty(t, conn.UserID)
	assert.Empty(t, conn.Roles)
	assert.Equal(t, []string{"token-group"}, conn.Groups)
	require.NotNil(t, conn.Reply.UserID)
	assert.NotNil(t, conn.Reply.Roles)

	require.NoError(t, conn.Connected(t.Context()))
	assert.NotContains(t, h.seen[1].Header, "Ce-Userid")
}

func TestUE47ConnectAnswerReplaces(t *testing.T) {
	t.Parallel()
	h := answers(200, "application/json", `{"userId":null,"groups":["new-room"],"roles":["webpubsub.joinLeaveGroup"]}`)
	conn, err := httptest.New(h, nil).Connect(t.Context(), client())
	require.NoError(t, err)
	assert.Equal(t, "token-user", conn.UserID)
	assert.Equal(t, []string{"new-room"}, conn.Groups)
	assert.Equal(t, []string{"webpubsub.joinLeaveGroup"}, conn.Roles)
	assert.Equal(t, 200, conn.Reply.Status)
}

func TestUE48ConnectAnswerSubprotocol(t *testing.T) {
	t.Parallel()
	h := answers(200, "text/plain", `{"subprotocol":"custom.protocol"}`)
	conn, err := httptest.New(h, nil).Connect(t.Context(), &httptest.Client{Subprotocols: []string{"json.webpubsub.azure.v1", "custom.protocol"}})
	require.NoError(t, err)
	assert.Equal(t, "custom.protocol", conn.Subprotocol)

	_, err = httptest.New(h, nil).Connect(t.Context(), nil)
	var invalid *httptest.InvalidAnswerError
	require.ErrorAs(t, err, &invalid, "chosen but not offered")
}

func TestUE49RejectedConnect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{302, 401, 403, 429, 500} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			h := answers(status, "text/plain", "not you")
			conn, err := httptest.New(h, nil).Connect(t.Context(), nil)
			assert.Nil(t, conn)
			var rejected *httptest.RejectedError
			require.ErrorAs(t, err, &rejected)
			assert.Equal(t, "connect", rejected.Event)
			assert.Equal(t, status, rejected.Status)
			assert.Equal(t, "not you", string(rejected.Body))
			assert.Equal(t, "text/plain", rejected.Header.Get("Content-Type"))
			assert.Equal(t, 1, rejected.Attempts)
			assert.Equal(t, status, httptest.StatusOf(err))
			assert.Len(t, h.seen, 1)
		})
	}
}

func TestUE50UnusableConnectAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`not-json`, `{"groups":[null]}`, `{"groups":[" "]}`, `{"roles":[null]}`} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			conn, err := httptest.New(answers(200, "application/json", body), nil).Connect(t.Context(), nil)
			assert.Nil(t, conn)
			var invalid *httptest.InvalidAnswerError
			require.ErrorAs(t, err, &invalid)
			assert.Equal(t, "connect", invalid.Event)
			assert.Equal(t, 500, httptest.StatusOf(err))
		})
	}
}

func TestUE51AnswerTooLarge(t *testing.T) {
	t.Parallel()
	h := &script{answer: func(w http.ResponseWriter, _ int) {
		chunk := make([]byte, 1<<20)
		for range 17 {
			_, _ = w.Write(chunk)
		}
	}}
	_, err := httptest.New(h, nil).Connect(t.Context(), nil)
	require.ErrorIs(t, err, httptest.ErrAnswerTooLarge)
	var delivery *httptest.DeliveryError
	require.ErrorAs(t, err, &delivery)
	assert.Equal(t, 500, httptest.StatusOf(err))
}

func TestUE52RetriedConnect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{answer: func(w http.ResponseWriter, n int) {
			if n == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}}
		start := time.Now()
		_, err := httptest.New(h, &httptest.Options{Retry: true}).Connect(t.Context(), client())
		require.NoError(t, err)
		require.Len(t, h.seen, 2)
		assert.Equal(t, h.seen[0], h.seen[1], "same body, ce-id, x-ms-client-request-id")
		assert.Equal(t, []string{"0"}, h.seen[1].Header["Ce-Id"])
		assert.NotEmpty(t, h.seen[1].Header.Get("x-ms-client-request-id"))
		assert.Equal(t, time.Second, time.Since(start))
	})
}

func TestUE53Retries(t *testing.T) {
	t.Parallel()
	for status, attempts := range map[int]int{400: 1, 401: 1, 404: 1, 429: 1, 408: 4, 503: 4, 599: 4} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := answers(status, "", "")
				start := time.Now()
				_, err := httptest.New(h, &httptest.Options{Retry: true}).Connect(t.Context(), nil)
				var rejected *httptest.RejectedError
				require.ErrorAs(t, err, &rejected)
				assert.Equal(t, attempts, rejected.Attempts)
				assert.Len(t, h.seen, attempts)
				if attempts == 4 {
					assert.Equal(t, 9*time.Second, time.Since(start))
				}
				h.seen = nil
				_, err = httptest.New(h, nil).Connect(t.Context(), nil)
				require.ErrorAs(t, err, &rejected)
				assert.Len(t, h.seen, 1, "without Options.Retry")
			})
		})
	}
}

func TestUE54EventsOfAConnection(t *testing.T) {
	t.Parallel()
	h := &script{answer: func(w http.ResponseWriter, n int) {
		if n == 1 {
			w.Header().Set("ce-connectionState", "s1")
			w.Header().Set("Set-Cookie", "affinity=a; Path=/")
			_, _ = io.WriteString(w, `{"subprotocol":"json.webpubsub.azure.v1"}`)
		}
	}}
	conn, err := httptest.New(h, nil).Connect(t.Context(), &httptest.Client{Subprotocols: []string{"json.webpubsub.azure.v1"}})
	require.NoError(t, err)
	require.NoError(t, conn.Connected(t.Context()))
	require.NoError(t, conn.Disconnect(t.Context(), "bye"))
	require.Len(t, h.seen, 3)

	connect, connected, disconnected := h.seen[0].Header, h.seen[1].Header, h.seen[2].Header
	assert.Equal(t, "0", connect.Get("ce-id"))
	for _, name := range []string{"Ce-Subprotocol", "Ce-Connectionstate", "Cookie"} {
		assert.NotContains(t, connect, name)
	}
	assert.Equal(t, "1", connected.Get("ce-id"))
	assert.Equal(t, "json.webpubsub.azure.v1", connected.Get("ce-subprotocol"))
	assert.Equal(t, "s1", connected.Get("ce-connectionState"))
	assert.Equal(t, "affinity=a", connected.Get("Cookie"))
	assert.Equal(t, "2", disconnected.Get("ce-id"))
	assert.NotEqual(t, connected.Get("x-ms-client-request-id"), disconnected.Get("x-ms-client-request-id"))
	assert.JSONEq(t, `{"reason":"bye"}`, h.seen[2].Body)
	assert.Equal(t, "{}", h.seen[1].Body)
}

func TestUE55RawUserID(t *testing.T) {
	t.Parallel()
	h := answers(200, "", `{"userId":"用户 a%20b"}`)
	conn, err := httptest.New(h, nil).Connect(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, conn.Connected(t.Context()))
	assert.Equal(t, []string{"用户 a%20b"}, h.seen[1].Header["Ce-Userid"])
}

// The complete header of a connect event.
func TestConnectRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := new(script)
		svc := httptest.New(h, &httptest.Options{
			Hub:              "Chat",
			ConnectionString: "Endpoint=https://Contoso.webpubsub.azure.com;AccessKey=testprimarykey123;Version=1.0;",
			SecondaryKey:     "testsecondarykey456",
			URL:              "https://app.test/{HUB}/{event}?code=1",
		})
		_, err := svc.Connect(t.Context(), &httptest.Client{
			UserID:       "ann",
			Groups:       []string{"g"},
			Roles:        []string{"r"},
			Claims:       map[string][]string{"aud": {"x"}, "sub": {"other"}},
			Query:        map[string][]string{"id": {"a", "b"}},
			Headers:      map[string][]string{"User-Agent": {"x"}},
			Subprotocols: []string{"p"},
			Certificates: []webpubsub.ClientCertificate{{Thumbprint: "AB", Content: "PEM"}},
			ConnectionID: "conn123",
		})
		require.NoError(t, err)
		require.Len(t, h.seen, 1)
		got := h.seen[0]
		assert.Equal(t, "/Chat/connect?code=1", got.Path)
		id := got.Header.Get("X-Ms-Client-Request-Id")
		assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id)
		assert.Equal(t, http.Header{
			"Webhook-Request-Origin": {"contoso.webpubsub.azure.com"},
			"Content-Type":           {"application/json; charset=utf-8"},
			"Content-Length":         {fmt.Sprint(len(got.Body))},
			"Ce-Awpsversion":         {"1.0"},
			"Ce-Specversion":         {"1.0"},
			"Ce-Type":                {"azure.webpubsub.sys.connect"},
			"Ce-Source":              {"/hubs/Chat/client/conn123"},
			"Ce-Id":                  {"0"},
			"Ce-Time":                {"2000-01-01T00:00:00Z"}, // where synctest's clock begins
			"Ce-Signature": {"sha256=7f2f783c110a7698e500f413343384c4042dcab921241a0698e65d481c142cfe," +
				"sha256=1bdd58a743c5dd4537e31bac7223d367ef3a39efec277733a168f9d99124667a"},
			"Ce-Connectionid":        {"conn123"},
			"Ce-Userid":              {"ann"},
			"Ce-Hub":                 {"Chat"},
			"Ce-Eventname":           {"connect"},
			"X-Ms-Client-Request-Id": {id},
		}, got.Header)
		assert.JSONEq(t, `{
			"claims":{"sub":["other"],"aud":["x"],"role":["r"],"webpubsub.group":["g"]},
			"query":{"id":["a","b"]},"headers":{"User-Agent":["x"]},"subprotocols":["p"],
			"clientCertificates":[{"thumbprint":"AB","content":"PEM"}]}`, got.Body)
	})
}

func TestAnonymousConnectRequest(t *testing.T) {
	t.Parallel()
	h := new(script)
	conn, err := httptest.New(h, nil).Connect(t.Context(), nil)
	require.NoError(t, err)
	assert.Regexp(t, `^[0-9a-f]{32}$`, conn.ID)
	assert.Equal(t, conn.ID, h.seen[0].Header.Get("ce-connectionId"))
	assert.Equal(t, "chat", h.seen[0].Header.Get("ce-hub"))
	assert.Equal(t, "localhost", h.seen[0].Header.Get("WebHook-Request-Origin"))
	assert.NotContains(t, h.seen[0].Header, "Ce-Userid")
	assert.Equal(t, "/eventhandler", h.seen[0].Path)
	var body map[string]any
	require.NoError(t, json.Unmarshal([]byte(h.seen[0].Body), &body))
	assert.Equal(t, map[string]any{
		"claims": map[string]any{}, "query": map[string]any{}, "headers": map[string]any{},
		"subprotocols": []any{}, "clientCertificates": []any{},
	}, body)
}

func TestHandlerPanics(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(broken) })
	_, err := httptest.New(h, nil).Connect(t.Context(), nil)
	var panicked *webpubsub.PanicError
	require.ErrorAs(t, err, &panicked)
	require.ErrorIs(t, err, broken)
	assert.True(t, strings.HasPrefix(err.Error(), "httptest: "))
	assert.Equal(t, 101, httptest.StatusOf(nil))

	abort := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err = httptest.New(abort, nil).Connect(t.Context(), nil)
	var delivery *httptest.DeliveryError
	require.ErrorAs(t, err, &delivery)
	require.ErrorIs(t, err, http.ErrAbortHandler)
	assert.Equal(t, 1, delivery.Attempts)
}

func TestHandlerTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		start := time.Now()
		_, err := httptest.New(h, &httptest.Options{Retry: true}).Connect(t.Context(), nil)
		require.ErrorIs(t, err, httptest.ErrTimeout)
		assert.Equal(t, 100*time.Second, time.Since(start))
	})
}

// quiet returns a logger for handlers that fail on purpose.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
