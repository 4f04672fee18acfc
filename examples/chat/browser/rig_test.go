package browser_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"image/png"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	screenshots = flag.String("screenshots", "", "`directory` for the screenshots that the tests take")
	screenshot  = flag.String("screenshot", "", "`file` for the README's screenshot")
)

// patience is the time limit of a wait, for slow machines.
const patience = 60 * time.Second

// build builds the program.
var build = sync.OnceValues(func() (program string, err error) {
	dir, err := os.MkdirTemp("", "chat")
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, "chat")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
})

func TestMain(m *testing.M) {
	lastPort.Store(20_000 + rand.Int32N(10_000))
	code := m.Run()
	if program, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

// lastPort is the last port of a server. Servers have ports below those that systems
// assign, so that a server that restarts finds its port free.
var lastPort atomic.Int32

// server is a running program.
type server struct {
	t    *testing.T
	addr string // that it listens on
	url  string
	cmd  *exec.Cmd
	out  *bufio.Scanner
}

func start(t *testing.T) *server {
	t.Helper()
	s := &server{t: t}
	for free := false; !free; {
		s.addr = fmt.Sprintf("127.0.0.1:%d", lastPort.Add(1))
		ln, err := net.Listen("tcp", s.addr)
		if free = err == nil; free {
			require.NoError(t, ln.Close())
		}
	}
	s.run()
	t.Cleanup(s.stop)
	return s
}

// run starts the program, at the same address if it ran before.
func (s *server) run() {
	s.t.Helper()
	program, err := build()
	require.NoError(s.t, err)
	s.cmd = exec.Command(program, "--addr", s.addr)
	s.cmd.Env = append(os.Environ(), "WEBPUBSUB_CONNECTION_STRING=")
	stdout, err := s.cmd.StdoutPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, s.cmd.Start())
	s.out = bufio.NewScanner(stdout)
	for s.url = ""; s.url == ""; {
		require.True(s.t, s.out.Scan(), "the program ended before it served")
		if _, after, ok := strings.Cut(s.out.Text(), "Chat at "); ok {
			s.url, _, _ = strings.Cut(after, " ")
		}
	}
	go func() {
		for s.out.Scan() {
			continue // who does not read what it prints makes it wait
		}
	}()
}

// stop interrupts the program and requires exit code 0.
func (s *server) stop() {
	s.t.Helper()
	if s.cmd == nil {
		return
	}
	cmd := s.cmd
	s.cmd = nil
	require.NoError(s.t, cmd.Process.Signal(os.Interrupt))
	assert.NoError(s.t, cmd.Wait())
}

// launch starts a browser until the test ends.
func launch(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // the tests may run as root
		chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.WSURLReadTimeout(patience),
	)
	ctx, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	browser, done := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		assert.NoError(t, chromedp.Cancel(browser))
		done()
		stop()
	})
	require.NoError(t, chromedp.Do(browser))
	return browser
}

// tab is the tab of one person.
type tab struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // it is chromedp's handle of the tab

	mu       sync.Mutex
	problems []string // exceptions, and what the page's policy forbids
	requests []string // hosts that the page has asked
}

// open opens the page in a tab. The scripts run before those of the page.
func open(t *testing.T, browser context.Context, s *server, scripts ...string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, b.listen))
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	call(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	call(b, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: "en_GB"})
	b.resize(1280, 800, 1)
	for _, script := range scripts {
		call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	}
	b.do(chromedp.Navigate(s.url)) //nolint:contextcheck // the tab has its own
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		assert.Empty(t, b.problems)
		assert.NotEmpty(t, b.requests)
		for _, url := range b.requests {
			assert.Regexp(t, `^(http://`+s.addr+`/|ws://`+s.addr+`/client/)`, url, "the page asks nobody else")
		}
	})
	return b
}

func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, event.ExceptionDetails.Text)
		if e := event.ExceptionDetails.Exception; e != nil {
			b.problems = append(b.problems, e.Description)
		}
	case *log.EventEntryAdded:
		if strings.Contains(event.Entry.Text, "Policy") {
			b.problems = append(b.problems, event.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, event.Request.URL)
	case *network.EventWebSocketCreated:
		b.requests = append(b.requests, event.URL)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, steps...))
}

func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, command, params)
	require.NoError(b.t, err, command.Method)
}

// eval evaluates an expression of JavaScript.
func eval[T any](b *tab, expression string, args ...any) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](fmt.Sprintf(expression, args...), chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, expression)
	return got
}

// await waits until an expression of JavaScript is true.
func (b *tab) await(expression string, args ...any) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	expression = fmt.Sprintf(expression, args...)
	_, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](expression,
		chromedp.WithPollingInterval(30*time.Millisecond), chromedp.WithPollingTimeout(patience)))
	if err != nil {
		require.NoError(b.t, err, "%s\nthe page says: %s", expression, eval[string](b, "document.body.innerText"))
	}
}

// shows waits until a visible element has exactly the text.
func (b *tab) shows(selector, text string) {
	b.t.Helper()
	b.await(`[...document.querySelectorAll(%q)].some(e => e.textContent === %q && e.checkVisibility())`, selector, text)
}

func (b *tab) press(selector, keys string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.CSS(selector), keys))
}

// submit types the keys and presses Enter. As with a keyboard, there is no line break
// if the page prevents the default of the key press.
func (b *tab) submit(selector, keys string) {
	b.t.Helper()
	b.press(selector, keys)
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		p := input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13}
		if kind == input.DispatchKeyEventTypeKeyDown {
			p.Text = "\r"
		}
		call(b, input.DispatchKeyEvent, p)
	}
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

func (b *tab) clear(selector string) {
	b.t.Helper()
	eval[chromedp.Void](b, `document.querySelector(%q).value = ""`, selector)
}

func (b *tab) join(nickname string) {
	b.t.Helper()
	b.submit("#nickname", nickname)
	b.connected()
}

func (b *tab) connected() {
	b.t.Helper()
	b.shows("#state-text", "Connected")
	b.await(`document.querySelector("#people .you") !== null`)
}

func (b *tab) say(text string) {
	b.t.Helper()
	b.submit("#text", text)
	b.await(`document.getElementById("text").value === ""`)
}

// enter joins a room.
func (b *tab) enter(room string) {
	b.t.Helper()
	b.click(fmt.Sprintf(`[data-room=%q] button`, room))
	b.shows("#room", "#"+room)
	b.await(`document.querySelector("#people .you") !== null`)
}

// people waits until exactly these people are in the room.
func (b *tab) people(names ...string) {
	b.t.Helper()
	b.await(`[...document.querySelectorAll("#people li span:nth-child(2)")].map(e => e.textContent).sort().join() === %q`, strings.Join(names, ","))
}

func (b *tab) resize(width, height int64, scale float64) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: scale, Mobile: width < 600,
	})
}

// shoot takes a screenshot with a size, light or dark.
func (b *tab) shoot(name, scheme string, width, height int64, scale float64) []byte {
	b.t.Helper()
	b.resize(width, height, scale)
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	eval[chromedp.Void](b, `document.getElementById("scroll").scrollTop = 1e9, document.fonts.ready.then(() => undefined)`)
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	image, err := png.DecodeConfig(bytes.NewReader(data))
	require.NoError(b.t, err)
	assert.Equal(b.t, int(float64(width)*scale), image.Width)
	assert.False(b.t, eval[bool](b, `document.documentElement.scrollWidth > innerWidth`), "%s: the page is wider than its window", name)
	if *screenshots != "" {
		require.NoError(b.t, os.WriteFile(filepath.Join(*screenshots, name+".png"), data, 0o600))
	}
	return data
}
