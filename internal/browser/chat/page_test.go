package chat_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/browser/rig"
)

func TestTwoPages(t *testing.T) {
	t.Parallel()
	s := start(t)
	browser := rig.Launch(t)
	ann, ben := open(t, browser, s), open(t, browser, s)
	ann.join("Ann")
	assert.Equal(t, "text", eval[string](ann, "document.activeElement.id"), "she can write at once")
	ben.join("Ben")
	ann.people("Ann", "Ben")
	ann.Shows(".event", "Ben came in.")

	ann.say("hello, 世界")
	ben.Shows(".said", "hello, 世界")
	ann.Shows(".said", "hello, 世界")
	ben.say("first line")
	ann.Shows(".said", "first line")

	// Messages in rooms that are not shown are counted.
	ann.enter("music")
	ben.say("are you there?")
	ann.Shows(`[data-room="lobby"] .unread`, "1 unread")
	ann.Await(`document.title === "(1) #music · Chat"`)
	ann.enter("lobby")
	ann.Shows(".said", "are you there?")
	ann.Await(`document.querySelector(".unread") === null && document.title === "#lobby · Chat"`)

	// Only the people in a room receive its messages.
	ben.enter("music")
	ben.people("Ann", "Ben")
	ann.enter("music")
	ann.Click("#leave")
	ann.Shows("#room", "#lobby")
	ben.people("Ben")
	ben.Shows(".event", "Ann has left.")
}

func TestKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := start(t)
	b := open(t, rig.Launch(t), s)
	b.join("Ann")
	reached := map[string]bool{}
	for range 12 {
		b.Do(chromedp.KeyEvent("\t"))
		reached[eval[string](b, `document.activeElement.id || document.activeElement.parentElement.dataset.room || document.activeElement.textContent`)] = true
		assert.True(t, eval[bool](b, `document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== "none"`), "what has the focus is seen")
	}
	for _, id := range []string{"me", "lobby", "go", "music", "random", "scroll", "text", "Send"} {
		assert.True(t, reached[id], "%s cannot be reached", id)
	}
	// Each control has a name for screen readers.
	assert.Empty(t, eval[[]string](b, `[...document.querySelectorAll("button, input, textarea")].filter(e =>
		!e.textContent.trim() && !e.ariaLabel && !e.labels?.length && e.checkVisibility()).map(e => e.outerHTML)`))
}

func TestRename(t *testing.T) {
	t.Parallel()
	s := start(t)
	browser := rig.Launch(t)
	ann, ben := open(t, browser, s), open(t, browser, s)
	ann.join("Ann")
	ben.join("Ben")
	ann.Click("#me")
	ann.Clear("#new-nickname")
	ann.Submit("#new-nickname", "ben")
	ann.Shows("#rename-error", "Somebody here has this nickname.")
	ann.Await(`document.getElementById("new-nickname").ariaInvalid === "true"`)
	ann.Clear("#new-nickname")
	ann.Submit("#new-nickname", "Anna")
	ann.Await(`!document.getElementById("rename").open`)
	ann.Shows("#me", "AAnna")
	ben.people("Anna", "Ben")
	ben.Shows(".event", "Ann is now Anna.")
}

func TestRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	browser := rig.Launch(t)
	ann := open(t, browser, s)
	ann.join("Ann")

	// Refused by the login.
	other := open(t, browser, s)
	other.Submit("#nickname", "ANN")
	other.Shows("#login-error", "Somebody here has this nickname.")
	other.Await(`document.activeElement.id === "nickname" && document.activeElement.ariaInvalid === "true"`)
	other.Clear("#nickname")
	other.join("Other")
	ann.people("Ann", "Other")

	// Refused by the event handler: the first ticket of the page is changed.
	spoilt := open(t, browser, s, `{
		const real = fetch;
		window.fetch = async (...args) => {
			const answer = await real(...args);
			if (window.spoilt) return answer;
			window.spoilt = true;
			const admitted = await answer.json();
			return Response.json({ ...admitted, url: admitted.url.slice(0, -4) + "AAAA" });
		};
	}`)
	spoilt.Submit("#nickname", "Eve")
	spoilt.Shows("#login-error", "Your ticket is not or no longer valid.")
	ann.people("Ann", "Other")
	spoilt.Submit("#nickname", "") // what she wrote is still there
	spoilt.connected()
	ann.people("Ann", "Eve", "Other")
}

func TestReloadRejoins(t *testing.T) {
	t.Parallel()
	s := start(t)
	browser := rig.Launch(t)
	// A longer absence, for a slow machine.
	ann, ben := open(t, browser, s), open(t, browser, s, `{
		const real = setTimeout;
		window.setTimeout = (f, ms, ...args) => real(f, ms === 4000 ? 1e6 : ms, ...args);
	}`)
	ann.join("Ann")
	ben.join("Ben")
	ann.enter("go")
	ben.enter("go")
	ann.say("before")
	ben.Shows(".said", "before")
	ann.Do(chromedp.Reload())
	ann.connected()
	ann.Shows("#room", "#go")
	ann.Shows(".said", "before")
	ann.people("Ann", "Ben")
	ann.Await(`document.querySelector('[data-room="lobby"]').dataset.joined === "true"`)
	ben.say("after")
	ann.Shows(".said", "after")
	ann.say("and back")
	ben.Shows(".said", "and back")
	assert.False(t, eval[bool](ben, `[...document.querySelectorAll(".event")].some(e => e.textContent === "Ann has left.")`), "a reload is no farewell")
}

func TestTextStaysText(t *testing.T) {
	t.Parallel()
	s := start(t)
	browser := rig.Launch(t)
	ann, ben := open(t, browser, s), open(t, browser, s)
	ann.join("<i>Ann</i>")
	ben.join("Ben")
	for _, text := range []string{
		`<script>window.hacked = 1</script>`,
		`<img src="x" onerror="window.hacked = 1">`,
		`</li><svg onload=window.hacked=1> &amp; "quoted"`,
	} {
		ann.say(text)
		ben.Shows(".said", text)
	}
	ben.Shows(".by", "<i>Ann</i>")
	ben.people("<i>Ann</i>", "Ben")
	for _, b := range []*tab{ann, ben} {
		assert.Zero(t, eval[int](b, `document.querySelectorAll("#log script, #log img, #log svg, #log i, #people i, #me i").length`))
		assert.Equal(t, "undefined", eval[string](b, "typeof window.hacked"))
	}
}

// TestLinks: addresses in messages become links, similar texts do not.
func TestLinks(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := open(t, rig.Launch(t), s)
	ann.join("Ann")
	for _, tt := range []struct {
		text  string
		links []string // each as it is shown, and where it goes
	}{
		{"https://go.dev", []string{"https://go.dev -> https://go.dev/"}},
		{"see http://example.com/a?b=c&d=%20#e.", []string{"http://example.com/a?b=c&d=%20#e -> http://example.com/a?b=c&d=%20#e"}},
		{"HTTPS://Example.COM, and (https://example.com/b)!", []string{"HTTPS://Example.COM -> https://example.com/", "https://example.com/b -> https://example.com/b"}},
		{"https://en.wikipedia.org/wiki/Go_(game)", []string{"https://en.wikipedia.org/wiki/Go_(game) -> https://en.wikipedia.org/wiki/Go_(game)"}},
		{"one\nhttps://example.com/1\nhttps://example.com/2?...", []string{"https://example.com/1 -> https://example.com/1", "https://example.com/2 -> https://example.com/2"}},
		{`"https://example.com/q" <https://example.com/<b>x</b>`, []string{"https://example.com/q -> https://example.com/q", "https://example.com/ -> https://example.com/"}},
		{"https://аpple.com/", []string{"https://аpple.com/ -> https://xn--pple-43d.com/"}},
		{"https://example.com/\u202egnp.exe", []string{"https://example.com/ -> https://example.com/"}},
		{"javascript:alert(1)", nil},
		{"javascript:alert('https://')", nil},
		{"data:text/html,<script>alert(1)</script> ftp://example.com file:///etc/passwd", nil},
		{"https://bank.example@evil.example/ -> https://a:b@evil.example", nil},
		{"https:// https://. https://% xhttps://example.com http:/example.com", nil},
		{"https://" + strings.Repeat("(", 900), nil},
	} {
		eval[chromedp.Void](ann, `document.getElementById("text").value = %q, undefined`, tt.text)
		ann.Submit("#text", "")
		ann.Shows(".said", tt.text) // not a letter is another
		const last = `[...document.querySelectorAll("#log .said")].at(-1)`
		got := eval[[]string](ann, `[...%s.querySelectorAll("a")].map(a => a.textContent + " -> " + a.href)`, last)
		assert.Equal(t, append([]string{}, tt.links...), append([]string{}, got...), tt.text)
		assert.Empty(t, eval[[]string](ann, `[...%s.querySelectorAll("*")].filter(e => e.tagName !== "A" || e.rel !== "noopener noreferrer" ||
			e.target !== "_blank" || e.title !== e.href || [...e.attributes].some(a => a.name.startsWith("on"))).map(e => e.outerHTML)`, last))
	}
}

// TestNicknameInput: the inputs limit nicknames to 20 characters.
func TestNicknameInput(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := open(t, rig.Launch(t), s)
	ann.Press("#nickname", "Ann with a name of more than twenty")
	assert.Equal(t, "Ann with a name of m", eval[string](ann, `document.getElementById("nickname").value`))
	ann.Submit("#nickname", "")
	ann.connected()
	ann.Click("#me")
	ann.Clear("#new-nickname")
	foxes := strings.Repeat("🦊", 21)
	call(ann, input.InsertText, input.InsertTextParams{Text: foxes})
	foxes = foxes[len("🦊"):]
	ann.Await(`document.getElementById("new-nickname").value === %q`, foxes)
	ann.Submit("#new-nickname", "")
	ann.Await(`!document.getElementById("rename").open`)
	ann.Shows("#me", "🦊"+foxes)
}

// TestFullRoom: the page learns some of the people in a full room.
func TestFullRoom(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := open(t, rig.Launch(t), s, spy)
	ann.join("Ann")
	ann.Shows("#count", "1")
	eval[chromedp.Void](ann, `hear({ type: "room", room: "lobby", more: true, notices: [
		{ type: "joined", room: "lobby", connection: "c", user: "u", name: "Eve" }, { type: "joined", room: "lobby", connection: "d", user: "v", name: "Zoë" },
	] })`)
	ann.Shows("#count", "2+")
}

// TestTooManyLogins: while the server refuses logins, the page retries as without a
// network.
func TestTooManyLogins(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := open(t, rig.Launch(t), s, `{
		const real = fetch;
		window.tries = 0;
		window.fetch = (...args) => ++window.tries > 2 ? real(...args) : Promise.resolve(Response.json({ reason: "Too many people come." }, { status: 429 }));
	}`)
	ann.Submit("#nickname", "Ann")
	ann.connected()
	assert.Equal(t, 3, eval[int](ann, "tries"))
}

func TestErrorsAtTheInput(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := open(t, rig.Launch(t), s)
	ann.join("Ann")
	text := eval[string](ann, `document.getElementById("text").removeAttribute("maxlength"), document.getElementById("text").value = "x".repeat(1001)`)
	ann.Submit("#text", "")
	ann.Shows("#say-error", "payload is not valid: text: max=1000")
	ann.Await(`document.getElementById("text").ariaInvalid === "true"`)
	assert.Equal(t, text, eval[string](ann, `document.getElementById("text").value`), "nothing that she wrote is lost")
	ann.Clear("#text")
	ann.say("short")
	ann.Shows(".said", "short")
	ann.Await(`document.getElementById("say-error").textContent === "" && document.getElementById("text").ariaInvalid === null`)
}

func offline(b *tab, is bool) {
	b.T.Helper()
	call(b, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Offline: is, DownloadThroughput: -1, UploadThroughput: -1}},
	})
	call(b, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: is, DownloadThroughput: -1, UploadThroughput: -1})
}

func TestNetworkLoss(t *testing.T) {
	t.Parallel()
	s := start(t)
	browser := rig.Launch(t)
	ann, ben := open(t, browser, s), open(t, browser, s)
	ann.join("Ann")
	ben.join("Ben")
	ann.people("Ann", "Ben")
	ann.enter("music")
	offline(ann, true)
	ann.Await(`document.body.dataset.state === "waiting" && document.getElementById("state-text").textContent === "Offline."`)
	ben.people("Ben")
	ben.say("did you hear that?")
	ann.Submit("#text", "hello?")
	ann.Shows("#say-error", "You are not connected. Try again in a moment.")
	offline(ann, false)
	ann.connected()
	ann.Await(`document.getElementById("say-error").textContent === "" && document.getElementById("text").ariaInvalid === null`)
	ann.Shows(`[data-room="lobby"] .unread`, "1 unread") // it has been missed
	assert.Equal(t, "hello?", eval[string](ann, `document.getElementById("text").value`))
	ann.enter("lobby")
	ann.Shows(".said", "did you hear that?")
	ann.Submit("#text", "")
	ben.Shows(".said", "hello?")
	ben.people("Ann", "Ben")
}

func TestServerRestart(t *testing.T) {
	t.Parallel()
	s := start(t)
	browser := rig.Launch(t)
	ann, ben := open(t, browser, s), open(t, browser, s)
	ann.join("Ann")
	ben.join("Ben")
	ann.say("before")
	ben.Shows(".said", "before")
	s.Stop()
	ann.Await(`document.body.dataset.state === "waiting"`)
	ben.Await(`document.body.dataset.state === "waiting"`)
	s.Run()
	ann.connected()
	ben.connected()
	ann.people("Ann", "Ben")
	ann.say("after")
	ben.Shows(".said", "after")
	ben.Shows(".said", "before")
}

// spy replaces the service and the clock of a page.
const spy = `{
	const real = WebSocket;
	window.WebSocket = class extends real {
		constructor(...args) { super(...args); window.ws = this; this.sent = []; }
		send(data) { this.sent.push(data); if (!window.mute) super.send(data); }
	};
	window.hear = data => ws.onmessage({ data: JSON.stringify({ type: "message", dataType: "json", data }) });
	window.said = (id, at) => hear({ type: "said", room: "lobby", user: "u", name: "Eve", text: "no. " + id, id: String(id), at: new Date(at) });
	window.setInterval = (f, ms) => { window.beat = f; return 0; };
	const now = Date.now;
	window.ahead = 0;
	Date.now = () => now() + window.ahead;
}`

// TestLongTalk: a room has more messages than the page keeps.
func TestLongTalk(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := open(t, rig.Launch(t), s, spy)
	ann.join("Ann")
	eval[chromedp.Void](ann, `{ for (let i = 0; i < 600; i++) said(i, Date.now()) }`)
	ann.Shows(".said", "no. 599")
	assert.Equal(t, 500, eval[int](ann, `document.querySelectorAll("#log .message").length`))
	ann.Await(`document.getElementById("log").getAttribute("aria-live") === "polite"`)

	// The list stays where the user reads older messages.
	eval[chromedp.Void](ann, `document.getElementById("scroll").scrollTop = 0, said(600, Date.now())`)
	ann.Shows("#newest", "New messages below")
	assert.Equal(t, 0, eval[int](ann, `document.getElementById("scroll").scrollTop`))
	assert.Equal(t, "polite", eval[string](ann, `document.getElementById("log").getAttribute("aria-live")`), "and hears of what is new")
	assert.Equal(t, []string{"no. 101", "no. 600"}, eval[[]string](ann, `[...document.querySelectorAll("#log .said")].map(e => e.textContent).filter((_, i, all) => i === 0 || i === all.length - 1)`))
}

// TestOrder: the page sorts messages that it missed into those that it has, with a
// server whose clock is slow.
func TestOrder(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := open(t, rig.Launch(t), s, spy)
	ann.join("Ann")
	const texts = `[...document.querySelectorAll("#log .said, #log .event")].map(e => e.textContent)`
	eval[chromedp.Void](ann, `hear({ type: "joined", room: "lobby", connection: "c", user: "u", name: "Eve" }), said(1, Date.now() - 60000)`)
	ann.Shows(".said", "no. 1")
	assert.Equal(t, []string{"Eve came in.", "no. 1"}, eval[[]string](ann, texts), "news comes last")
	eval[chromedp.Void](ann, `hear({ type: "room", room: "lobby", notices: [
		{ type: "said", room: "lobby", user: "u", name: "Eve", text: "missed", id: "m", at: new Date(Date.now() - 90000) },
		{ type: "said", room: "lobby", user: "u", name: "Eve", text: "and this", id: "n", at: new Date(Date.now() + 1000) },
	] })`)
	ann.Shows(".said", "and this")
	assert.Equal(t, []string{"missed", "Eve came in.", "no. 1", "and this"}, eval[[]string](ann, texts))
}

// TestSilence: a hidden tab, whose timers run once a minute, detects a dead connection.
func TestSilence(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := open(t, rig.Launch(t), s, spy)
	ann.join("Ann")
	const pings = `ws.sent.filter(data => data.includes("ping")).length`
	for n := range 3 {
		eval[chromedp.Void](ann, `ws.addEventListener("message", () => { window.pong = true }), window.pong = false, window.ahead += 60000, beat()`)
		ann.Await(`window.pong`)
		assert.Equal(t, n+1, eval[int](ann, pings), "a connection that answers is kept")
	}
	eval[chromedp.Void](ann, `window.first = ws, window.mute = true, window.ahead += 60000, beat()`)
	assert.Equal(t, "online", eval[string](ann, `document.body.dataset.state`))
	eval[chromedp.Void](ann, `window.ahead += 31000, beat(), window.mute = false`)
	ann.Await(`ws !== first && first.readyState === WebSocket.CLOSED`)
	ann.connected()

	// An event without an answer times out. The page shows why until it is connected
	// again.
	eval[chromedp.Void](ann, `window.first = ws, window.mute = true, window.real = fetch, window.fetch = () => Promise.reject(new Error("no network"))`)
	ann.Submit("#text", "hello?")
	eval[chromedp.Void](ann, `window.ahead += 31000, ws.onmessage({ data: "{}" }), beat(), window.mute = false`)
	ann.Shows("#say-error", "The connection was lost. Try again.")
	eval[chromedp.Void](ann, `window.fetch = real`)
	ann.Await(`ws !== first`)
	ann.connected()
	ann.Await(`document.getElementById("say-error").textContent === ""`)
	assert.Equal(t, "hello?", eval[string](ann, `document.getElementById("text").value`))
}

// TestSaidOnce: Enter pressed twice sends one message.
func TestSaidOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := open(t, rig.Launch(t), s, spy)
	ann.join("Ann")
	ann.Press("#text", "once")
	eval[chromedp.Void](ann, `document.getElementById("say").requestSubmit(), document.getElementById("say").requestSubmit()`)
	ann.Await(`document.getElementById("text").value === ""`)
	assert.Equal(t, 1, eval[int](ann, `ws.sent.filter(data => data.includes("once")).length`))
	ann.say("once") // later it is another message
	assert.Equal(t, 2, eval[int](ann, `ws.sent.filter(data => data.includes("once")).length`))
}

// TestNoServer: the login page without a server.
func TestNoServer(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := open(t, rig.Launch(t), s)
	s.Stop()
	ann.Submit("#nickname", "Ann")
	ann.Shows("#login-error", "There is no connection. The page keeps trying.")
	s.Run()
	ann.connected()
}

// TestLooks takes screenshots of the login and of the chat, on a desktop and on a
// phone, light and dark.
func TestLooks(t *testing.T) {
	t.Parallel()
	s := start(t)
	browser := rig.Launch(t)
	ann := open(t, browser, s)
	ann.Await(`document.activeElement.id === "nickname"`)
	shots := func(what string) {
		for _, scheme := range []string{"light", "dark"} {
			ann.Shoot(fmt.Sprintf("%s-desktop-%s", what, scheme), scheme, 1280, 800, 1)
			ann.Shoot(fmt.Sprintf("%s-phone-%s", what, scheme), scheme, 390, 780, 2)
		}
		ann.Resize(1280, 800, 1)
	}
	shots("door")
	ann.join("Ann")
	ben, zoe, mira := open(t, browser, s), open(t, browser, s), open(t, browser, s)
	ben.join("Ben")
	zoe.join("Zoë")
	mira.join("Mira")
	ann.people("Ann", "Ben", "Mira", "Zoë")
	for _, line := range []struct {
		who  *tab
		text string
	}{
		{ben, "Morning! Is this thing on?"},
		{ann, "It is. And it is all one process: the page, the event handler and the service."},
		{ann, "No account anywhere, I only ran go run ./examples/chat"},
		{zoe, "So what changes when it goes to Azure?"},
		{ben, "One environment variable. The same code then gets its events from the real service, and it is the service that holds our connections."},
		{mira, "I am here by phone, and on the same page."},
		{zoe, "And <b>this</b> stays text?"},
		{ann, "Always."},
	} {
		line.who.say(line.text)
		ann.Shows(".said", line.text)
	}
	ann.enter("music")
	ann.enter("lobby")
	mira.enter("music")
	mira.say("Anyone here?")
	mira.say("I have found a record.")
	ann.Shows(".unread", "2 unread")
	shots("chat")
	if picture := ann.Shoot("readme", "light", 1200, 760, 2); *screenshot != "" {
		require.NoError(t, os.WriteFile(*screenshot, picture, 0o600))
	}
}
