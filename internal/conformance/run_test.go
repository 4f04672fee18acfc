package conformance_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/conformance"
)

// answering is a target that always gets the same answer, or the same error.
func answering(ctx context.Context, answer *conformance.Answer, err error) conformance.Target {
	request := func(method, event string) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, method, "http://localhost/events/validate?code=s3cr3t", strings.NewReader("{}"))
		if err != nil {
			return nil, err
		}
		for name, value := range map[string]string{
			"WebHook-Request-Origin": "contoso.test", "ce-awpsversion": "1.0",
			"ce-eventName": event, "ce-connectionId": "c", "ce-hub": "chat", "ce-signature": "sha256=00",
		} {
			if event != "" || strings.HasPrefix(name, "Web") {
				req.Header.Set(name, value)
			}
		}
		return req, nil
	}
	return conformance.Target{
		URL: "http://localhost/events/{event}?code=s3cr3t", Origin: "contoso.test", Hub: "chat",
		Keys: []string{"bm90IGEga2V5", "second"}, Secrets: []string{"s3cr3t"},
		UserID: "ann", Group: "lobby", UserEvents: []string{"message"},
		Validation: func() (*http.Request, error) { return request(http.MethodOptions, "") },
		Event:      func(ev conformance.Event) (*http.Request, error) { return request(http.MethodPost, ev.Name) },
		Do:         func(*http.Request) (*conformance.Answer, error) { return answer, err },
	}
}

func run(tb testing.TB, target conformance.Target) map[string]conformance.Result {
	tb.Helper()
	results := make(map[string]conformance.Result)
	require.NoError(tb, conformance.Run(target, func(r conformance.Result) { results[r.ID] = r }))
	require.Len(tb, results, len(conformance.Checks(false)))
	return results
}

// What follows from a failure is not tried, and names the first failure.
func TestRunNamesTheRoot(t *testing.T) {
	t.Parallel()
	cause := conformance.Cause{ID: "dns", Text: "no name", Remedy: "write another"}
	gone := &conformance.UnreachableError{Cause: cause, Err: errors.New("lookup failed")}
	results := run(t, answering(t.Context(), nil, gone))
	require.ErrorContains(t, gone, "lookup failed")
	reach := results["reach"]
	assert.Equal(t, conformance.Failed, reach.Status)
	assert.Equal(t, &cause, reach.Cause)
	assert.Equal(t, "write another", reach.Remedy())
	assert.Equal(t, []string{"OPTIONS: lookup failed"}, reach.Problems)
	delete(results, "reach")
	for id, r := range results {
		if id == "url-braces" {
			assert.Equal(t, conformance.Passed, r.Status)
			continue
		}
		assert.Equal(t, conformance.Untried, r.Status, id)
		assert.Equal(t, "reach", r.Because, id)
	}
}

func TestRunEnds(t *testing.T) {
	t.Parallel()
	fail := func(conformance.Result) { assert.Fail(t, "nothing can be checked") }
	target := answering(t.Context(), new(conformance.Answer), nil)
	target.URL = "http://localhost/%7Bevent%7D" // so that no request is sent
	target.Validation = func() (*http.Request, error) { return nil, errors.New("no request") }
	require.NoError(t, conformance.Run(target, func(conformance.Result) {}))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	target = answering(ctx, nil, context.Canceled)
	seen := 0
	require.ErrorIs(t, conformance.Run(target, func(conformance.Result) { seen++ }), context.Canceled)
	assert.Equal(t, 1, seen, "the URL")

	target = answering(t.Context(), new(conformance.Answer), nil)
	target.Validation = func() (*http.Request, error) { return nil, errors.New("no request") }
	require.EqualError(t, conformance.Run(target, func(r conformance.Result) {
		if r.ID != "url-braces" {
			fail(r)
		}
	}), "check reach: no request")
}

// FuzzRun sends an answer of a stranger to every request. It must not end a run, and
// texts must be printable and without secrets.
func FuzzRun(f *testing.F) {
	f.Add(200, "*", "", "", "text/plain", "", []byte("ok"))
	f.Add(302, "", "/login?s3cr3t", "nginx", "text/html", "", []byte("<html>"))
	f.Add(302, "", "/login/s3cr3t", "s3cr3t", "", "Basic", []byte("s3cr3t"))
	f.Add(301, "", "https://localhost:1/events/validate", "", "", "", []byte(nil))
	f.Add(307, "", "://\x00", "", "", "", []byte(nil))
	f.Add(401, "contoso.test", "", "\x1b[31m", "", "Basic realm=x", []byte("sha256=0123456789abcdef"))
	f.Add(404, "a.test, contoso.test", "", "", "text/html", "", []byte("<pre>Cannot OPTIONS /events?code=s3cr3t"))
	f.Add(400, "", "", "", "", "", []byte("header ce-signature is missing"))
	f.Add(503, "", "", "", "", "", []byte(nil))
	f.Add(404, "", "", "s\xb13cr3t", "", "", []byte("s\xb13cr3t"))
	f.Fuzz(func(t *testing.T, status int, allowed, location, server, contentType, challenge string, body []byte) {
		header := make(http.Header)
		for name, value := range map[string]string{
			"WebHook-Allowed-Origin": allowed, "Location": location, "Server": server,
			"Content-Type": contentType, "WWW-Authenticate": challenge,
		} {
			if value != "" {
				header.Set(name, value)
			}
		}
		for _, r := range run(t, answering(t.Context(), &conformance.Answer{Status: status, Header: header, Body: body}, nil)) {
			texts := append([]string{r.Remedy()}, r.Problems...)
			if r.Cause != nil {
				texts = append(texts, r.Cause.Text)
			}
			for _, text := range texts {
				assert.NotContains(t, text, "s3cr3t")
				assert.NotRegexp(t, `[\x00-\x1f\x7f]`, text)
				assert.Less(t, len(text), 2000)
			}
			assert.Equal(t, len(r.Problems) > 0, r.Status == conformance.Failed || r.Status == conformance.Warned)
		}
	})
}
