package webpubsub_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-webpubsub/webpubsub"
)

// verifiesByTheBook reports whether a request is signed, according to the protocol and
// without the code under test.
func verifiesByTheBook(r *http.Request) bool {
	origins := strings.Split(strings.Join(r.Header.Values("WebHook-Request-Origin"), ","), ",")
	ids := r.Header.Values("ce-connectionId")
	if len(ids) != 1 || ids[0] == "" || !containsHost(origins, wireOrigin) {
		return false
	}
	mac := hmac.New(sha256.New, []byte(wireKey))
	mac.Write([]byte(ids[0]))
	want := hex.EncodeToString(mac.Sum(nil))
	for token := range strings.SplitSeq(strings.Join(r.Header.Values("ce-signature"), ","), ",") {
		digest, ok := strings.CutPrefix(strings.Trim(token, " \t"), "sha256=")
		if ok && lowerASCII(digest) == want {
			return true
		}
	}
	return false
}

func containsHost(hosts []string, want string) bool {
	for _, h := range hosts {
		if lowerASCII(strings.Trim(h, " \t")) == want {
			return true
		}
	}
	return false
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// spyBody records whether it was read.
type spyBody struct {
	io.ReadCloser
	read bool
}

func (b *spyBody) Read(p []byte) (int, error) {
	b.read = true
	return b.ReadCloser.Read(p)
}

// mutants are faults for the seeds: text to replace in fixtures.
var mutants = [][2]string{
	{"ce-signature: sha256=", "ce-signature: sha256=0"},
	{"ce-signature: sha256=", "ce-signature: sha1="},
	{"ce-signature: ", "ce-signature: ,, ,"},
	{"ce-signature: ", "ce-signature: " + strings.Repeat("sha256=00,", 16)},
	{"ce-signature", "ce-signatur"},
	{"ce-connectionId: ", "ce-connectionId: x"},
	{"ce-connectionId: ", "ce-connectionId: a\r\nce-connectionId: "},
	{"ce-connectionId", "ce-connection"},
	{"WebHook-Request-Origin: ", "WebHook-Request-Origin: evil.test, "},
	{"WebHook-Request-Origin: contoso", "WebHook-Request-Origin: evil"},
	{"azure.com\r\n", "azure.com.evil.test\r\n"},
	{"azure.webpubsub.", "AZURE.WEBPUBSUB."},
	{"azure.webpubsub.", "azure.webpubsub.sys.x"},
	{"azure.webpubsub.", "azure.webpubsub.gp.x"},
	{"ce-type", "x-type"},
	{"ce-hub: chat", "ce-hub: CHAT"},
	{"ce-hub: chat", "ce-hub: other"},
	{"Content-Length: ", "Content-Length: 1"},
	{"Content-Length: ", "Content-Length: 99999999"},
	{"Content-Type: ", "Content-Type: text/html;"},
	{"POST ", "OPTIONS "},
	{"POST ", "GET "},
	{"POST ", "PUT "},
	{"ce-subprotocol: ", "ce-subprotocol: mqtt\r\nx: "},
	{"{", "[{"},
	{`"`, `\"`},
}

func FuzzHandler(f *testing.F) {
	for _, name := range wireNames(f) {
		data := wireBytes(f, name)
		f.Add(data)
		for _, m := range mutants {
			if mutant := bytes.Replace(data, []byte(m[0]), []byte(m[1]), 1); !bytes.Equal(mutant, data) {
				f.Add(mutant)
			}
		}
	}
	type payload struct {
		Room string `json:"room" validate:"required,max=64"`
		Text string `json:"text"`
	}
	type session map[string]any
	var (
		called   int
		panicked *webpubsub.PanicError
		state    webpubsub.State[session]
	)
	h := wireHandler(f, webpubsub.Config{
		MaxBodyBytes: 1 << 16,
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			called++
			for _, c := range ev.ClientCertificates {
				_, _ = c.Parse()
			}
			return &webpubsub.ConnectReply{UserID: ev.Query.Get("id"), Groups: ev.Subprotocols}, nil
		},
		OnConnected:    func(_ context.Context, ev *webpubsub.ConnectedEvent) error { called++; _ = ev.String(); return nil },
		OnDisconnected: func(context.Context, *webpubsub.DisconnectedEvent) error { called++; return nil },
		OnGroupJoined:  func(context.Context, *webpubsub.GroupJoinedEvent) error { called++; return nil },
		OnGroupLeft:    func(context.Context, *webpubsub.GroupLeftEvent) error { called++; return nil },
		UserEvents: map[string]webpubsub.UserEventFunc{
			"say": webpubsub.JSON(func(_ context.Context, _ *webpubsub.UserEvent, in payload) (payload, error) { return in, nil }),
			"message": webpubsub.Text(func(_ context.Context, _ *webpubsub.UserEvent, in string) (string, error) {
				return in, nil
			}),
		},
		Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
			_, _ = ev.Metadata(), ev.MQTTUserProperties()
			reply := webpubsub.BinaryReply(ev.Data)
			if v, err := state.Get(ev); err == nil {
				reply.State = state.Set(v)
			}
			return reply, nil
		},
		Interceptors: []webpubsub.Interceptor{
			func(ctx context.Context, _ webpubsub.Event, next func(context.Context) error) error {
				err := next(ctx)
				_ = errors.As(err, &panicked) // answered with 500, like an invalid reply
				return err
			},
			func(ctx context.Context, ev webpubsub.Event, next func(context.Context) error) error {
				called++
				_, _ = ev.CloudEvent() // must not panic
				return next(ctx)
			},
		},
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		called, panicked = 0, nil
		body := &spyBody{ReadCloser: r.Body}
		r.Body = body
		verifies := verifiesByTheBook(r)
		validation := r.Method == http.MethodOptions || (r.Method == http.MethodGet && len(r.Header["Webhook-Request-Origin"]) > 0)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)

		answered := w.Code
		if panicked != nil {
			t.Errorf("%v\n%s", panicked, panicked.Stack)
		}
		if validation || !verifies {
			if called != 0 {
				t.Errorf("%d functions called, answered %d", called, answered)
			}
			if body.read {
				t.Errorf("the body was read, answered %d", answered)
			}
		}
		if !validation && !verifies && answered < 400 {
			t.Errorf("answered %d without a signature that verifies", answered)
		}
		if !validation && len(w.Header()["Webhook-Allowed-Origin"]) > 0 {
			t.Error("consent given to an event")
		}
		if consent := w.Header()["Webhook-Allowed-Origin"]; len(consent) > 1 || (len(consent) == 1 && lowerASCII(consent[0]) != wireOrigin) {
			t.Errorf("consent given to %q", consent)
		}
		if answered == http.StatusInternalServerError && !tooBigOrOdd(r) {
			t.Errorf("answered 500: %s", w.Body)
		}
		if text := w.Body.String(); strings.Contains(text, wireKey) && !bytes.Contains(data, []byte(wireKey)) {
			t.Error("the key is in the answer")
		}
	})
}

// tooBigOrOdd reports whether the functions of FuzzHandler, which echo the request, may
// return an invalid reply.
func tooBigOrOdd(r *http.Request) bool {
	typ := strings.ToLower(r.Header.Get("ce-type"))
	return strings.HasSuffix(typ, "sys.connect") || strings.Contains(typ, ".user.")
}
