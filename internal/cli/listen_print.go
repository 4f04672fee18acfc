package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/cli/inbox"
	"github.com/go-webpubsub/webpubsub/internal/cli/trigger"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// maxSummary is the number of bytes of a payload in the line of an event.
const maxSummary = 80

// listenPrinter prints events. It is safe for concurrent use.
type listenPrinter struct {
	mu sync.Mutex
	w  io.Writer
	palette
	flags *listenFlags
}

// arrived prints an event that is passed on, before its answer comes.
func (p *listenPrinter) arrived(e *inbox.Entry) {
	if p.flags.json {
		return
	}
	p.write(p.head(e) + "  -> " + printable(e.ForwardedTo) + "\n")
}

// answered prints an event and its answer.
func (p *listenPrinter) answered(e *inbox.Entry) {
	if p.flags.json {
		var b strings.Builder
		if err := jsonLines(&b).Encode(p.line(e)); err == nil {
			p.write(b.String())
		}
		return
	}
	var b strings.Builder
	if e.ForwardedTo == "" {
		b.WriteString(p.head(e) + p.payload(e))
	} else {
		fmt.Fprintf(&b, "%s  %s", p.start(e, e.Time.Add(e.Took)), "<-")
	}
	fmt.Fprintf(&b, "  %s in %v", paintStatus(p.palette, e.Status), rounded(e.Took))
	if kind, data := trigger.Payload(e.Answer.Get(wire.HeaderContentType), e.Reply.Data); e.Problem == "" && kind != "none" {
		b.WriteString("  " + summary(kind, data, e.Reply.Length))
	}
	if e.Problem != "" {
		b.WriteString("  " + p.red(printable(excerpt.Cut(e.Problem, 4*maxSummary))))
	}
	b.WriteByte('\n')
	if p.flags.verbose {
		p.both(&b, e)
	}
	p.write(b.String())
}

func (p *listenPrinter) write(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.w, text)
}

// start returns the time and number of an event.
func (p *listenPrinter) start(e *inbox.Entry, at time.Time) string {
	return fmt.Sprintf("%s #%-3d %-12s", p.faint(at.Format("15:04:05.000")), e.Number, p.bold(printable(excerpt.Short(e.Name))))
}

// head returns the attributes of an event.
func (p *listenPrinter) head(e *inbox.Entry) string {
	var b strings.Builder
	b.WriteString(p.start(e, e.Time))
	for _, a := range []struct{ name, header string }{
		{"hub", wire.HeaderHub}, {"connection", wire.HeaderConnectionID}, {"user", wire.HeaderUserID},
	} {
		if value := e.Get(a.header); value != "" {
			fmt.Fprintf(&b, " %s=%s", a.name, printable(excerpt.Short(value)))
		}
	}
	if e.ForwardedTo != "" {
		b.WriteString(p.payload(e))
	}
	return b.String()
}

// payload returns the beginning of an event's payload. That of connect is for --verbose,
// since it has claims and headers.
func (p *listenPrinter) payload(e *inbox.Entry) string {
	kind, data := trigger.Payload(e.Get(wire.HeaderContentType), e.Redacted(p.flags.showClaims))
	if kind == "none" || e.IsConnect() || e.Type == wire.TypeConnected {
		return ""
	}
	return "  " + summary(kind, data, e.Body.Length)
}

// summary returns the beginning of a payload in one line.
func summary(kind string, data any, length int64) string {
	switch v := data.(type) {
	case json.RawMessage:
		return printable(excerpt.Cut(string(v), maxSummary))
	case string:
		if kind == "text" {
			return `"` + printable(excerpt.Cut(v, maxSummary)) + `"`
		}
	}
	return fmt.Sprintf("%d bytes", length)
}

// both writes headers and bodies of request and answer.
func (p *listenPrinter) both(b *strings.Builder, e *inbox.Entry) {
	p.side(b, p.cyan("    > "), e.Method+" "+e.Path, e.Header, e.Redacted(p.flags.showClaims), e.Body.Length)
	p.side(b, p.cyan("    < "), strings.TrimSpace(fmt.Sprint(e.Status, " ", http.StatusText(e.Status))), e.Answer, e.Reply.Data, e.Reply.Length)
}

func (p *listenPrinter) side(b *strings.Builder, mark, first string, header http.Header, body []byte, length int64) {
	line := func(text string) { b.WriteString(strings.TrimRight(mark+text, " ") + "\n") }
	line(printable(first))
	shown := inbox.Headers(header)
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		for _, value := range shown[name] {
			line(printable(upstream.Spelling(name) + ": " + value))
		}
	}
	kind, data := trigger.Payload(header.Get(wire.HeaderContentType), body)
	if kind == "none" {
		return
	}
	line("")
	for one := range strings.Lines(printableLines(payloadText(data))) {
		line(strings.TrimSuffix(one, "\n"))
	}
	if length > int64(len(body)) && len(body) == inbox.MaxKept {
		line(fmt.Sprintf("… %d bytes in all", length))
	}
}

// listenLine is an event for scripts.
type listenLine struct {
	Number       int64       `json:"number"`
	Time         time.Time   `json:"time"`
	Method       string      `json:"method"`
	Path         string      `json:"path"`
	Event        string      `json:"event"`
	Type         string      `json:"type,omitempty"`
	Hub          string      `json:"hub,omitempty"`
	ConnectionID string      `json:"connectionId,omitempty"`
	UserID       string      `json:"userId,omitempty"`
	EventID      string      `json:"eventId,omitempty"`
	Subprotocol  string      `json:"subprotocol,omitempty"`
	RawState     string      `json:"rawState,omitempty"`
	Problem      string      `json:"problem,omitempty"`
	ContentType  string      `json:"contentType,omitempty"`
	DataType     string      `json:"dataType"`
	Data         any         `json:"data"`
	ForwardedTo  string      `json:"forwardedTo,omitempty"`
	Status       int         `json:"status"`
	Milliseconds float64     `json:"milliseconds"`
	Answer       listenReply `json:"answer"`
}

type listenReply struct {
	ContentType string `json:"contentType,omitempty"`
	DataType    string `json:"dataType"`
	Data        any    `json:"data"`
	RawState    string `json:"rawState,omitempty"`
}

func (p *listenPrinter) line(e *inbox.Entry) listenLine {
	out := listenLine{
		Number: e.Number, Time: e.Time, Method: e.Method, Path: e.Path, Event: e.Name, Type: e.Type,
		Hub: e.Get(wire.HeaderHub), ConnectionID: e.Get(wire.HeaderConnectionID), UserID: e.Get(wire.HeaderUserID),
		EventID: e.Get(wire.HeaderID), Subprotocol: e.Get(wire.HeaderSubprotocol), RawState: e.Get(wire.HeaderConnectionState),
		Problem: e.Problem, ContentType: e.Get(wire.HeaderContentType), ForwardedTo: e.ForwardedTo,
		Status: e.Status, Milliseconds: milliseconds(e.Took),
		Answer: listenReply{ContentType: e.Answer.Get(wire.HeaderContentType), RawState: e.Answer.Get(wire.HeaderConnectionState)},
	}
	out.DataType, out.Data = trigger.Payload(out.ContentType, e.Redacted(p.flags.showClaims))
	out.Answer.DataType, out.Answer.Data = trigger.Payload(out.Answer.ContentType, e.Reply.Data)
	return out
}
