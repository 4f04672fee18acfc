package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/aymanbagabas/go-udiff"

	"github.com/go-webpubsub/webpubsub/internal/cli/trigger"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// maxCompared is the number of bytes of a text that a diff compares.
const maxCompared = 64 << 10

// Unmet is an expectation that an answer does not meet.
type Unmet struct {
	// What is compared: status, reply or state, or save for a value that is not there.
	What string `json:"what"`
	// Expected and Actual, as text or as JSON.
	Expected string `json:"expected"`
	Actual   string `json:"actual"`
}

// Diff shows lines of both, with - before those expected and + before actual ones.
func (u *Unmet) Diff() string {
	return udiff.Unified("expected", "actual", excerpt.Cut(u.Expected, maxCompared)+"\n", excerpt.Cut(u.Actual, maxCompared)+"\n")
}

func (e *expectation) check() error {
	switch {
	case e.Status != 0 && (e.Status < 100 || e.Status > 599):
		return fmt.Errorf("expect.status %d: want 100 to 599", e.Status)
	case e.Reply != nil && e.NoReply, e.Reply != nil && e.ReplyHas != nil, e.ReplyHas != nil && e.NoReply:
		return errors.New("expect: reply, replyHas and noReply, want one of them")
	case e.State != nil && e.NoState:
		return errors.New("expect: state and noState, want one of them")
	}
	for name, v := range map[string]any{"reply": e.Reply, "replyHas": e.ReplyHas, "state": e.State} {
		if _, err := encode("expect."+name, v); err != nil {
			return err
		}
	}
	return nil
}

// unmet compares an answer with the expectation.
func (e *expectation) unmet(r *trigger.Result) []Unmet {
	var out []Unmet
	want, met := "2xx, and an answer that the service can use", r.OK
	if e.Status != 0 {
		want, met = strconv.Itoa(e.Status), e.Status == r.Status && (r.OK || e.Status/100 != 2)
	}
	if !met {
		got := strconv.Itoa(r.Status)
		switch {
		case r.Status == 0:
			got = r.Problem
		case r.Status/100 == 2 && !r.OK:
			got += ", " + r.Problem
		}
		out = append(out, Unmet{"status", want, got})
	}
	if r.Status == 0 {
		return out
	}
	if e.Reply != nil || e.NoReply {
		out = appendUnmet(out, "reply", e.Reply, replyOf(r))
	}
	if e.ReplyHas != nil {
		got := replyOf(r)
		got.json = part(e.ReplyHas, got.json)
		out = appendUnmet(out, "reply", e.ReplyHas, got)
	}
	if e.State != nil || e.NoState {
		out = appendUnmet(out, "state", e.State, stateOf(r))
	}
	return out
}

const nothing = "(none)"

// found is a part of an answer: nothing, or a text, which may be JSON.
type found struct {
	none bool
	text string
	json json.RawMessage
}

func (f found) String() string {
	switch {
	case f.none:
		return nothing
	case f.json != nil:
		return canonical(f.json)
	}
	return f.text
}

func replyOf(r *trigger.Result) found {
	switch _, data := r.Payload(); data := data.(type) {
	case json.RawMessage:
		return found{text: string(data), json: data}
	case string:
		return found{text: data}
	default:
		return found{none: true}
	}
}

func stateOf(r *trigger.Result) found {
	if r.State == nil {
		return found{none: true}
	}
	return found{text: *r.State, json: trigger.DecodeState(*r.State)}
}

// appendUnmet compares a part of an answer with what is expected of it, nil for none.
func appendUnmet(out []Unmet, what string, want any, got found) []Unmet {
	if want == nil {
		if got.none {
			return out
		}
		return append(out, Unmet{what, nothing, got.String()})
	}
	data, _ := json.Marshal(want) // checked by expectation.check
	text, isText := want.(string)
	if !got.none && (isText && text == got.text || got.json != nil && canonical(data) == canonical(got.json)) {
		return out
	}
	expected := canonical(data)
	if isText && got.json == nil {
		expected = text
	}
	return append(out, Unmet{what, expected, got.String()})
}
