package inspector_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/browser/rig"
)

// chat is the chat example with its inspector.
type chat struct {
	*rig.Program
	inspector string // URL
}

func start(t *testing.T) *chat {
	t.Helper()
	p := rig.Start(t, program, "Chat at ")
	return &chat{p, p.Printed("Inspector at ")}
}

// inspect opens the inspector.
func (c *chat) inspect(t *testing.T, browser context.Context, scripts ...string) *rig.Tab {
	t.Helper()
	b := rig.Open(t, browser, c.inspector, `^(http://`+c.Addr+`/inspector/|ws://`+c.Addr+`/client/|blob:http://`+c.Addr+`/)`, scripts...)
	b.Screenshots = *screenshots
	b.Shows("#state-text", "Live") //nolint:contextcheck // the tab has its own
	return b
}

// join opens the chat and joins it.
func (c *chat) join(t *testing.T, browser context.Context, nickname string) *rig.Tab {
	t.Helper()
	b := rig.Open(t, browser, c.URL, `^(http|ws)://`+c.Addr+`/`)
	b.Submit("#nickname", nickname)                            //nolint:contextcheck // the tab has its own
	b.Await(`document.querySelector("#people .you") !== null`) //nolint:contextcheck // as above
	return b
}

// search sets the query of the inspector.
func search(b *rig.Tab, query string) {
	b.T.Helper()
	rig.Eval[chromedp.Void](b, `(e => { e.value = %q; e.dispatchEvent(new Event("input")); })(document.getElementById("query"))`, query)
}

// press clicks on the button with a text.
func press(b *rig.Tab, selector, text string) {
	b.T.Helper()
	b.Await(`[...document.querySelectorAll(%q)].some(e => e.textContent === %q && e.checkVisibility())`, selector, text)
	rig.Eval[chromedp.Void](b, `[...document.querySelectorAll(%q)].find(e => e.textContent === %q && e.checkVisibility()).click()`, selector, text)
}

// TestMend finds an event of the chat that fails, sends it again with another payload,
// exports it as a Go test, and runs that.
func TestMend(t *testing.T) {
	t.Parallel()
	c, browser := start(t), rig.Launch(t)
	b := c.inspect(t, browser, `navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve(); }`)
	ann, ben := c.join(t, browser, "Ann"), c.join(t, browser, "Ben")
	rig.Eval[string](ann, `document.getElementById("text").removeAttribute("maxlength"), document.getElementById("text").value = "too long ".repeat(200)`)
	ann.Submit("#text", "")
	ann.Shows("#say-error", "payload is not valid: text: max=1000")

	b.Click(`[data-term="is:failed"]`)
	b.Await(`[...document.querySelectorAll(".record")].some(r => r.record.event === "say")`)
	search(b, "is:event event:say is:refused")
	b.Await(`document.querySelectorAll(".record").length === 1`)
	b.Key("j", "", 'J', 0)
	b.Key("Enter", "Enter", 13, 0)
	b.Shows("#detail h2", "say 200")
	b.Shows("#detail .why", "400: payload is not valid: text: max=1000")
	search(b, "event:say is:event")

	press(b, "#detail .actions button", "Edit and send")
	b.Clear("[name=payload]")
	b.Press("[name=payload]", `{"room":"lobby","text":"shorter"}`)
	b.Click("#dialog .primary")
	b.Shows("#toast", "The handler answered 204.")
	ben.Shows(".said", "shorter") // it has arrived
	b.Shows("#detail h2", "say 204")
	b.Await(`document.querySelectorAll(".record").length === 2`)

	assert.Zero(t, rig.Eval[int](b, `[...document.querySelectorAll("#detail .actions button")].filter(e => /curl|trigger/.test(e.textContent)).length`),
		"the chat's handler is in memory, where no command reaches it")
	press(b, "#detail .actions button", "Go test")
	b.Await(`document.getElementById("gotest").textContent.includes("func TestSay(t *testing.T)")`)
	b.Click("#dialog .primary")
	b.Await(`window.copied.includes("func TestSay(t *testing.T)")`)
	runGoTest(t, rig.Eval[string](b, "copied"))
}

// handler is what a user writes once beside the exported test.
const handler = `package app_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/go-webpubsub/webpubsub/emulator"
	chat "github.com/go-webpubsub/webpubsub/examples/chat/app"
)

func newHandler(t *testing.T) http.Handler {
	emu := emulator.Start(t, emulator.Config{})
	t.Setenv("WEBPUBSUB_CONNECTION_STRING", emu.ConnectionString)
	h, err := chat.NewHandler(emu.ConnectionString, []byte("key of tickets"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
`

// runGoTest compiles a test of the chat and runs it.
func runGoTest(t *testing.T, source string) {
	t.Helper()
	dir, chat := t.TempDir(), "../../../examples/chat/app"
	chat, err := filepath.Abs(chat)
	require.NoError(t, err)
	replace := map[string]string{}
	for name, text := range map[string]string{"exported_test.go": strings.Replace(source, "package main_test", "package app_test", 1), "exported_handler_test.go": handler} {
		replace[filepath.Join(chat, name)] = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-overlay", filepath.Join(dir, "overlay.json"), "-run", "^TestSay$", ".")
	cmd.Dir = chat
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", out, source)
	assert.Contains(t, string(out), "--- PASS: TestSay")
}

// TestActions: a test client of the page joins a group and hears what is sent, by itself
// and by the page, until it is closed.
func TestActions(t *testing.T) {
	t.Parallel()
	c, browser := start(t), rig.Launch(t)
	ann := c.join(t, browser, "Ann")
	b := c.inspect(t, browser)

	// The chat accepts clients with a ticket only. The timeline says why a client is refused.
	b.Click("#connect")
	b.Await(`document.querySelector("[name=hub]").value === "chat"`)
	b.Click("#dialog .primary")
	b.Shows("#session-state", "Closed")
	b.Await(`[...document.querySelectorAll(".record")].some(r => r.record.kind === "client.refused" && r.record.status === 401)`)
	b.Click("#session [aria-label=Disconnect]")

	// Another hub has no handler.
	b.Click("#connect")
	b.Clear("[name=hub]")
	b.Press("[name=hub]", "other")
	b.Click("#dialog .primary")
	b.Shows("#session-state", "Connected")
	do := func(what, name, text string) {
		t.Helper()
		rig.Eval[chromedp.Void](b, `document.querySelector("#session [name=what]").value = %q, document.querySelector("#session [name=name]").value = %q, document.querySelector("#session [name=text]").value = %q, undefined`, what, name, text)
		b.Click("#session .primary")
	}
	hears := func(text string) {
		t.Helper()
		b.Await(`document.querySelector("#session .heard").textContent.includes(%q)`, text)
	}
	do("join", "news", "")
	hears(`"ackId":1,"success":true`)
	do("send", "news", `{"headline":"one"}`)
	hears(`"data":{"headline":"one"}`)
	b.Click("#tab-clients")
	b.Await(`[...document.querySelectorAll("#clients tbody tr")].some(r => r.innerText.includes("tester") && r.innerText.includes("news"))`)
	press(b, "#clients .segments button", "Groups")
	b.Await(`document.querySelector("#clients th").textContent === "Group" && document.querySelector("#clients tbody tr b").textContent === "lobby"`)
	rig.Eval[chromedp.Void](b, `[...document.querySelectorAll("#clients tbody tr")].find(r => r.innerText.includes("news")).querySelectorAll("button")[1].click()`)
	b.Await(`document.querySelector("#dialog [name=name]").value === "news" && document.querySelector("#dialog [name=hub]").value === "other"`)
	b.Clear("#dialog [name=message]")
	b.Press("#dialog [name=message]", `{"headline":"two"}`)
	b.Click("#dialog .primary")
	b.Shows("#toast", "Sent to 1 connection.")
	hears(`"data":{"headline":"two"}`)

	// The page closes a client, and the table is live.
	press(b, "#clients .segments button", "Connections")
	b.Await(`[...document.querySelectorAll("#clients tbody tr")].some(r => r.innerText.includes("tester") && r.querySelector(".danger"))`)
	rig.Eval[chromedp.Void](b, `[...document.querySelectorAll("#clients tbody tr")].find(r => r.innerText.includes("tester")).querySelector(".danger").click()`)
	b.Click("#dialog .primary")
	b.Shows("#session-state", "Closed")
	hears("closed by the inspector")
	b.Await(`document.querySelectorAll("#clients tbody tr").length === 1`)
	ann.Await(`document.getElementById("state-text").textContent === "Connected"`)

	b.Click("#tab-timeline")
	b.Click("#pause")
	b.Shows("#state-text", "Paused")
	b.Click("#clear")
	b.Shows("#empty h2", "Recording is paused")
	b.Click("#pause")
	b.Shows("#empty h2", "Waiting for the first client")
}

// TestExportAndImport: what is exported can be imported after a restart.
func TestExportAndImport(t *testing.T) {
	t.Parallel()
	c, browser := start(t), rig.Launch(t)
	b := c.inspect(t, browser, `{
		const real = URL.createObjectURL;
		URL.createObjectURL = blob => { blob.text().then(text => { window.exported = text; }); return real(blob); };
		HTMLAnchorElement.prototype.click = () => {};
	}`)
	ann := c.join(t, browser, "Ann")
	ann.Submit("#text", "remember this")
	ann.Shows(".said", "remember this")
	search(b, `"remember this" event:say`)
	b.Await(`document.querySelectorAll(".record").length === 2`) // the frame and the event
	b.Click("#export")
	b.Await(`window.exported?.endsWith("\n")`)
	exported := rig.Eval[string](b, "exported")

	b.Click("#clear")
	b.Await(`document.querySelectorAll(".record").length === 0`)
	file := filepath.Join(t.TempDir(), "records.jsonl")
	require.NoError(t, os.WriteFile(file, []byte(exported+"no record\n"), 0o600))
	rig.Eval[chromedp.Void](b, `{
		const transfer = new DataTransfer();
		transfer.items.add(new File([%q], "records.jsonl"));
		document.getElementById("file").files = transfer.files;
		document.getElementById("file").dispatchEvent(new Event("change"));
	}`, exported+"no record\n")
	b.Await(`/^\d+ records are imported, 1 skipped\.$/.test(document.getElementById("toast").textContent)`)
	b.Await(`document.querySelectorAll(".record").length === 2`)
	b.Key("j", "", 'J', 0)
	b.Key("Enter", "Enter", 13, 0)
	b.Shows("#detail h2 .pill", "imported")
	search(b, "is:imported kind:client.connected")
	b.Await(`document.querySelectorAll(".record").length === 1`)
}

// TestForeignPage: a page of another origin reaches nothing of the inspector.
func TestForeignPage(t *testing.T) {
	t.Parallel()
	c, browser := start(t), rig.Launch(t)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<title>foreign</title>")
	}))
	t.Cleanup(other.Close)
	b := rig.Open(t, browser, other.URL, ".*")
	foreign := "http://" + c.Addr + "/inspector/"
	for _, request := range []string{
		`fetch(%q)`, `fetch(%q, { mode: "no-cors" }).then(r => { if (r.type === "opaque" && !r.ok) throw 0; })`, `fetch(%q + "state", { headers: { "Inspector-Token": "x" } })`,
	} {
		assert.Equal(t, "refused", rig.Eval[string](b, `(async () => { try { await `+request+`; return "reached"; } catch { return "refused"; } })()`, foreign), request)
	}
}
