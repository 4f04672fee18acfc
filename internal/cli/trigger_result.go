package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/cli/trigger"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// maxReplyShown is the number of bytes of a reply that are printed for people.
const maxReplyShown = 16 << 10

// triggerResult is a result for scripts.
type triggerResult struct {
	Event        trigger.Kind      `json:"event"`
	Name         string            `json:"name"`
	Hub          string            `json:"hub"`
	ConnectionID string            `json:"connectionId"`
	EventID      string            `json:"eventId"`
	UserID       string            `json:"userId,omitempty"`
	OK           bool              `json:"ok"`
	Status       int               `json:"status"`
	Problem      string            `json:"problem,omitempty"`
	Remedy       string            `json:"remedy,omitempty"`
	Meaning      string            `json:"meaning"`
	ContentType  string            `json:"contentType,omitempty"`
	ReplyType    string            `json:"replyType"`
	Reply        any               `json:"reply"`
	Metadata     map[string]string `json:"metadata,omitempty"`
	State        json.RawMessage   `json:"state,omitempty"`
	RawState     *string           `json:"rawState,omitempty"`
	Milliseconds float64           `json:"milliseconds"`
}

func resultOf(r *trigger.Result) triggerResult {
	out := triggerResult{
		Event: r.Kind, Name: r.Name, Hub: r.Hub, ConnectionID: r.ConnectionID, EventID: r.EventID, UserID: r.UserID,
		OK: r.OK, Status: r.Status, Problem: r.Problem, Remedy: r.Remedy, Meaning: r.Meaning, ContentType: r.ContentType,
		Metadata: r.Metadata, RawState: r.State, Milliseconds: milliseconds(r.Took),
	}
	if r.State != nil {
		out.State = trigger.DecodeState(*r.State)
	}
	out.ReplyType, out.Reply = r.Payload()
	return out
}

// textOf returns a function that writes a result for people.
func textOf(r *trigger.Result, p palette) func(io.Writer) error {
	return func(w io.Writer) error {
		var b strings.Builder
		line := func(name, text string) { fmt.Fprintf(&b, "%-8s %s\n", name, printable(text)) }
		event := fmt.Sprintf("%s of hub %s, connection %s, id %s", excerpt.Short(r.Name), r.Hub, excerpt.Short(r.ConnectionID), r.EventID)
		if r.UserID != "" {
			event += ", user " + excerpt.Short(r.UserID)
		}
		line("event", event)
		if r.Status != 0 {
			fmt.Fprintf(&b, "%-8s %s in %v\n", "answer", paintStatus(p, r.Status), rounded(r.Took))
		}
		if r.Problem != "" {
			fmt.Fprintf(&b, "%-8s %s\n", "problem", p.red(printable(r.Problem)))
		}
		if r.Remedy != "" {
			line("remedy", r.Remedy)
		}
		line("meaning", r.Meaning)
		if r.State != nil {
			line("state", excerpt.Cut(stateText(*r.State), maxReplyShown))
		}
		for _, name := range slices.Sorted(maps.Keys(r.Metadata)) {
			line("metadata", name+"="+r.Metadata[name])
		}
		if len(r.Reply) > 0 {
			line("reply", strings.TrimPrefix(fmt.Sprintf("%s, %d bytes", r.ContentType, len(r.Reply)), ", "))
			_, data := r.Payload()
			b.WriteString(printableLines(excerpt.Cut(payloadText(data), maxReplyShown)) + "\n")
		}
		_, err := io.WriteString(w, b.String())
		return err
	}
}

func stateText(state string) string {
	if data := trigger.DecodeState(state); data != nil {
		return string(data)
	}
	if state == "" {
		return "(empty)"
	}
	return state
}

// payloadText returns a payload for people: JSON indented, text as it is, bytes in base64.
func payloadText(data any) string {
	if raw, ok := data.(json.RawMessage); ok {
		return indented(raw)
	}
	text, _ := data.(string)
	return text
}

func paintStatus(p palette, status int) string {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	if status/100 == 2 {
		return p.green(text)
	}
	return p.red(text)
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// rounded returns a duration with three digits.
func rounded(d time.Duration) time.Duration {
	unit := time.Nanosecond
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
