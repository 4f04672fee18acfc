package inspector_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/browser/rig"
)

var (
	screenshots = flag.String("screenshots", "", "`directory` for the screenshots that the tests take")
	pictures    = flag.String("pictures", "", "`directory` for the pictures of the documentation")
	program     = rig.NewBuilder("../../../examples/chat")
)

func TestMain(m *testing.M) {
	code := m.Run()
	program.Close()
	os.Exit(code)
}

// some are records of several kinds.
func some() []object {
	slow := event("ben", "say", 200, `{"text":"Grüße, 世界"}`, "", object{
		"tookMs": 1200.5, "attempts": []object{{"startMs": 0, "tookMs": 210, "error": "connection refused"}, {"startMs": 1180, "tookMs": 20, "status": 200}},
		"stateBefore": object{"text": `{"said":1,"rooms":["lobby"]}`, "json": true}, "stateAfter": object{"text": `{"said":2,"rooms":["lobby"],"mood":"fine"}`, "json": true},
	})
	return []object{
		record("client.handshake", "ann", object{"handshake": object{"query": object{"room": []string{"lobby"}}, "headers": object{"Cookie": []string{"(hidden)"}}, "claims": object{"sub": []string{"ann"}}, "subprotocols": []string{"json.webpubsub.azure.v1"}}}), // 1
		record("client.connected", "ann", object{"client": object{"subprotocol": "json.webpubsub.azure.v1"}}),                                                                                                                                                        // 2
		record("group.joined", "ann", object{"group": object{"name": "lobby"}}),                                                                                                                                                                                      // 3
		frame("frame.in", "ann", `{"type":"event","event":"say","ackId":1,"dataType":"json","data":{"text":"hello"}}`),                                                                                                                                               // 4
		event("ann", "say", 204, `{"text":"hello"}`, "", nil),                                                                                                                                                                                                        // 5
		frame("frame.out", "ann", `{"type":"ack","ackId":1,"success":true}`),                                                                                                                                                                                         // 6
		slow, // 7
		event("ann", "rename", 422, `{"name":""}`, `{"error":{"message":"A name has letters."}}`, nil),                                                                                                                                                    // 8
		record("rest.call", "", object{"rest": object{"method": "POST", "path": "/api/hubs/chat/groups/lobby/:send", "status": 202, "tookMs": 0.3, "request": object{"data": data("hello all")}, "answer": object{"data": object{"bytes": 0}}}}),          // 9
		record("frame.out", "ben", object{"frame": object{"binary": true, "subprotocol": "protobuf.webpubsub.azure.v1", "data": object{"bytes": 6, "type": "protobuf", "base64": "CgQIARAB", "decoded": `{"ackMessage":{"ackId":"1","success":true}}`}}}), // 10
		record("client.gone", "ben", object{"client": object{"code": 1001, "reason": "The server stops."}}),                                                                                                                                               // 11
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	b := serve(t, some()...).open(rig.Launch(t))
	for query, want := range map[string][]int{
		"":                             {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
		"hello":                        {4, 5, 9},
		`"hello all"`:                  {9},
		"HELLO -is:rest":               {4, 5},
		"grüße":                        {7},
		"event:say":                    {4, 5, 7},
		"event:sa*,rename user:ann":    {4, 5, 8},
		"group:lobby":                  {3, 9},
		"user:ben":                     {7, 10, 11},
		"conn:connection-of-b":         {7, 10, 11},
		"is:failed":                    {8},
		"status:4xx":                   {8},
		"status:200,204":               {5, 7},
		"took:>1s":                     {7},
		"took:<=3.5":                   {5, 8, 9},
		"size:>100":                    {},
		"attempts:>1":                  {7},
		"is:retried":                   {7},
		"kind:frame.*":                 {4, 6, 10},
		"is:out":                       {6, 10},
		"is:closed":                    {11},
		"id:7":                         {5, 7, 8},
		"method:post":                  {9},
		"is:event -user:ann":           {7},
		"http://localhost:3000":        {5, 7, 8}, // no condition
		"user:":                        {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
		"user:a.n":                     {}, // no regular expression
		`hello" -"nothing of the sort`: {},
	} {
		rig.Eval[chromedp.Void](b, `(e => { e.value = %q; e.dispatchEvent(new Event("input")); })(document.getElementById("query"))`, query)
		if query != "user:" && query != "" {
			b.Await(`document.getElementById("count-timeline").textContent === %q`, fmt.Sprintf("%d of 11", len(want)))
		}
		shown(b, want...)
	}
	// A mistake is explained, and the other conditions hold.
	rig.Eval[chromedp.Void](b, `(e => { e.value = "status:many user:ben"; e.dispatchEvent(new Event("input")); })(document.getElementById("query"))`)
	b.Shows("#query-error", "status:many needs a number, such as 404, >100 or 4xx")
	b.Await(`document.getElementById("query").ariaInvalid === "true"`)
	shown(b, 7, 10, 11)
	// The buttons are conditions, too.
	rig.Eval[chromedp.Void](b, `(e => { e.value = ""; e.dispatchEvent(new Event("input")); })(document.getElementById("query"))`)
	b.Click(`[data-term="is:failed"]`)
	shown(b, 8)
	assert.Equal(t, "is:failed", rig.Eval[string](b, `document.getElementById("query").value`))
	b.Click(`[data-term="is:failed"]`)
	b.Await(`document.querySelectorAll(".record").length === 11`)
}

func TestDetail(t *testing.T) {
	t.Parallel()
	b := serve(t, some()...).open(rig.Launch(t))
	pick := func(n int) {
		t.Helper()
		b.Await(`[...document.querySelectorAll(".record")].some(r => r.record.n === %d)`, n)
		rig.Eval[chromedp.Void](b, `[...document.querySelectorAll(".record")].find(r => r.record.n === %d).click()`, n)
	}
	view := func(name string) {
		t.Helper()
		rig.Eval[chromedp.Void](b, `[...document.querySelectorAll("#detail .segments button")].find(e => e.textContent === %q).click()`, name)
	}
	pick(7)
	b.Shows("#detail h2", "say 200")
	assert.Equal(t, []string{"Queued", "Attempt 1", "Pause", "Attempt 2"}, rig.Eval[[]string](b, `[...document.querySelectorAll(".waterfall > span:nth-child(3n+1)")].map(e => e.textContent)`))
	assert.Equal(t, []string{"500 µs", "connection refused · 210 ms", "970 ms", "200 · 20 ms"}, rig.Eval[[]string](b, `[...document.querySelectorAll(".waterfall .ms")].map(e => e.textContent)`))
	assert.Equal(t, []string{"said", "− 1", "+ 2", "mood", "+ fine"}, rig.Eval[[]string](b, `[...document.querySelectorAll(".diff > div")].map(e => e.textContent)`))
	view("Text")
	b.Shows("#detail pre", `{"text":"Grüße, 世界"}`)
	view("Hex")
	b.Await(`document.querySelector("#detail pre.hex").textContent.startsWith("000000  7b 22 74 65 78 74 22 3a  22 47 72 c3 bc c3 9f 65  {\"text\":\"Gr....e")`)
	pick(10)
	view("Protobuf")
	b.Await(`document.querySelector("#detail .tree").innerText.includes("success: true")`)
	view("Hex")
	b.Shows("#detail pre.hex", fmt.Sprintf("000000  %-23s  %23s  ......", "0a 04 08 01 10 01", ""))
	pick(8)
	view("JSON")
	b.Shows("#detail .why", "A name has letters.")
	b.Await(`document.querySelector("#detail .tree").innerText.includes("name: \"\"")`)
	pick(1)
	b.Await(`["Offered subprotocols", "Query", "Claims", "Headers"].every(h => [...document.querySelectorAll("#detail h3")].some(e => e.textContent === h))`)
	// What is around a record on its connection leads there.
	rig.Eval[chromedp.Void](b, `[...document.querySelectorAll(".around button")].find(e => e.textContent.includes("say")).click()`)
	b.Await(`document.querySelector("[aria-selected=true].record").record.n === 4`)
	// A property is a search.
	rig.Eval[chromedp.Void](b, `[...document.querySelectorAll("#detail .facts button")].find(e => e.title === "Search user:ann").click()`)
	shown(b, 1, 2, 3, 4, 5, 6, 8)
}

func TestKeyboard(t *testing.T) {
	t.Parallel()
	s := serve(t, some()...)
	b := s.open(rig.Launch(t))
	b.Await(`document.querySelectorAll(".record").length === 11`)
	key := func(k string) {
		t.Helper()
		if code, special := map[string]int64{"Enter": 13, "Escape": 27, "Tab": 9, "Backspace": 8}[k]; special {
			b.Key(k, k, code, 0)
			return
		}
		b.Key(k, "", int64(strings.ToUpper(k)[0]), 0)
	}
	selected := func(n int) {
		t.Helper()
		b.Await(`document.querySelector(".record[aria-selected=true]")?.record.n === %d`, n)
	}
	key("j")
	selected(1)
	b.Await(`document.getElementById("detail").hidden`)
	key("j")
	selected(2)
	key("k")
	selected(1)
	key("G")
	selected(11)
	key("k")
	selected(10)
	b.Await(`document.getElementById("scroll").getAttribute("aria-activedescendant") === document.querySelector(".record[aria-selected=true]").id`)
	key("Enter")
	b.Await(`!document.getElementById("detail").hidden`)
	key("k")
	key("k")
	b.Shows("#detail h2", "rename 422")
	key("e")
	b.Shows("#dialog-title", "Send rename again")
	key("Escape")
	b.Await(`!document.getElementById("dialog").open`)
	key("Escape")
	b.Await(`document.getElementById("detail").hidden`)
	key("/")
	b.Await(`document.activeElement.id === "query"`)
	key("p") // belongs to the input
	b.Await(`document.getElementById("query").value === "p"`)
	key("Backspace")
	key("Escape")
	b.Await(`document.activeElement.id !== "query"`)
	key("p")
	b.Shows("#state-text", "Paused")
	key("p")
	b.Shows("#state-text", "Live")
	key("?")
	b.Shows("#dialog-title", "Help")
	key("Escape")
	b.Await(`!document.getElementById("dialog").open`)
	key("2")
	b.Await(`!document.getElementById("clients").hidden`)
	key("1")
	b.Await(`!document.getElementById("timeline").hidden`)
	assert.Equal(t, []object{{"action": "pause", "paused": true}, {"action": "pause", "paused": false}}, s.acted())

	// Tab reaches what can be used, and the focus is visible.
	reached := map[string]bool{}
	for range 25 {
		key("Tab")
		reached[rig.Eval[string](b, `document.activeElement.id || document.activeElement.dataset.term || ""`)] = true
		assert.True(t, rig.Eval[bool](b, `document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== "none"`), "what has the focus is visible")
	}
	for _, id := range []string{"tab-timeline", "connect", "send", "theme", "help", "query", "is:failed", "pause", "clear", "export", "import", "scroll"} {
		assert.True(t, reached[id], "%s cannot be reached", id)
	}
	assert.Empty(t, rig.Eval[[]string](b, `[...document.querySelectorAll("button, input, textarea, select, [role=listbox], [role=tabpanel]")].filter(e =>
		!e.textContent.trim() && !e.ariaLabel && !e.labels?.length && !e.getAttribute("aria-labelledby")).map(e => e.outerHTML)`), "each has a name")
}

// TestSlow: records that the server has dropped are missed visibly, and a stream that ends
// continues.
func TestSlow(t *testing.T) {
	t.Parallel()
	s := serve(t, some()...)
	b := s.open(rig.Launch(t))
	b.Await(`document.querySelectorAll(".record").length === 11`)
	s.change(func() { s.lost = object{"count": 300, "after": 11, "before": 312} })
	b.Await(`document.querySelectorAll(".record").length === 12`)
	b.Shows(".record[data-tone=gap] .summary", "300 records are missing here: this page was too slow, or the emulator keeps them no longer.")
	s.push(event("ann", "after the gap", 204, "{}", "", nil))
	b.Shows(".record .title", "after the gap")

	s.end()
	b.Shows("#state-text", "Reconnecting")
	b.Shows("#notice", "The emulator does not answer. The page tries again and again.")
	s.change(func() { s.ended = false })
	s.push(event("ann", "after the break", 204, "{}", "", nil))
	b.Shows("#state-text", "Live")
	b.Shows(".record .title", "after the break")
	assert.Equal(t, 14, rig.Eval[int](b, `document.querySelectorAll(".record").length`), "no record is there twice")

	// A new start of the emulator begins a new timeline.
	s.change(func() {
		s.start = "2"
		s.records = nil
	})
	s.push(event("ben", "new", 204, "{}", "", nil))
	shown(b, 1)
	b.Shows(".record .title", "new")
	s.change(func() { s.refuse, s.start = true, "3" })
	b.Shows("#state-text", "Not connected")
	b.Await(`document.getElementById("notice").textContent.startsWith("The emulator has a new token")`)
}

// TestMany: the page keeps a bounded number of records, and has elements for the visible
// ones only.
func TestMany(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := s.open(rig.Launch(t))
	const all, atOnce = 30_000, 1000
	for batch := range all / atOnce {
		records := make([]object, atOnce)
		records[0] = frame("frame.out", "ann", `{"type":"message","from":"group","group":"lobby","dataType":"text","data":"hello"}`)
		for i := 1; i < atOnce; i++ {
			records[i] = record("frame.out", "ann", object{"sameFrame": batch*atOnce + 1, "sequenceId": i})
		}
		s.push(records...)
	}
	s.push(event("ann", "the last", 204, "{}", "", nil))
	b.Shows(".record .title", "the last")
	assert.Less(t, rig.Eval[int](b, `document.querySelectorAll("#records *").length`), 1500)
	assert.True(t, rig.Eval[bool](b, `[...document.querySelectorAll(".record")].slice(0, -1).every(r => r.record.summary === "hello")`), "a message for many clients is sent once")
	count := rig.Eval[string](b, `document.getElementById("count-timeline").textContent`)
	assert.Less(t, len(count), len("21,000")+1, count)
	assert.Less(t, count, "21,001")
	assert.GreaterOrEqual(t, count, "20,000")

	// The list stays where the user reads older records.
	rig.Eval[chromedp.Void](b, `document.getElementById("scroll").scrollTop = 5000`)
	b.Await(`!document.getElementById("newest").hidden`)
	top := rig.Eval[string](b, `[...document.querySelectorAll(".record")].find(r => r.getBoundingClientRect().top >= 140).record.n + ""`)
	s.push(event("ann", "unseen", 204, "{}", "", nil))
	b.Shows("#newest-text", "1 new")
	assert.Equal(t, top, rig.Eval[string](b, `[...document.querySelectorAll(".record")].find(r => r.getBoundingClientRect().top >= 140).record.n + ""`))
	b.Click("#newest")
	b.Shows(".record .title", "unseen")
}

// TestSharedFrames: what the page computes of a message for many clients, it keeps once.
func TestSharedFrames(t *testing.T) {
	t.Parallel()
	b := serve(t).open(rig.Launch(t))
	got := rig.Eval[[]int](b, `(async () => {
		const { Entry } = await import("/inspector/record.js"), { parse } = await import("/inspector/query.js");
		let reads = 0;
		const frame = { data: { bytes: 60, get text() { reads++; return '{"type":"message","from":"group","group":"Lobby","data":"Hello"}'; } } };
		const all = Array.from({ length: 100 }, (_, n) => new Entry({ n, kind: "frame.out", connection: "c" + n, frame }, 200));
		const found = ["hello", "group:lobby", "c7", "nothing", "hello c7 -c70"].map(query => all.filter(parse(query).test).length);
		return [...found, reads < 10 ? 0 : reads];
	})()`)
	assert.Equal(t, []int{100, 100, 11, 0, 10, 0}, got)
}

func TestEmptyStates(t *testing.T) {
	t.Parallel()
	s := serve(t)
	browser := rig.Launch(t)
	b := s.open(browser)
	b.Shows("#empty h2", "Waiting for the first client")
	assert.NotContains(t, rig.Eval[string](b, "location.href"), token, "the address bar does not show the token")
	b.Do(chromedp.Reload())
	b.Shows("#empty h2", "Waiting for the first client")
	b.Click("#pause")
	b.Shows("#empty h2", "Recording is paused")
	b.Click("#pause")
	s.push(some()...)
	b.Await(`document.getElementById("empty").hidden`)
	b.Press("#query", "nothing like that")
	b.Shows("#empty h2", "No record matches")
	b.Click("#tab-clients")
	b.Shows(".blank h2", "Nobody is here yet")
	other := rig.Open(t, browser, s.url, "^"+s.url)
	other.Shows("#empty h2", "This page has no valid token")
	other.Shows("#empty pre", strings.TrimSuffix(s.url, "/")+"/#token=…")
}

// TestLiveTable: a table that changes keeps the focus.
func TestLiveTable(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := s.open(rig.Launch(t))
	rows := func(users ...string) {
		rows := []object{}
		for _, user := range users {
			rows = append(rows, object{"hub": "chat", "connection": "connection-of-" + user, "user": user})
		}
		s.change(func() {
			s.table = object{"table": "connections", "total": len(rows), "rows": rows, "hubs": []object{{"name": "chat", "connections": len(rows)}}}
		})
		s.push(record("client.connected", users[0], object{"client": object{}}))
	}
	rows("ann", "ben")
	b.Shows("#count-clients", "2")
	b.Click("#tab-clients")
	b.Await(`document.querySelectorAll("#clients tbody tr").length === 2`)
	rig.Eval[chromedp.Void](b, `document.querySelectorAll("#clients tbody tr")[1].querySelectorAll("button")[2].focus()`)
	rows("mira", "ann", "ben")
	b.Await(`document.querySelectorAll("#clients tbody tr").length === 3`)
	assert.Equal(t, "Close of ben", rig.Eval[string](b, `document.activeElement.textContent + " of " + document.activeElement.closest("tr").querySelector("b").textContent`))
	b.Shows("#count-clients", "3")
}

// TestRaise: an event is raised again, changed or not.
func TestRaise(t *testing.T) {
	t.Parallel()
	s := serve(t, some()...)
	s.answers["raise"] = object{"record": 12, "outcome": "event.delivered", "status": 204}
	s.answers["curl"], s.answers["gotest"] = "curl http://localhost:3000/", "package main_test\n"
	b := s.open(rig.Launch(t), `navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve(); }`)
	b.Await(`document.querySelectorAll(".record").length === 11`)
	rig.Eval[chromedp.Void](b, `[...document.querySelectorAll(".record")].find(r => r.record.n === 8).click()`)
	button := func(text string) {
		t.Helper()
		rig.Eval[chromedp.Void](b, `[...document.querySelectorAll("#detail .actions button")].find(e => e.textContent === %q).click()`, text)
	}
	button("Again")
	b.Shows("#toast", "The handler answered 204.")
	s.push(event("ann", "raised", 204, `{"name":"Anna"}`, "", object{"again": 8}))
	b.Shows("#detail h2", "raised 204") // the new record is shown when it comes
	rig.Eval[chromedp.Void](b, `[...document.querySelectorAll(".record")].find(r => r.record.n === 8).click()`)
	button("Again, same id")
	b.Shows("#detail h2", "raised 204")
	rig.Eval[chromedp.Void](b, `[...document.querySelectorAll(".record")].find(r => r.record.n === 8).click()`)
	button("Edit and send")
	require.JSONEq(t, `{"name":""}`, rig.Eval[string](b, `document.querySelector("[name=payload]").value`))
	b.Clear("[name=payload]")
	b.Press("[name=payload]", `{"name":"Anna"}`)
	b.Press("[name=state]", `{"a":1}`)
	b.Click("#dialog .primary")
	b.Await(`!document.getElementById("dialog").open`)
	assert.Equal(t, []object{
		{"action": "raise", "record": 8.0, "sameId": false}, {"action": "raise", "record": 8.0, "sameId": true},
		{"action": "raise", "record": 8.0, "sameId": false, "contentType": "application/json", "text": `{"name":"Anna"}`, "state": `{"a":1}`},
	}, s.acted())
	button("curl")
	b.Await(`window.copied === "curl http://localhost:3000/"`)
	button("Go test")
	b.Shows("#gotest", "package main_test\n")
	b.Click("#dialog .primary")
	b.Await(`window.copied === "package main_test\n"`)
}
