package doctor_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/conformance"
	"github.com/go-webpubsub/webpubsub/internal/conformance/broken"
	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/doctor"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// visited is the result of a check.
type visited struct {
	passed, broken []string
	untried        map[string]string // the check for which each was not tried
	cause          *conformance.Cause
	results        []conformance.Result
}

func options(url string) doctor.Options {
	return doctor.Options{
		URL: url, Hub: "chat",
		Service: parse(broken.ConnectionString), Others: []connstr.ConnectionString{parse(broken.OtherConnectionString)},
		Now: func() time.Time { return time.Unix(0, 0) }, // however slow the machine is
	}
}

func parse(text string) connstr.ConnectionString {
	c, err := connstr.Parse(text)
	if err != nil {
		panic(err)
	}
	return c
}

func visit(t *testing.T, opts doctor.Options) visited {
	t.Helper()
	v := visited{untried: make(map[string]string)}
	require.NoError(t, doctor.Check(t.Context(), opts, func(r conformance.Result) {
		v.results = append(v.results, r)
		switch r.Status {
		case conformance.Passed:
			v.passed = append(v.passed, r.ID)
		case conformance.Untried:
			v.untried[r.ID] = r.Because
		case conformance.Failed, conformance.Warned:
			if len(v.broken) == 0 {
				v.cause = r.Cause
			}
			v.broken = append(v.broken, r.ID)
		}
	}))
	return v
}

// serve serves a handler on a loopback listener.
func serve(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = discardLog()
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// The first defect that is named is the handler's, with its cause.
func TestCheckNamesTheDefect(t *testing.T) {
	t.Parallel()
	handlers, err := broken.Handlers()
	require.NoError(t, err)
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := visit(t, options(serve(t, h)+h.URLPath()))
			want := h.Fails
			if want[0] == "signature-before-body" { // counts what is read in the process
				assert.Empty(t, v.broken)
				assert.Contains(t, v.untried, "signature-before-body")
				return
			}
			assert.Equal(t, want, v.broken)
			cause := ""
			if v.cause != nil {
				cause = v.cause.ID
				assert.NotEmpty(t, v.cause.Text)
				assert.NotEmpty(t, v.cause.Remedy)
			}
			if h.Cause == "panic" {
				h.Cause = "closed" // all that a network shows of it
			}
			assert.Equal(t, h.Cause, cause)
			for id, because := range v.untried {
				assert.True(t, because == v.broken[0] || id == "signature-before-body" || id == "signature-other-connection" || id == "signature-other-service", "%s is not tried because of %s", id, because)
			}
			assert.NotContains(t, fmt.Sprint(v.results), "s3cr3t")
		})
	}
}

func TestCheckPasses(t *testing.T) {
	t.Parallel()
	h, err := webpubsub.NewHandler(broken.Config())
	require.NoError(t, err)
	v := visit(t, options(serve(t, h)+"/{hub}/{event}?code=s3cr3t"))
	assert.Empty(t, v.broken)
	assert.Equal(t, map[string]string{"signature-before-body": ""}, v.untried)
	assert.Len(t, v.passed, len(conformance.Checks(false))-1)
}

// recorder records requests.
type recorder struct {
	next http.Handler
	mu   sync.Mutex
	seen []*http.Request
}

func (rec *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec.mu.Lock()
	rec.seen = append(rec.seen, r.Clone(context.WithoutCancel(r.Context())))
	rec.mu.Unlock()
	rec.next.ServeHTTP(w, r)
}

// Events say that they are those of a check, unless options say otherwise.
func TestEventsSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	h, err := webpubsub.NewHandler(broken.Config())
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		change      func(*doctor.Options)
		user, event string
	}{
		"by default": {func(*doctor.Options) {}, "webpubsub-check", "webpubsub-check"},
		"events":     {func(o *doctor.Options) { o.Events = []string{"say"} }, "webpubsub-check", "say"},
		"user":       {func(o *doctor.Options) { o.UserID = "ann" }, "ann", "webpubsub-check"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := &recorder{next: h}
			opts := options(serve(t, rec) + "/eventhandler")
			tt.change(&opts)
			assert.Empty(t, visit(t, opts).broken)
			events := make(map[string]int)
			for _, r := range rec.seen {
				assert.Empty(t, r.Header.Get("User-Agent"), "the service sends none")
				assert.Empty(t, r.Header.Get("Cookie"))
				if r.Header.Get("ce-eventName") == "" {
					continue
				}
				events[r.Header.Get("ce-eventName")]++
				assert.Contains(t, []string{tt.user, tt.user + "用户"}, r.Header.Get("ce-userId"))
				if id := r.Header.Get("ce-connectionId"); id != "" {
					assert.Regexp(t, "^webpubsub-check-[0-9a-f]{16}$", id)
				}
			}
			assert.Positive(t, events[tt.event])
			assert.InDelta(t, 80, len(rec.seen), 10, "the help of webpubsub check says how many there are")
			for _, system := range []string{"connect", "connected", "disconnected", "joined", "left", "renamed", tt.event} {
				delete(events, system)
			}
			assert.Empty(t, events, "no other events")
		})
	}
}

func TestOtherHub(t *testing.T) {
	t.Parallel()
	cfg := broken.Config()
	cfg.Hub = ""
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)
	opts := options(serve(t, h) + "/eventhandler")
	v := visit(t, opts)
	assert.Equal(t, []string{"other-hub"}, v.broken)
	for _, r := range v.results {
		if r.ID == "other-hub" {
			assert.Equal(t, conformance.Warned, r.Status)
		}
	}
	opts.AnyHub = true
	v = visit(t, opts)
	assert.Empty(t, v.broken)
	assert.Equal(t, map[string]string{"signature-before-body": "", "other-hub": ""}, v.untried)
}

// A check that has nothing to send does not pass.
func TestNoOtherService(t *testing.T) {
	t.Parallel()
	cfg := broken.Config()
	cfg.ConnectionStrings = []string{"Endpoint=http://localhost;AccessKey=" + connstr.EmulatorKey}
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)
	opts := options(serve(t, h) + "/eventhandler")
	opts.Service, opts.Others = parse(cfg.ConnectionStrings[0]), nil
	v := visit(t, opts)
	assert.Empty(t, v.broken)
	assert.Equal(t, map[string]string{"signature-before-body": "", "signature-other-service": ""}, v.untried)
}

// transport answers requests without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A slow handler is tested with a clock that each answer moves.
func TestAnswerTime(t *testing.T) {
	t.Parallel()
	h, err := webpubsub.NewHandler(broken.Config())
	require.NoError(t, err)
	memory := upstream.Memory{Handler: h}
	now := time.Unix(0, 0)
	took := 5 * time.Second
	opts := options("http://localhost/eventhandler")
	opts.Now = func() time.Time { return now }
	opts.Transport = transport(func(r *http.Request) (*http.Response, error) {
		resp, err := memory.RoundTrip(r)
		now = now.Add(took)
		return resp, err
	})
	assert.Empty(t, visit(t, opts).broken, "half of the time")
	took = 5*time.Second + time.Millisecond
	v := visit(t, opts)
	assert.Equal(t, []string{"answer-time"}, v.broken)
	last := v.results[len(v.results)-1]
	require.Equal(t, "answer-time", last.ID)
	assert.Equal(t, []string{"OPTIONS: answered after 5.001s; the service waits for 10s"}, last.Problems)
	took = 11 * time.Second
	assert.Contains(t, visit(t, opts).results[len(v.results)-1].Problems[1], "answered after 11s; the service waits for 1m40s")
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	opts := options("http://localhost/eventhandler")
	opts.Timeout = time.Millisecond
	opts.Transport = transport(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	})
	v := visit(t, opts)
	assert.Equal(t, []string{"reach"}, v.broken)
	require.NotNil(t, v.cause)
	assert.Equal(t, "slow", v.cause.ID)
	assert.Contains(t, v.cause.Text, "the service waits for 10s")
	assert.Contains(t, v.results[1].Problems[0], "no answer in time: 1ms")
}

func TestCheckEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	opts := options("http://localhost/eventhandler")
	opts.Transport = transport(func(r *http.Request) (*http.Response, error) {
		cancel()
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	})
	require.ErrorIs(t, doctor.Check(ctx, opts, func(r conformance.Result) {
		assert.Equal(t, "url-braces", r.ID)
	}), context.Canceled)
}

// A server that answers with what it got must not bring secrets into the output.
func TestSecretsOfAnEcho(t *testing.T) {
	t.Parallel()
	const code = "c0de/s3cr3t"
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			w.Header().Set("WebHook-Allowed-Origin", "*")
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, r.URL.Query().Get("code"), " ", r.URL.RawQuery, " ", r.Header["Ce-Signature"]) //nolint:gosec // it is what the test is about
	})
	v := visit(t, options(serve(t, echo)+"/eventhandler?code=c0de%2Fs3cr3t"))
	assert.Contains(t, v.broken, "signed")
	said := fmt.Sprint(v.results)
	for _, r := range v.results {
		if r.Cause != nil {
			said += r.Cause.Text
		}
	}
	assert.Contains(t, said, "sha256=…")
	assert.NotContains(t, said, code)
	assert.NotContains(t, said, "s3cr3t")
	assert.NotRegexp(t, "sha256=[0-9a-f]", said)
}

// Errors quote answers, too.
func TestSecretsInErrors(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]http.HandlerFunc{
		"invalid header": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // otherwise the client may get the error of its write instead
			conn, _, err := http.NewResponseController(w).Hijack()
			if assert.NoError(t, err) {
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nno colon %s %s\r\n\r\n", r.URL.RawQuery, r.Header.Get("ce-signature"))
				_ = conn.Close()
			}
		},
		"content type": func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("ce-type"), "azure.webpubsub.user.") {
				w.Header().Set("Content-Type", "text/"+r.URL.RawQuery+r.Header.Get("ce-signature"))
				_, _ = fmt.Fprint(w, "hello")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := visit(t, options(serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodOptions {
					w.Header().Set("WebHook-Allowed-Origin", "*")
					return
				}
				respond(w, r)
			}))+"/eventhandler?code=s3cr3t"))
			said := fmt.Sprint(v.results)
			assert.Contains(t, said, "sha256=…")
			assert.NotContains(t, said, "s3cr3t")
			assert.NotRegexp(t, "sha256=[0-9a-f]", said)
		})
	}
}

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*doctor.Options)
		want   string
	}{
		"no URL":            {func(o *doctor.Options) { o.URL = "" }, `URL: "": want an absolute http or https URL`},
		"unknown parameter": {func(o *doctor.Options) { o.URL = "http://localhost/{name}?code=x" }, `URL: "http://localhost/{name}?…": the only parameters are {hub} and {event}; other braces must be percent-encoded`},
		"hub":               {func(o *doctor.Options) { o.Hub = "" }, `Hub: hub "": want`},
		"connection string": {func(o *doctor.Options) { o.Service.AccessKey = "" }, "Service: connection string has no AccessKey to sign with"},
		"others":            {func(o *doctor.Options) { o.Others = []connstr.ConnectionString{parse("Endpoint=https://a.test")} }, "Others: connection string has no AccessKey to sign with"},
		"user":              {func(o *doctor.Options) { o.UserID = "\x00" }, "UserID: "},
		"event":             {func(o *doctor.Options) { o.Events = []string{"1"} }, "Events: "},
		"timeout":           {func(o *doctor.Options) { o.Timeout = -1 }, "Timeout: -1ns is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options("http://localhost/eventhandler")
			tt.change(&opts)
			err := doctor.Check(t.Context(), opts, func(conformance.Result) { assert.Fail(t, "nothing must be sent") })
			var invalid *doctor.OptionError
			require.ErrorAs(t, err, &invalid)
			assert.Equal(t, tt.want, err.Error()[:min(len(tt.want), len(err.Error()))])
			assert.True(t, strings.HasPrefix(err.Error(), invalid.Field))
		})
	}
}
