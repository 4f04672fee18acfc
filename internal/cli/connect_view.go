package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// view prints news. It is safe for concurrent use.
type view interface {
	show(n news)
}

// jsonView prints a line of JSON for each.
type jsonView struct {
	mu    sync.Mutex
	lines *json.Encoder
}

func newJSONView(w io.Writer) *jsonView { return &jsonView{lines: jsonLines(w)} }

func (v *jsonView) show(n news) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = v.lines.Encode(n) // nothing is to be done for a reader that has left
}

// textView prints a readable line for each. What strangers have sent is escaped and cut,
// so that it can neither control the terminal nor look like a line of ours.
type textView struct {
	mu    sync.Mutex
	w     io.Writer
	paint palette
}

// maxShown is how many bytes of a payload a line shows.
const maxShown = 4096

func (v *textView) show(n news) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, _ = io.WriteString(v.w, v.line(&n)+"\n") // as above
}

func (v *textView) line(n *news) string {
	switch n.Type {
	case newsMessage, newsPiece:
		return v.source(n) + v.payload(n)
	case newsStreamEnded:
		return v.note(strings.TrimSpace(v.source(n)) + " stream ended" + because(n.Reason))
	case newsState:
		return v.source(n) + v.paint.faint("state ") + v.entries(n.State)
	case newsStateCleared:
		return v.source(n) + v.paint.faint("state cleared")
	case newsStates:
		return v.paint.cyan("["+printable(n.Group)+"] ") + v.states(n.States)
	case newsAnswer:
		return v.paint.cyan("["+printable(n.Event)+"] ") + v.payload(n)
	case newsConnected:
		return v.note("connected" + as(n))
	case newsRecovering:
		return v.note("connection lost" + because(n.Reason) + "; recovering ...")
	case newsRecovered:
		return v.note("recovered, no message was lost")
	case newsDisconnected:
		return v.note("disconnected" + because(n.Reason) + "; reconnecting ...")
	case newsReconnected:
		return v.note("reconnected" + as(n) + "; messages in between were missed")
	case newsDone:
		return v.note(done(n))
	default:
		return v.mistake(n)
	}
}

// source returns where a message is from: [lobby] ann:
func (v *textView) source(n *news) string {
	where := fromServer
	if n.From == fromGroup || n.Type == newsState || n.Type == newsStateCleared {
		where = printable(n.Group)
	}
	if n.StreamID != "" {
		where += " " + printable(n.StreamID)
	}
	text := v.paint.cyan("[" + where + "] ")
	if who := cmp.Or(n.FromUserID, n.UserID, n.ConnectionID); who != "" {
		text += v.paint.bold(printable(who)+":") + " "
	}
	return text
}

// states returns the states of connections.
func (v *textView) states(all []groupState) string {
	if len(all) == 0 {
		return v.paint.faint("no state")
	}
	lines := make([]string, 0, len(all))
	for _, s := range all {
		text := v.entries(s.State)
		if who := cmp.Or(s.UserID, s.ConnectionID); who != "" {
			text = printable(who) + ": " + text
		}
		lines = append(lines, text)
	}
	return excerpt.Cut(strings.Join(lines, ", "), maxShown)
}

// entries returns a state: {mood=fine, typing=yes}.
func (v *textView) entries(state map[string]string) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(state)) {
		texts = append(texts, printable(name)+"="+printable(state[name]))
	}
	return "{" + excerpt.Cut(strings.Join(texts, ", "), maxShown) + "}"
}

// payload returns the payload and metadata.
func (v *textView) payload(n *news) string {
	text := n.payload()
	shown := printable(excerpt.Cut(text, maxShown))
	if len(text) > maxShown {
		shown += v.paint.faint(fmt.Sprintf(" (%d bytes)", len(text)))
	}
	if n.DataType == kindBinary || n.DataType == client.DataProtobuf.String() {
		shown = v.paint.faint("base64 ") + shown
	}
	for _, name := range slices.Sorted(maps.Keys(n.Metadata)) {
		shown += v.paint.faint(" {" + printable(name) + "=" + printable(n.Metadata[name]) + "}")
	}
	return shown
}

func (v *textView) note(text string) string { return v.paint.faint("* " + text) }

// mistake returns the line of a command that failed or of another problem.
func (v *textView) mistake(n *news) string {
	text := printable(n.Reason)
	if n.Command != "" {
		text = printable(n.Command) + ": " + text
	}
	if n.Group != "" && n.Command == "" {
		text = printable(n.Group) + ": " + text
	}
	return v.paint.red("! " + text)
}

// as returns as whom a client is connected.
func as(n *news) string {
	text := ""
	if n.UserID != "" {
		text = " as " + printable(n.UserID)
	}
	if n.ConnectionID != "" {
		text += ", connection " + printable(n.ConnectionID)
	}
	return text
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + printable(reason)
}

// done returns what a command has done.
func done(n *news) string {
	switch n.Command {
	case "join":
		return "joined " + printable(n.Group)
	case "leave":
		return "left " + printable(n.Group)
	case "publish":
		return "sent to the stream " + printable(n.StreamID) + " in " + printable(n.Group)
	case "end":
		return "stream " + printable(n.StreamID) + " to " + printable(n.Group) + " ended"
	case "state-set":
		return "state set in " + printable(n.Group)
	case "state-clear":
		return "state cleared in " + printable(n.Group)
	case "state-subscribe":
		return "subscribed to the states in " + printable(n.Group)
	case "state-unsubscribe":
		return "no longer subscribed to the states in " + printable(n.Group)
	case "event":
		return "event " + printable(n.Event) + " was handled"
	}
	if n.Group != "" {
		return "sent to " + printable(n.Group)
	}
	return "sent"
}
