package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	kit "github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

const unsignedWarning = "UNSIGNED EVENTS ARE ACCEPTED from any program of this machine; set WEBPUBSUB_CONNECTION_STRING to verify them\n"

// listener is the command listen. It runs until stop is called.
type listener struct {
	t      *testing.T
	url    string
	stdout *bufio.Reader
	stderr *bufio.Reader
	stop   func()
}

// listen runs the command on a free port.
func listen(t *testing.T, env map[string]string, args ...string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stdout, out := io.Pipe()
	stderr, errs := io.Pipe()
	l := &listener{t: t, stdout: bufio.NewReader(stdout), stderr: bufio.NewReader(stderr)}
	done := make(chan error, 1)
	go func() {
		err := cli.Exec(ctx, append([]string{"listen", "--addr", "127.0.0.1:0"}, args...), environment(env), nil, out, errs)
		_, _ = out.Close(), errs.Close()
		done <- err
	}()
	t.Cleanup(cancel)
	l.stop = func() {
		cancel()
		require.NoError(t, <-done)
	}
	return l
}

// announced reads the line with the address.
func (l *listener) announced(r *bufio.Reader) {
	l.t.Helper()
	line := readLine(l.t, r)
	require.True(l.t, strings.HasPrefix(line, "listening  http://127.0.0.1:"), line)
	l.url = strings.TrimSpace(strings.TrimPrefix(line, "listening"))
}

func readLine(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	line, err := r.ReadString('\n')
	require.NoError(t, err)
	return line
}

var clock = regexp.MustCompile(`\b\d\d:\d\d:\d\d\.\d\d\d\b|"time":"[^"]*"|"milliseconds":[\d.e-]+|[0-9a-f]{8}-[0-9a-f-]{27}|ce-time: \S+`)

// lines reads so many masked lines.
func (l *listener) lines(n int) string {
	l.t.Helper()
	var b strings.Builder
	for range n {
		b.WriteString(mask(clock.ReplaceAllStringFunc(readLine(l.t, l.stdout), func(found string) string {
			if name, _, ok := strings.Cut(found, ":"); ok && strings.HasPrefix(name, `"`) {
				return name + ":0"
			}
			return "NOW"
		})))
	}
	return b.String()
}

// prints sends an event of connection c1, and returns so many masked lines that the command
// prints, and the body of the answer.
func (l *listener) prints(n int, opts *kit.Options, ev kit.Event) (lines, body string) {
	l.t.Helper()
	o := kit.Options{}
	if opts != nil {
		o = *opts
	}
	o.URL = l.url + "/any?code=s3cr3t"
	svc := kit.New(nil, &o)
	ev.ConnectionID = "c1"
	req, err := svc.NewRequest(l.t.Context(), ev)
	require.NoError(l.t, err)
	req.Close = true
	type outcome struct {
		answer *kit.Answer
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		answer, err := svc.Do(req)
		done <- outcome{answer, err}
	}()
	lines = l.lines(n)
	got := <-done
	require.NoError(l.t, got.err)
	return lines, string(got.answer.Body)
}

// line is like prints, for one line.
func (l *listener) line(opts *kit.Options, ev kit.Event) string {
	l.t.Helper()
	line, _ := l.prints(1, opts, ev)
	return line
}

const connectBody = `{"claims":{"sub":["ann"]},"query":{"access_token":["s3cr3t"],"q":["1"]},"headers":{"Cookie":["s3cr3t"]},"subprotocols":[],"clientCertificates":[]}`

func connectEvent() kit.Event {
	return kit.Event{Type: "azure.webpubsub.sys.connect", Name: "connect", UserID: "ann", Data: []byte(connectBody)}
}

func sayEvent(text string) kit.Event {
	return kit.Event{Name: "say", ContentType: "text/plain", Data: []byte(text)}
}

func TestListenReplies(t *testing.T) {
	t.Parallel()
	l := listen(t, nil, "--reply", "hi\x1b")
	assert.Equal(t, unsignedWarning, readLine(t, l.stderr))
	l.announced(l.stdout)
	assert.Equal(t, "NOW #1   connect      hub=chat connection=c1 user=ann  204 No Content in TIME\n", l.line(nil, connectEvent()))
	assert.Equal(t, `NOW #2   say          hub=chat connection=c1  "a\nb\x1b[2J`+strings.Repeat("x", 73)+`…"  200 OK in TIME  "hi\x1b"`+"\n", l.line(nil, sayEvent("a\nb\x1b[2J"+strings.Repeat("x", 100))))
	assert.Equal(t, `NOW #3   joined       hub=chat connection=c1  {"group":"g"}  204 No Content in TIME`+"\n", l.line(nil, kit.Event{Type: "azure.webpubsub.gp.joined", Name: "joined", Data: []byte(`{"group":"g"}`)}))
	assert.Equal(t, `NOW #4   say          hub=chat connection=c1  1 bytes  200 OK in TIME  "hi\x1b"`+"\n", l.line(nil, kit.Event{Name: "say", ContentType: "application/octet-stream", Data: []byte("\xff")}))
	assert.Regexp(t, `^NOW #5   say          hub=chat connection=c1  415 Unsupported Media Type in TIME  415 Unsupported Media Type: .*image/png`, l.line(nil, kit.Event{Name: "say", ContentType: "image/png", Data: []byte("\xff")}))
	l.stop()
}

func TestListenRepliesInJSON(t *testing.T) {
	t.Parallel()
	l := listen(t, map[string]string{"WEBPUBSUB_CONNECTION_STRING": kit.ConnectionString}, "--reply-json", `{"a":1}`, "--hub", "chat")
	l.announced(l.stdout)
	assert.Equal(t, "service    localhost\n", readLine(t, l.stdout))
	assert.Equal(t, `NOW #1   say          hub=chat connection=c1  "x"  200 OK in TIME  {"a":1}`+"\n", l.line(nil, sayEvent("x")))
	assert.Regexp(t, `^NOW #2   say          hub=other connection=c1  404 Not Found in TIME  404 Not Found: .*other`, l.line(&kit.Options{Hub: "other"}, sayEvent("x")))
	line := l.line(&kit.Options{ConnectionString: "Endpoint=http://localhost;AccessKey=" + secret + ";"}, sayEvent("hidden"))
	assert.Regexp(t, `^NOW #3   say          hub=chat connection=c1  401 Unauthorized in TIME  no signature matches: the request names the host localhost, and none of the keys`, line)
	assert.NotContains(t, line, "hidden")
	l.stop()
}

func TestListenVerbose(t *testing.T) {
	t.Parallel()
	for _, claims := range []bool{false, true} {
		args, sub := []string{"--verbose"}, `"(hidden)"`
		if claims {
			args, sub = append(args, "--show-claims"), "[\n    >       \"ann\"\n    >     ]"
		}
		l := listen(t, map[string]string{"WEBPUBSUB_CONNECTION_STRING": kit.ConnectionString}, args...)
		l.announced(l.stdout)
		readLine(t, l.stdout)
		n := 37
		if claims {
			n += 2
		}
		shown, _ := l.prints(n, nil, connectEvent())
		assert.Equal(t, `NOW #1   connect      hub=chat connection=c1 user=ann  204 No Content in TIME
    > POST /any
    > Accept-Encoding: gzip
    > ce-awpsversion: 1.0
    > ce-connectionId: c1
    > ce-eventName: connect
    > ce-hub: chat
    > ce-id: 0
    > ce-signature: (hidden)
    > ce-source: /hubs/chat/client/c1
    > ce-specversion: 1.0
    > NOW
    > ce-type: azure.webpubsub.sys.connect
    > ce-userId: ann
    > Connection: close
    > Content-Length: 146
    > Content-Type: application/json; charset=utf-8
    > WebHook-Request-Origin: localhost
    > x-ms-client-request-id: NOW
    >
    > {
    >   "claims": {
    >     "sub": `+sub+`
    >   },
    >   "clientCertificates": [],
    >   "headers": {
    >     "Cookie": "(hidden)"
    >   },
    >   "query": {
    >     "access_token": "(hidden)",
    >     "q": [
    >       "1"
    >     ]
    >   },
    >   "subprotocols": []
    > }
    < 204 No Content
`, shown)
		l.stop()
	}
}

func TestListenPrintsJSON(t *testing.T) {
	t.Parallel()
	l := listen(t, nil, "--json", "--reply", "hi")
	assert.Equal(t, unsignedWarning, readLine(t, l.stderr))
	l.announced(l.stderr)
	compare(t, `{"number":1,"time":0,"method":"POST","path":"/any","event":"connect","type":"azure.webpubsub.sys.connect","hub":"chat","connectionId":"c1","userId":"ann","eventId":"0",`+
		`"contentType":"application/json; charset=utf-8","dataType":"json","data":{"claims":{"sub":"(hidden)"},"clientCertificates":[],"headers":{"Cookie":"(hidden)"},"query":{"access_token":"(hidden)","q":["1"]},"subprotocols":[]},`+
		`"status":204,"milliseconds":0,"answer":{"dataType":"none","data":null}}`+"\n", l.line(nil, connectEvent()), "stdout")
	state := "s"
	ev := sayEvent("a\x1b\u009b")
	ev.State, ev.Subprotocol = &state, "p"
	compare(t, `{"number":2,"time":0,"method":"POST","path":"/any","event":"say","type":"azure.webpubsub.user.say","hub":"chat","connectionId":"c1","eventId":"2","subprotocol":"p","rawState":"s",`+
		`"contentType":"text/plain","dataType":"text","data":"a\u001b\u009b","status":200,"milliseconds":0,"answer":{"contentType":"text/plain; charset=utf-8","dataType":"text","data":"hi"}}`+"\n", l.line(nil, ev), "stdout")
	l.stop()
}

func TestListenForwards(t *testing.T) {
	t.Parallel()
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{kit.ConnectionString},
		Logger:            slog.New(slog.DiscardHandler),
		UserEvents: map[string]webpubsub.UserEventFunc{"say": webpubsub.Text(func(_ context.Context, _ *webpubsub.UserEvent, text string) (string, error) {
			return "re: " + text, nil
		})},
	})
	require.NoError(t, err)
	next := httptest.NewServer(h)
	t.Cleanup(next.Close)
	l := listen(t, map[string]string{"WEBPUBSUB_CONNECTION_STRING": kit.ConnectionString}, "--forward", next.URL+"/{event}?code=s3cr3t")
	l.announced(l.stdout)
	assert.Equal(t, "service    localhost\nforward    "+next.URL+"/{event}?…\n", readLine(t, l.stdout)+readLine(t, l.stdout))
	lines, body := l.prints(2, nil, sayEvent("hello"))
	assert.Equal(t, `NOW #1   say          hub=chat connection=c1  "hello"  -> `+next.URL+"/say?…\n"+`NOW #1   say           <-  200 OK in TIME  "re: hello"`+"\n", lines)
	assert.Equal(t, "re: hello", body, "the handler has verified the signature")
	next.Close()
	lines, body = l.prints(2, nil, sayEvent("hello"))
	assert.Regexp(t, `^NOW #2 .*\nNOW #2   say           <-  502 Bad Gateway in TIME  not passed on: .+\n$`, lines)
	assert.Equal(t, "Bad Gateway", body)
	l.stop()
}

// Ctrl+C ends the command though a handler does not answer.
func TestListenEndsWhileItForwards(t *testing.T) {
	t.Parallel()
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(hang.Close)
	l := listen(t, nil, "--forward", hang.URL)
	readLine(t, l.stderr)
	l.announced(l.stdout)
	readLine(t, l.stdout)
	failed := make(chan error, 1)
	go func() {
		svc := kit.New(nil, &kit.Options{URL: l.url})
		_, err := svc.Connect(context.Background(), nil)
		failed <- err
	}()
	l.lines(1)
	go io.Copy(io.Discard, l.stdout) //nolint:errcheck // the line of the event that is given up
	l.stop()
	require.Error(t, <-failed)
}

func TestListenUsage(t *testing.T) {
	t.Parallel()
	const help = "Run 'webpubsub listen --help' for usage.\n"
	const ours = "Endpoint=https://ours.test;AccessKey=" + secret + ";"
	args := func(args ...string) []string { return append([]string{"listen", "--addr", "127.0.0.1:0"}, args...) }
	checkRuns(t, cli.Main, []programRun{
		{name: "address", args: []string{"listen", "--addr", "3000"}, code: 2, stderr: "webpubsub: --addr \"3000\": want host:port\n" + help},
		{
			name: "others can reach it", args: []string{"listen", "--addr", "0.0.0.0:0"}, code: 2,
			stderr: "webpubsub: --addr \"0.0.0.0:0\": others can reach this address, and without a connection string their events would be accepted; want one of localhost, or WEBPUBSUB_CONNECTION_STRING\n" + help,
		},
		{name: "hub", args: args("--hub", "a b"), code: 2, stderr: "webpubsub: --hub \"a b\": want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)\n" + help},
		{name: "two answers", args: args("--reply", "a", "--forward", "http://h"), code: 2, stderr: "webpubsub: --reply and --forward: want one of them\n" + help},
		{name: "two forms", args: args("--json", "--verbose"), code: 2, stderr: "webpubsub: --json and --verbose: want one of them\n" + help},
		{name: "JSON", args: args("--reply-json", "{"), code: 2, stderr: "webpubsub: --reply-json: not JSON; text is --reply\n" + help},
		{name: "file", args: args("--reply", "@none"), code: 2, stderr: "webpubsub: --reply: file \"none\": no such file or directory\n" + help},
		{name: "forward", args: args("--forward", "h?code="+secret), code: 2, stderr: "webpubsub: --forward \"h?…\": want an absolute http or https URL\n" + help},
		{name: "forward with a hub", args: args("--forward", "http://h/{hub}"), code: 2, stderr: "webpubsub: --forward \"http://h/{hub}\" has {hub}, which validation requests do not name: want --hub too\n" + help},
		{name: "connection string", args: args("--connection-string", secret), code: 2, stderr: "webpubsub: --connection-string: connection string: part 1 has no =, want Endpoint=…;AccessKey=…; as \"az webpubsub key show\" prints it, or \"webpubsub emulator\" its own\n" + help},
		{name: "unknown host", args: []string{"listen", "--addr", "192.0.2.1:1", "--connection-string", ours}, code: 1, stderr: "webpubsub: --addr \"192.0.2.1:1\": listen tcp 192.0.2.1:1: bind: cannot assign requested address; choose another address, or any free port with --addr localhost:0\n"},
		{name: "misspelt", args: args("--forwrd", "x"), code: 2, stderr: "webpubsub: unknown flag: --forwrd, did you mean --forward?\n" + help},
	})
	var b bytes.Buffer
	assert.Zero(t, cli.Main([]string{"listen", "--help"}, environment(nil), nil, &b, &b))
	assert.Contains(t, b.String(), "--show-claims")
}
