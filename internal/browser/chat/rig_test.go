package chat_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"

	"github.com/go-webpubsub/webpubsub/internal/browser/rig"
)

var (
	screenshots = flag.String("screenshots", "", "`directory` for the screenshots that the tests take")
	screenshot  = flag.String("screenshot", "", "`file` for the README's screenshot")
	program     = rig.NewBuilder("../../../examples/chat")
	agent       = rig.NewBuilder("../../../examples/agent")
)

func TestMain(m *testing.M) {
	code := m.Run()
	program.Close()
	agent.Close()
	os.Exit(code)
}

func start(t *testing.T) *rig.Program {
	t.Helper()
	return rig.Start(t, program, "Chat at ")
}

// tab is the tab of one person.
type tab struct{ *rig.Tab }

// open opens the page in a tab. The scripts run before those of the page.
func open(t *testing.T, browser context.Context, s *rig.Program, scripts ...string) *tab {
	t.Helper()
	b := &tab{rig.Open(t, browser, s.URL, `^(http://`+s.Addr+`/|ws://`+s.Addr+`/client/)`, scripts...)}
	b.Screenshots = *screenshots
	return b
}

func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.T.Helper()
	rig.Call(b.Tab, command, params)
}

// eval evaluates an expression of JavaScript.
func eval[R any](b *tab, expression string, args ...any) R {
	b.T.Helper()
	return rig.Eval[R](b.Tab, expression, args...)
}

func (b *tab) join(nickname string) {
	b.T.Helper()
	b.Submit("#nickname", nickname)
	b.connected()
}

func (b *tab) connected() {
	b.T.Helper()
	b.Shows("#state-text", "Connected")
	b.Await(`document.querySelector("#people .you") !== null`)
}

func (b *tab) say(text string) {
	b.T.Helper()
	b.Submit("#text", text)
	b.Await(`document.getElementById("text").value === ""`)
}

// enter joins a room.
func (b *tab) enter(room string) {
	b.T.Helper()
	b.Click(fmt.Sprintf(`[data-room=%q] button`, room))
	b.Shows("#room", "#"+room)
	b.Await(`document.querySelector("#people .you") !== null`)
}

// people waits until exactly these people are in the room.
func (b *tab) people(names ...string) {
	b.T.Helper()
	b.Await(`[...document.querySelectorAll("#people li span:nth-child(2)")].map(e => e.textContent).sort().join() === %q`, strings.Join(names, ","))
}
