package inspector_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/browser/rig"
)

// faint lists the visible texts whose contrast is less than WCAG AA asks for.
const faint = `(() => {
	const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
	const over = (color, below) => {
		canvas.fillStyle = "rgb(" + below.join() + ")";
		canvas.fillRect(0, 0, 1, 1);
		canvas.fillStyle = color;
		canvas.fillRect(0, 0, 1, 1);
		return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
	};
	const ground = e => e ? over(getComputedStyle(e).backgroundColor, ground(e.parentElement)) : [255, 255, 255];
	const light = rgb => rgb.map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
	const out = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement;
		if (!walk.currentNode.textContent.trim() || !e.checkVisibility() || e.closest("svg, .unseen, noscript, :disabled")) continue;
		const style = getComputedStyle(e), below = ground(e), [a, b] = [light(over(style.color, below)), light(below)].sort((x, y) => y - x);
		const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.7 && style.fontWeight >= 700;
		const ratio = (a + .05) / (b + .05);
		if (ratio < (large ? 3 : 4.5)) out.add(e.className + " " + e.tagName + ": " + ratio.toFixed(2) + ": " + walk.currentNode.textContent.slice(0, 30));
	}
	return [...out];
})()`

// TestLooks: every view is readable in both colours, and fits a phone.
func TestLooks(t *testing.T) {
	t.Parallel()
	s := serve(t, some()...)
	s.change(func() {
		s.lost = object{"count": 2, "after": 11, "before": 14}
		s.table = object{"table": "connections", "total": 1, "hubs": []object{{"name": "chat", "connections": 1}}, "rows": []object{{
			"hub": "chat", "connection": "connection-of-ann-which-is-rather-long", "user": "ann", "away": true, "subprotocol": "json.reliable.webpubsub.azure.v1",
			"groups": []string{"lobby", "a group with a long name"}, "groupCount": 7, "permissions": []string{"sendToGroup", "-joinLeaveGroup.secret"},
		}}}
	})
	b := s.open(rig.Launch(t))
	b.Await(`document.querySelectorAll(".record").length >= 11`)
	for _, view := range []struct{ name, script string }{
		{"timeline", `document.getElementById("tab-timeline").click()`},
		{"detail", `[...document.querySelectorAll(".record")].find(r => r.record.n === 7).click()`},
		{"failed", `document.querySelector("#detail [aria-label='Close the record']").click(), [...document.querySelectorAll(".record")].find(r => r.record.n === 8).click()`},
		{"handshake", `document.querySelector("#detail [aria-label='Close the record']").click(), document.getElementById("scroll").scrollTop = 0, document.getElementById("scroll").dispatchEvent(new Event("scroll")), [...document.querySelectorAll(".record")].find(r => r.record.n === 1).click()`},
		{"clients", `document.querySelector("#detail [aria-label='Close the record']").click(), document.getElementById("tab-clients").click()`},
		{"test-client", `document.getElementById("connect").click()`},
		{"help", `document.getElementById("dialog").close(), document.getElementById("help").click()`},
	} {
		rig.Eval[chromedp.Void](b, "%s, undefined", view.script)
		for _, scheme := range []string{"light", "dark"} {
			b.Shoot(fmt.Sprintf("%s-desktop-%s", view.name, scheme), scheme, 1280, 800, 1)
			assert.Empty(t, rig.Eval[[]string](b, faint), "%s, %s", view.name, scheme)
			b.Shoot(fmt.Sprintf("%s-phone-%s", view.name, scheme), scheme, 390, 780, 2)
			assert.Empty(t, rig.Eval[[]string](b, faint), "%s, %s, phone", view.name, scheme)
			assert.Empty(t, rig.Eval[[]string](b, `[...document.querySelectorAll("button, input, select, textarea")].filter(e => e.checkVisibility()
				&& e.getBoundingClientRect().right > innerWidth + 1 && !e.closest("#families")).map(e => e.outerHTML)`), "%s: beyond the edge of a phone", view.name)
			b.Resize(1280, 800, 1)
		}
	}
}

// TestColours: the switch overrides the system's colours, and is remembered.
func TestColours(t *testing.T) {
	t.Parallel()
	b := serve(t, some()...).open(rig.Launch(t))
	dark := func(is bool) {
		t.Helper()
		b.Await(`(getComputedStyle(document.documentElement).backgroundColor === "rgb(25, 24, 23)") === %t`, is)
	}
	b.Scheme("dark")
	dark(true)
	b.Click("#theme")
	dark(false)
	b.Await(`document.getElementById("theme").ariaLabel === "Colours: light"`)
	b.Do(chromedp.Reload())
	b.Shows("#state-text", "Live")
	dark(false)
	b.Click("#theme")
	b.Scheme("light")
	dark(true)
	b.Click("#theme")
	dark(false)
}
