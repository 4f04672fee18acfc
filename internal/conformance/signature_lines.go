package conformance

import (
	"strings"

	"github.com/go-webpubsub/webpubsub"
)

// checkSignatureLines sends the tokens in the forms that proxies make of them. The right
// ones come after a wrong one, so that it is not enough to look at the beginning.
func checkSignatureLines(p *probe) {
	p.signed("space after the comma", func(id string) []string {
		return []string{webpubsub.Sign(wrongKey, id) + ", " + strings.Join(p.tokens(id), ", ")}
	})
	spaced := len(p.problems) == 0
	p.signed("a line each", func(id string) []string {
		return append([]string{webpubsub.Sign(wrongKey, id)}, p.tokens(id)...)
	})
	if len(p.problems) > 0 {
		p.blame(p.linesCause(spaced))
	}
}

// linesCause returns the cause if a form of ce-signature was refused. spaced reports
// whether that was not the one with a space after the comma.
func (p *probe) linesCause(spaced bool) *Cause {
	if spaced {
		return &Cause{
			ID:     "first-line",
			Text:   "the handler uses the first line of ce-signature only, or a proxy in front of it drops the others",
			Remedy: "read all lines of ce-signature, not only the first as Header.Get of Go does",
		}
	}
	cause := &Cause{
		ID:     "joined-signature",
		Text:   "the handler does not trim the space after a comma of ce-signature: it refuses the events behind a proxy that joins header lines",
		Remedy: "split all lines of ce-signature at commas, and trim the spaces",
	}
	// Joined by a comma and a space, these have the right token without a space before it,
	// and the first line alone has no right token.
	unspaced := p.ask(resigned(p.event(connected()), func(id string) []string {
		return []string{webpubsub.Sign(wrongKey, id), "," + p.tokens(id)[0]}
	}))
	apart := p.ask(resigned(p.event(connected()), func(id string) []string {
		return []string{webpubsub.Sign(wrongKey, id), p.tokens(id)[0]}
	}))
	if unspaced != nil && unspaced.ok() && apart != nil && !apart.ok() {
		cause.Text = "something in front of the handler joins the lines of ce-signature with a comma and a space, which the handler does not trim" + p.by(unspaced)
	}
	return cause
}
