package inspector_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/browser/rig"
)

// hostile are texts that would run code, or break the page, if they were not treated as text.
var hostile = []string{
	`<script>window.hacked = 1; alert(1)</script>`,
	`"><img src=x onerror="window.hacked = 1; alert(2)">`,
	`</pre></li><svg onload=window.hacked=1> ${window.hacked = 1} {{hacked}}`,
	`javascript:window.hacked=1`,
	`<iframe srcdoc="<script>parent.hacked = 1</script>"></iframe><style>*{display:none}</style>`,
	"__proto__", "constructor", "\u202egnp.exe\u0000\u0007\ufeff", strings.Repeat("W", 1000),
}

// spoilt returns a value with the text in place of each of its texts and names.
func spoilt(v any, text string) any {
	switch v := v.(type) {
	case string:
		return text
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, spoilt(e, text))
		}
		return out
	case map[string]any:
		out := object{text: text}
		for k, e := range v {
			out[k] = spoilt(e, text)
		}
		return out
	}
	return v
}

// hostileRecords returns records of all kinds whose texts are hostile, but for the kind.
func hostileRecords(t *testing.T) []object {
	t.Helper()
	var out []object
	for _, text := range hostile {
		quoted, err := json.Marshal(object{"type": text, "event": text, "group": text, "data": object{text: text, "list": []string{text}}, text: text})
		require.NoError(t, err)
		more := []object{
			record("ack", "ann", object{"ack": object{"id": 1, "error": text, "message": text}, "level": "warn"}),
			record("groupState.set", "ann", object{"groupState": object{"group": text, "entries": object{text: text}}}),
			record("permission.granted", "ann", object{"permission": object{"name": text, "group": text}}),
			record("events.dropped", "ann", object{"dropped": object{"id": text, "name": text, "count": 3, "reason": text}}),
			record("validation.failed", "", object{"validation": object{"url": text, "reason": text}, "level": "warn"}),
			record("foreign.refused", "", object{"foreign": object{"reason": text}, "level": "warn"}),
			record(text, "ann", object{"client": object{"reason": text}}), // an unknown kind
		}
		for _, r := range append(some(), more...) {
			kind := r["kind"]
			plain, err := json.Marshal(r)
			require.NoError(t, err)
			var v object
			require.NoError(t, json.Unmarshal(plain, &v))
			v = spoilt(v, text).(object)
			v["kind"], v["level"] = kind, "warn"
			delete(v, "n")
			delete(v, "at")
			for _, of := range []string{"event", "frame", "rest"} {
				if details, ok := v[of].(object); ok {
					for _, part := range []any{details, details["request"], details["answer"]} {
						if part, ok := part.(object); ok && part["data"] != nil {
							part["data"] = object{"bytes": len(quoted), "type": "json", "text": string(quoted), "decoded": string(quoted), "redacted": true, "truncated": true}
						}
					}
					if details["stateBefore"] != nil {
						details["stateBefore"], details["stateAfter"] = object{"text": string(quoted), "json": true}, object{"text": `{"a":1}`, "json": true}
					}
				}
			}
			out = append(out, v)
		}
	}
	return out
}

// wrong lists what a text has done to the page.
const wrong = `(() => {
	const out = [];
	if (window.hacked !== undefined) out.push("code has run");
	for (const e of document.querySelectorAll("body script, style, iframe, body a, [onerror], [onload], [srcdoc], img:not([src='icon.svg']), svg:not(.icon, .unseen)")) out.push(e.outerHTML);
	if (document.documentElement.scrollWidth > innerWidth) out.push("the page is wider than its window");
	for (const name in {}) out.push("a prototype has " + name);
	return out;
})()`

// TestHostile: whatever a stranger has sent is shown as text, in each place where it is
// shown.
func TestHostile(t *testing.T) {
	t.Parallel()
	records := hostileRecords(t)
	s := serve(t, records...)
	s.answers["raise"], s.answers["gotest"], s.answers["curl"] = object{"record": 1, "outcome": hostile[1]}, hostile[0], hostile[1]
	rows := []any{}
	for _, text := range hostile {
		rows = append(rows, object{"hub": text, "connection": text, "user": text, "subprotocol": text, "away": true, "groups": []string{text}, "groupCount": 2, "permissions": []string{text}})
	}
	s.table = object{"table": "connections", "total": len(rows), "rows": rows, "hubs": []object{{"name": hostile[1], "connections": 9}}, "next": hostile[0]}
	b := s.open(rig.Launch(t), `navigator.clipboard.writeText = () => Promise.reject(new Error("no"))`)
	b.Await(`document.getElementById("count-timeline").textContent === %q`, fmt.Sprint(len(records)))
	clean := func(where string) {
		t.Helper()
		assert.Empty(t, rig.Eval[[]string](b, wrong), where)
	}
	b.Key("g", "", 'G', 0)
	b.Key("Enter", "Enter", 13, 0)
	for i := range records {
		b.Await(`document.querySelector(".record[aria-selected=true]")?.record.n === %d && !document.getElementById("detail").hidden`, i+1)
		rig.Eval[chromedp.Void](b, `{
			for (const button of document.querySelectorAll("#detail .segments button")) button.click();
			for (const fold of document.querySelectorAll("#detail details")) fold.open = true;
		}`)
		clean(fmt.Sprint(records[i]["kind"]))
		if records[i]["kind"] == "event.refused" {
			b.Key("e", "", 'E', 0)
			b.Await(`document.getElementById("dialog").open`)
			clean("the dialog")
			b.Key("Escape", "Escape", 27, 0)
			b.Await(`!document.getElementById("dialog").open`)
		}
		b.Key("j", "", 'J', 0)
	}
	// The text is there, with all its characters.
	rig.Eval[chromedp.Void](b, `(e => { e.value = "hacked kind:event.delivered"; e.dispatchEvent(new Event("input")); })(document.getElementById("query"))`)
	b.Await(`document.querySelector(".record .title").textContent === %q`, hostile[0])
	for _, button := range []string{"Again", "curl", "Go test"} {
		rig.Eval[chromedp.Void](b, `document.querySelector(".record").click()`)
		rig.Eval[chromedp.Void](b, `[...document.querySelectorAll("#detail .actions button")].find(e => e.textContent === %q).click()`, button)
		b.Await(map[string]string{
			"Again": `document.getElementById("toast").textContent.includes("onerror")`,
			"curl":  `document.querySelector("#dialog pre")?.textContent.includes("onerror")`, "Go test": `document.getElementById("gotest").textContent.includes("hacked")`,
		}[button])
		clean(button)
		rig.Eval[chromedp.Void](b, `document.getElementById("dialog").close()`)
	}
	b.Click("#tab-clients")
	b.Await(`document.querySelectorAll("#clients tbody tr").length === %d`, len(hostile))
	clean("the clients")
	b.Shows("#clients b", hostile[0])
	b.Click("#connect")
	b.Await(`document.getElementById("dialog").open`)
	clean("the form of a test client")
}
