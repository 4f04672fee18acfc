package emulator_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/emulator/internal/inspect"
	kit "github.com/go-webpubsub/webpubsub/httptest"
)

type count struct {
	N int `json:"n"`
}

// counting is a server with an event handler, whose answers depend on all that an event
// has. If changed is set, it forgets the state.
func counting(t *testing.T, changed *atomic.Bool) *httptest.Server {
	t.Helper()
	var session webpubsub.State[count]
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{kit.ConnectionString},
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			if ev.Query.Get("room") == "" {
				return nil, webpubsub.Forbidden("no room for " + ev.Claims.Get("sub"))
			}
			return &webpubsub.ConnectReply{Groups: ev.Query["room"], State: session.Set(count{1})}, nil
		},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"say": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				n, err := session.Get(ev)
				if changed.Load() {
					n.N = 0
				}
				reply := webpubsub.TextReply(fmt.Sprintf("%s: %q %d %s", ev.UserID, ev.Data, n.N, ev.Metadata()["lang"]))
				reply.State = session.Set(count{n.N + 1})
				return reply, err
			},
			"blob": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.BinaryReply(append(ev.Data, 0, 0xff)), nil
			},
		},
		Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
			return webpubsub.Reply{}, webpubsub.BadRequest("what `is` \"that\"?")
		},
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/events/{hub}/{event}", h)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// events connects clients and returns a record of each event: of each kind, and of a few
// answers.
func (i *inspection) events() map[string]inspect.Record {
	i.t.Helper()
	s, _ := i.stream("")
	out := make(map[string]inspect.Record)
	dial := func(query string) (*websocket.Conn, error) {
		conn, _, err := websocket.Dial(i.t.Context(), i.emu.ClientURL("chat", &emulator.ClientOptions{UserID: "ann"})+query, &websocket.DialOptions{HTTPClient: i.http, Subprotocols: []string{plainJSON}})
		return conn, err
	}
	_, err := dial("")
	require.Error(i.t, err)
	out["refused"] = s.event("connect")
	conn, err := dial("&room=lobby")
	require.NoError(i.t, err)
	p := &peer{t: i.t, conn: conn}
	p.next()
	p.send(`{"type":"event","event":"say","dataType":"text","data":"it's \"me\"","metadata":{"lang":"en"},"ackId":1}`,
		`{"type":"event","event":"blob","dataType":"binary","data":"AAH/","ackId":2}`, `{"type":"event","event":"other","data":{"a":[1,"two"]},"ackId":3}`)
	for range 5 {
		p.next()
	}
	require.NoError(i.t, conn.Close(websocket.StatusNormalClosure, "bye"))
	for _, name := range []string{"connect", "connected", "joined", "say", "blob", "other", "left", "disconnected"} {
		out[name] = s.event(name)
	}
	return out
}

// module writes a module that uses this one, and returns its directory.
func module(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	const path = "github.com/go-webpubsub/webpubsub"
	_, rest, found := strings.Cut(string(mod), "module "+path+"\n")
	require.True(t, found)
	save(t, dir, "go.mod", fmt.Sprintf("module copied.test\n\nrequire %s v0.0.0\n\nreplace %s => %s\n%s", path, path, root, rest))
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	save(t, dir, "go.sum", string(sums))
	return dir
}

func save(t *testing.T, dir, name, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)) //nolint:gosec // in a directory of the test
}

func goTool(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// The handler in memory of a copied test passes events on to the server of this test.
const passOn = `package memory_test

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"
)

func newHandler(t *testing.T) http.Handler {
	target, err := url.Parse("%s")
	if err != nil {
		t.Fatal(err)
	}
	return httputil.NewSingleHostReverseProxy(target)
}
`

// An event copied as a Go test compiles and passes: of each kind, with the handler at its
// URL and in memory. It fails if the handler answers otherwise.
func TestInspectorCopiesGoTests(t *testing.T) {
	t.Parallel()
	var changed atomic.Bool
	server := counting(t, &changed)
	i := newInspection(t, emulator.Config{Hubs: map[string]emulator.Hub{
		"chat": {EventHandlers: []emulator.EventHandler{emulator.AtURL(server.URL + "/events/{hub}/{event}")}},
	}})
	dir := module(t)
	events := i.events()
	for name, r := range events {
		for variant, query := range map[string]string{"url": "", "memory": "&handler=newHandler(t)"} {
			status, source := i.get(fmt.Sprintf("records/%d/gotest?package=%s_test%s", r.N, variant, query))
			require.Equal(t, http.StatusOK, status, source)
			if name == "refused" { // its test has the name of that of connect
				source = strings.ReplaceAll(source, "TestConnect(", "TestRefused(")
			}
			save(t, dir, filepath.Join(variant, name+"_test.go"), source)
		}
	}
	save(t, dir, filepath.Join("memory", "handler_test.go"), fmt.Sprintf(passOn, server.URL))
	out, err := goTool(t, dir, "vet", "./...")
	require.NoError(t, err, out)
	out, err = goTool(t, dir, "test", "-count=1", "-v", "./...")
	require.NoError(t, err, out)
	assert.Equal(t, 2*len(events), strings.Count(out, "--- PASS: Test"), out)

	changed.Store(true)
	out, err = goTool(t, dir, "test", "-count=1", "./...")
	require.Error(t, err)
	assert.Equal(t, 2, strings.Count(out, "--- FAIL: TestSay"), out)
	assert.Contains(t, out, `state "eyJuIjoxfQ==", want "eyJuIjoyfQ=="`)
}

func TestInspectorCopiesGoTestOfLocalHandlers(t *testing.T) {
	t.Parallel()
	h := &script{}
	private := chat(h)
	private.AccessKeys = []string{longKey}
	i := newInspection(t, private)
	s, _ := i.stream("")
	i.connect(nil, plainJSON, nil)
	r := s.event("connected")
	_, source := i.get(fmt.Sprintf("records/%d/gotest", r.N))
	assert.Contains(t, source, "package main_test\n")
	assert.Contains(t, source, "httptest.New(newHandler(t), &httptest.Options{")
	assert.Contains(t, source, `ConnectionString: os.Getenv("WEBPUBSUB_CONNECTION_STRING"),`)
	assert.NotContains(t, source, longKey)
	for _, wrong := range []string{"package=a.b", "package=func", "handler=a%3Bb", "handler=f(", "handler=" + strings.Repeat("a", 257)} {
		status, body := i.get(fmt.Sprintf("records/%d/gotest?%s", r.N, wrong))
		assert.Equal(t, http.StatusBadRequest, status, body)
	}
	for _, as := range []string{"curl", "trigger"} {
		status, body := i.get(fmt.Sprintf("records/%d/%s", r.N, as))
		assert.Equal(t, http.StatusConflict, status, body)
	}
	status, _ := i.get("records/1/gotest")
	assert.Equal(t, http.StatusBadRequest, status, "a handshake is no event")
}

// A command with a signature is copied for the well-known key only.
func TestInspectorCopiesCurl(t *testing.T) {
	t.Parallel()
	server := counting(t, new(atomic.Bool))
	i := newInspection(t, emulator.Config{Hubs: map[string]emulator.Hub{
		"chat": {EventHandlers: []emulator.EventHandler{emulator.AtURL(server.URL + "/events/{hub}/{event}")}},
	}})
	events := i.events()
	say := events["say"]
	status, command := i.get(fmt.Sprintf("records/%d/curl", say.N))
	require.Equal(t, http.StatusOK, status, command)
	for _, part := range []string{
		"curl -i --globoff '" + server.URL + "/events/chat/say' \\\n",
		"  -H 'ce-connectionState: eyJuIjoxfQ==' \\\n", "  -H 'ce-userId: ann' \\\n", "  -H 'X-WebPubSub-Metadata-lang: en' \\\n",
		"  -H 'ce-signature: " + webpubsub.Sign(emulator.DefaultAccessKey, say.Connection) + "' \\\n", `  --data-raw 'it'\''s "me"'` + "\n",
	} {
		assert.Contains(t, strings.ToLower(command), strings.ToLower(part))
	}
	_, command = i.get(fmt.Sprintf("records/%d/curl", events["blob"].N))
	assert.True(t, strings.HasPrefix(command, "echo 'AAH/' | base64 -d | curl "), command)
	assert.True(t, strings.HasSuffix(command, "--data-binary @-\n"), command)

	private := newInspection(t, emulator.Config{AccessKeys: []string{longKey}})
	status, _, _ = private.do(private.request(http.MethodPost, "import", exported(i, say.N)))
	require.Equal(t, http.StatusOK, status)
	status, body := private.get("records/1/curl")
	assert.Equal(t, http.StatusConflict, status, body)
	_, body = private.get("records/1/trigger")
	assert.Contains(t, body, "# the access key is read from WEBPUBSUB_CONNECTION_STRING\n")
}

// exported returns the line of a record.
func exported(i *inspection, n uint64) string {
	_, line := i.get(fmt.Sprintf("records/%d", n))
	return line + "\n"
}
