package inspect

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/emulator/internal/dispatch"
	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// target selects connections.
type target struct {
	All        bool   `json:"all"`
	Group      string `json:"group"`
	User       string `json:"user"`
	Connection string `json:"connection"`
}

// on returns the hub of a name and the target on it. A target that selects everything by
// mistake is an error.
func (h *Handler) on(name string, t target) (*hub.Hub, hub.Target, error) {
	set := 0
	for _, s := range [...]bool{t.All, t.Group != "", t.User != "", t.Connection != ""} {
		if s {
			set++
		}
	}
	if set != 1 {
		return nil, hub.Target{}, fail(http.StatusBadRequest, "target: want one of all, group, user and connection")
	}
	one, err := h.existing(name)
	return one, hub.Target{ConnectionID: t.Connection, UserID: t.User, Group: t.Group}, err
}

func (h *Handler) existing(name string) (*hub.Hub, error) {
	if one := h.cfg.Hubs.Existing(name); one != nil {
		return one, nil
	}
	return nil, fail(http.StatusNotFound, "hub %.128q has had no client and no REST call yet", name)
}

type connections struct {
	Connections int `json:"connections"`
}

// payload is data in an action.
type payload struct {
	Text   *string `json:"text"`
	Base64 *string `json:"base64"`
}

// bytes returns the data; ok is false if there is none.
func (p payload) bytes() (data []byte, ok bool, err error) {
	switch {
	case p.Text != nil && p.Base64 != nil:
		return nil, false, fail(http.StatusBadRequest, "text and base64: want one of them")
	case p.Text != nil:
		return []byte(*p.Text), true, nil
	case p.Base64 != nil:
		data, err = base64.StdEncoding.DecodeString(*p.Base64)
		if err != nil {
			return nil, false, fail(http.StatusBadRequest, "base64: not base64")
		}
		return data, true, nil
	}
	return nil, false, nil
}

type sendInput struct {
	Hub    string `json:"hub"`
	Target target `json:"target"`
	Type   string `json:"type"`
	payload
}

// send sends a message to connections.
func (h *Handler) send(_ context.Context, _ *http.Request, in *sendInput) (any, error) {
	one, t, err := h.on(in.Hub, in.Target)
	if err != nil {
		return nil, err
	}
	data, _, err := in.bytes()
	if err != nil {
		return nil, err
	}
	m := &hub.Message{Group: t.Group, Data: data}
	switch in.Type {
	case typeText, "":
		if m.Type = hub.Text; !utf8.Valid(data) {
			return nil, fail(http.StatusBadRequest, "text is not UTF-8")
		}
	case typeJSON:
		if m.Type = hub.JSON; !json.Valid(data) {
			return nil, fail(http.StatusBadRequest, "text is not JSON; send it as type text")
		}
	case typeBinary:
		m.Type = hub.Binary
	default:
		return nil, fail(http.StatusBadRequest, "type: want text, json or binary")
	}
	n := len(one.Select(t))
	one.Send(t, m, 0)
	return connections{n}, nil
}

type closeInput struct {
	Hub    string `json:"hub"`
	Target target `json:"target"`
	Reason string `json:"reason"`
}

// closeConnections closes connections as the application server does.
func (h *Handler) closeConnections(_ context.Context, _ *http.Request, in *closeInput) (any, error) {
	one, t, err := h.on(in.Hub, in.Target)
	if err != nil {
		return nil, err
	}
	n := len(one.Select(t))
	one.Close(t, in.Reason)
	return connections{n}, nil
}

// clientURL returns the URL of a test client.
func (h *Handler) clientURL(_ context.Context, r *http.Request, in *ClientOptions) (any, error) {
	const maxLifetimeMs = 24 * 60 * 60 * 1000
	if err := rule.CheckHub(in.Hub); err != nil {
		return nil, err
	}
	if err := rule.CheckUser(in.User); err != nil {
		return nil, err
	}
	if in.LifetimeMs < 0 || in.LifetimeMs > maxLifetimeMs {
		return nil, fail(http.StatusBadRequest, "lifetimeMs: want 0 for an hour, or at most %d", maxLifetimeMs)
	}
	return struct {
		URL string `json:"url"`
	}{h.cfg.ClientURL(r, in)}, nil
}

type pauseInput struct {
	Paused bool `json:"paused"`
}

func (h *Handler) pause(_ context.Context, _ *http.Request, in *pauseInput) (any, error) {
	h.cfg.List.Pause(in.Paused)
	return in, nil
}

func (h *Handler) clear(context.Context, *http.Request, *struct{}) (any, error) {
	h.cfg.List.Clear()
	return struct{}{}, nil
}

type raiseInput struct {
	Record      uint64  `json:"record"`
	SameID      bool    `json:"sameId"`
	ContentType *string `json:"contentType"`
	State       *string `json:"state"`
	payload
}

type raised struct {
	Record  uint64 `json:"record,omitempty"` // zero if recording is paused
	Outcome string `json:"outcome,omitempty"`
	Status  int    `json:"status,omitempty"`
	Error   string `json:"error,omitempty"`
}

// raise raises the event of a record again, and waits for the answer.
func (h *Handler) raise(ctx context.Context, _ *http.Request, in *raiseInput) (any, error) {
	select {
	case h.raising <- struct{}{}:
		defer func() { <-h.raising }()
	default:
		return nil, fail(http.StatusTooManyRequests, "%d events are being raised, the maximum: wait for an answer", maxRaising)
	}
	rec, ok := h.cfg.List.Get(in.Record)
	if !ok {
		return nil, fail(http.StatusNotFound, "record %d is not kept any more", in.Record)
	}
	again, err := eventAgain(&rec, in)
	if err != nil {
		return nil, err
	}
	before, _ := h.cfg.List.Status()
	answer, reply, err := h.cfg.Events.Raise(ctx, again)
	if err == nil && reply != nil {
		if one := h.cfg.Hubs.Existing(again.Hub); one != nil {
			if c := one.Connection(again.ConnectionID); c != nil {
				err = c.Reply(reply)
			}
		}
	}
	out := raised{}
	if answer != nil {
		out.Status = answer.Status
	}
	if err != nil {
		out.Error = h.cfg.Trace.Hide(err.Error())
	}
	out.Record, out.Outcome = h.outcome(before.Next-1, rec.N)
	return out, nil
}

// outcome returns the first record after a number of an event that was raised again.
func (h *Handler) outcome(after, first uint64) (n uint64, kind string) {
	for {
		page, _ := h.cfg.List.After(nil, after, pageSize)
		for i := range page {
			if ev := page[i].Event; ev != nil && ev.Again == first {
				return page[i].N, page[i].Kind
			}
			after = page[i].N
		}
		if len(page) == 0 {
			return 0, ""
		}
	}
}

// eventAgain returns the event of a record with the changes of an action.
func eventAgain(rec *Record, in *raiseInput) (*dispatch.Again, error) {
	ev := rec.Event
	if ev == nil || ev.Request == nil {
		return nil, fail(http.StatusBadRequest, "record %d is no event", rec.N)
	}
	if ev.Type == "" || ev.Name == "" || rec.Hub == "" || rec.Connection == "" || !upstream.IsType(ev.Type, ev.Name) {
		return nil, fail(http.StatusBadRequest, "record %d names no event that the service has", rec.N)
	}
	data, replaced, err := in.bytes()
	if err != nil {
		return nil, err
	}
	if !replaced {
		if ev.Request.Data.Truncated || ev.Request.Data.Redacted {
			return nil, fail(http.StatusConflict, "the payload of record %d is not complete, since it was long or had a secret: want text or base64 in its place", rec.N)
		}
		data = ev.Request.Data.raw()
	}
	out := &dispatch.Again{
		First: rec.N, Hub: rec.Hub, ConnectionID: rec.Connection, UserID: rec.User, Subprotocol: ev.Subprotocol,
		Type: ev.Type, Name: ev.Name, ContentType: contentType(ev), Body: data, Metadata: metadata(ev.Request.Headers),
	}
	if in.SameID {
		out.ID = ev.ID
	}
	if in.ContentType != nil {
		out.ContentType = *in.ContentType
	}
	if in.State != nil {
		header := headerState(State{Text: *in.State, JSON: strings.HasPrefix(strings.TrimSpace(*in.State), "{") && json.Valid([]byte(*in.State))})
		out.State = &header
	}
	return out, nil
}

// headerState returns the header with a state.
func headerState(s State) string {
	if s.JSON {
		return base64.StdEncoding.EncodeToString([]byte(s.Text))
	}
	return s.Text
}

// contentType returns the media type of an event. That of an event that was not sent, and
// so has no header, follows from its data.
func contentType(ev *Event) string {
	if values := ev.Request.Headers[wire.HeaderContentType]; len(values) > 0 {
		return values[0]
	}
	switch ev.Request.Data.Type {
	case typeJSON:
		return wire.MediaJSON
	case typeText:
		return upstream.ContentType(wire.DataText)
	}
	return wire.MediaBinary
}

// metadata returns the metadata in the header of an event.
func metadata(header map[string][]string) map[string]string {
	out := make(map[string]string)
	for name, values := range header {
		if rest, ok := cutPrefixFold(name, wire.PrefixMetadata); ok && len(values) > 0 {
			out[rest] = values[len(values)-1]
		}
	}
	return out
}

func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if len(s) <= len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}
