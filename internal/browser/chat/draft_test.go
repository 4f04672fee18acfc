package chat_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/browser/rig"
)

// line adds a line to the draft.
func (b *tab) line() {
	b.T.Helper()
	const shift = 8
	b.Key("Enter", "Enter", 13, shift)
}

// inView waits until the last message is fully visible at the end of the list.
func (b *tab) inView(text string) {
	b.T.Helper()
	b.Await(`(() => {
		const last = [...document.querySelectorAll("#log .said")].at(-1);
		const seen = last.getBoundingClientRect(), list = document.getElementById("scroll").getBoundingClientRect();
		return last.textContent === %q && seen.top >= list.top && seen.bottom <= list.bottom;
	})()`, text)
}

// TestLongDraft writes a message of several lines: the input grows, and the list
// above it shrinks.
func TestLongDraft(t *testing.T) {
	t.Parallel()
	s := start(t)
	browser := rig.Launch(t)
	ann, ben := open(t, browser, s), open(t, browser, s)
	ann.join("Ann")
	ben.join("Ben")
	for _, size := range []struct {
		name          string
		width, height int64
		scale         float64
	}{{"desktop", 1280, 800, 1}, {"phone", 390, 780, 2}} {
		ann.Resize(size.width, size.height, size.scale)
		for i := range 30 {
			ben.say(fmt.Sprintf("%s: line %d of a long talk, of which nobody sees the beginning", size.name, i))
		}
		last := size.name + ": line 29 of a long talk, of which nobody sees the beginning"
		ann.inView(last)
		const first, second, third = "This takes a little longer to say, since there is much to it:", "it has a second line,", "and a third."
		ann.Press("#text", first)
		ann.line()
		ann.Press("#text", second)
		ann.line()
		ann.Press("#text", third)
		ann.Await(`document.getElementById("text").clientHeight > 60`)
		ann.inView(last)
		ann.Shoot("draft-"+size.name, "light", size.width, size.height, size.scale)

		ben.say("while she writes")
		ann.inView("while she writes")
		ann.Submit("#text", "")
		ann.Await(`document.getElementById("text").value === ""`)
		ann.inView(strings.Join([]string{first, second, third}, "\n"))
		ann.Shoot("said-"+size.name, "light", size.width, size.height, size.scale)

		// The list stays where the user reads older messages while others speak and the
		// input grows. It scrolls to the user's own message.
		const top = `document.getElementById("scroll").scrollTop`
		eval[int](ann, top+` = 100, 0`)
		ben.say("not seen at once")
		ann.Shows("#newest", "New messages below")
		ann.line()
		ann.line()
		ann.Await(`document.getElementById("text").clientHeight > 60`)
		assert.Equal(t, 100, eval[int](ann, top))
		assert.True(t, eval[bool](ann, `document.getElementById("newest").getBoundingClientRect().bottom <= document.getElementById("text").getBoundingClientRect().top`),
			"the button covers no draft")
		ann.Submit("#text", "here I am")
		ann.inView("\n\nhere I am")
		ann.Await(`document.getElementById("newest").hidden`)
	}
}

// TestClock: a time of twelve hours stays beside the text.
func TestClock(t *testing.T) {
	t.Parallel()
	s := start(t)
	ann := open(t, rig.Launch(t), s)
	call(ann, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: "en_US"})
	ann.join("Ann")
	for _, text := range []string{"first", "second", "third"} {
		ann.say(text)
		ann.Shows(".said", text)
	}
	ann.Await(`/[AP]M$/.test(document.querySelector("time").textContent)`)
	for _, width := range []int64{1280, 390} {
		ann.Resize(width, 780, 1)
		assert.Empty(t, eval[[]string](ann, `[...document.querySelectorAll("#log .message")].flatMap(li => {
			const range = document.createRange();
			range.selectNodeContents(li.querySelector("time"));
			const time = range.getBoundingClientRect();
			for (const said of li.querySelectorAll(".said, .by")) {
				range.selectNodeContents(said);
				const text = range.getBoundingClientRect();
				if (text.width && time.right + 4 > text.left && time.left - 4 < text.right && time.bottom > text.top && time.top < text.bottom)
					return [said.textContent + " is touched by " + time.width + " px of " + li.querySelector("time").textContent];
			}
			return time.left < 0 || time.right > innerWidth || time.height > li.clientHeight ? ["the time of " + li.textContent + " is cut"] : [];
		})`), "%d px", width)
	}
}
