package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/bench"
)

// byHand is the minimum that a careful program on net/http does for the same answers.
// It reads the headers that it needs, verifies the signature, reads the body and
// answers. It parses no JSON, calls no function of a user, and checks neither origins
// nor malformed events.
type byHand struct{ key []byte }

func (h *byHand) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions {
		w.Header().Set("Webhook-Allowed-Origin", "*")
		return
	}
	if r.Header.Get("Ce-Hub") != hub || !h.signed(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.ContentLength < 0 || r.ContentLength > 1<<20 {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch typ := r.Header.Get("Ce-Type"); {
	case typ == "azure.webpubsub.sys.connect":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, accepted)
	case strings.HasPrefix(typ, "azure.webpubsub.user."):
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(body)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (h *byHand) signed(r *http.Request) bool {
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(r.Header.Get("Ce-Connectionid")))
	want := mac.Sum(nil)
	for token := range strings.SplitSeq(r.Header.Get("Ce-Signature"), ",") {
		digest, found := strings.CutPrefix(strings.TrimSpace(token), "sha256=")
		got, err := hex.DecodeString(digest)
		if found && err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}

type contestant struct {
	name    string
	handler http.Handler
	kinds   []kind
}

func contestants(tb testing.TB) []contestant {
	tb.Helper()
	plain := bench.Config(hub, accessKey)
	plain.Logger = slog.New(slog.DiscardHandler)

	around := plain
	pass := func(ctx context.Context, _ webpubsub.Event, next func(context.Context) error) error { return next(ctx) }
	around.Interceptors = []webpubsub.Interceptor{pass, pass}

	var counter webpubsub.State[struct {
		Count int `json:"count"`
	}]
	state := plain
	state.UserEvents = map[string]webpubsub.UserEventFunc{
		"message": webpubsub.Text(func(_ context.Context, ev *webpubsub.UserEvent, in string) (webpubsub.Reply, error) {
			seen, err := counter.Get(ev)
			if err != nil {
				return webpubsub.Reply{}, err
			}
			seen.Count++
			reply := webpubsub.TextReply(in)
			reply.State = counter.Set(seen)
			return reply, nil
		}),
	}
	build := func(cfg webpubsub.Config) http.Handler {
		h, err := webpubsub.NewHandler(cfg)
		require.NoError(tb, err)
		return h
	}
	return []contestant{
		{"webpubsub", build(plain), append(slices.Clip(common), mqttConnect)},
		{"interceptors", build(around), []kind{userText, connect}},
		{"with-state", build(state), []kind{userState}},
		{"by-hand", &byHand{key: []byte(accessKey)}, common},
	}
}

// Both must do the work that is measured.
func TestContestantsAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range contestants(t) {
		for _, k := range c.kinds {
			t.Run(c.name+"/"+k.name, func(t *testing.T) {
				t.Parallel()
				call := newCall(t, k)
				call.serve(c.handler)
				call.check(t, k)
			})
		}
	}
}

// BenchmarkHandler measures a handler without the server of net/http.
func BenchmarkHandler(b *testing.B) {
	for _, c := range contestants(b) {
		for _, k := range c.kinds {
			b.Run(c.name+"/"+k.name, func(b *testing.B) {
				call := newCall(b, k)
				b.ReportAllocs()
				for b.Loop() {
					call.serve(c.handler)
				}
				call.check(b, k)
			})
		}
	}
}

// BenchmarkLoopback measures a server with one request after another on a keep-alive
// connection. The client allocates nothing, so that bytes and allocations are the
// server's. "empty" is a handler that does nothing: the cost of net/http alone.
func BenchmarkLoopback(b *testing.B) {
	empty := contestant{"empty", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), common}
	for _, c := range append(contestants(b), empty) {
		for _, k := range c.kinds {
			b.Run(c.name+"/"+k.name, func(b *testing.B) {
				conn := dial(b, c.handler)
				answer := bufio.NewReaderSize(conn, 16<<10)
				wire, status := k.wire(), []byte(strconv.Itoa(k.status))
				if c.name == "empty" {
					status = []byte("200")
				}
				b.ReportAllocs()
				for b.Loop() {
					roundTrip(b, conn, answer, wire, status)
				}
			})
		}
	}
}

func dial(b *testing.B, h http.Handler) net.Conn {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	server := &http.Server{Handler: h}
	b.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }() // ends with the server
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	return conn
}

// roundTrip sends a request, checks the status of its answer and reads it.
func roundTrip(b *testing.B, conn net.Conn, answer *bufio.Reader, wire, status []byte) {
	if _, err := conn.Write(wire); err != nil {
		b.Fatal(err)
	}
	length := 0
	for n := 0; ; n++ {
		line, err := answer.ReadSlice('\n')
		if err != nil {
			b.Fatal(err)
		}
		if n == 0 && (len(line) < 12 || !bytes.Equal(line[9:12], status)) {
			b.Fatalf("answered %q, want status %s", line, status)
		}
		if len(line) == len("\r\n") {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length = 0
			for _, c := range bytes.TrimSpace(value) {
				length = 10*length + int(c-'0')
			}
		}
	}
	if _, err := answer.Discard(length); err != nil {
		b.Fatal(err)
	}
}
