package inspect

import (
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// convert returns a record without its number.
func convert(at time.Time, r trace.Record) Record {
	kind := kinds[trace.KindOf(r)]
	out := Record{At: at.UTC(), Kind: kind.name, Level: kind.level}
	identify := func(c trace.Client) { out.Hub, out.Connection, out.User = c.Hub, c.Connection, c.User }
	switch r := r.(type) {
	case trace.ClientRecord:
		identify(r.Client)
		out.Client = clientOf(&r)
	case trace.Handshake:
		identify(r.Client)
		out.Handshake = &Handshake{Query: r.Query, Headers: r.Header, Claims: r.Claims, Subprotocols: r.Subprotocols}
	case trace.Ack:
		identify(r.Client)
		if out.Ack = (&Ack{ID: r.ID, Error: r.Error, Message: r.Message}); r.Error != "" {
			out.Level = levelWarn
		}
	case trace.GroupChange:
		identify(r.Client)
		out.Group = &Group{r.Group}
	case trace.GroupState:
		identify(r.Client)
		out.GroupState = &GroupState{Group: r.Group, Entries: r.Entries}
	case trace.PermissionChange:
		identify(r.Client)
		out.Permission = &Permission{Name: r.Permission, Group: r.Group}
	case trace.Event:
		identify(r.Client)
		out.Event = eventOf(&r)
	case trace.EventsDropped:
		identify(r.Client)
		out.Dropped = &Dropped{ID: r.ID, Name: r.Name, Count: r.Count, Reason: r.Reason}
	case trace.Validation:
		out.Validation = &Validation{URL: r.URL, Reason: r.Reason, AgainMs: milliseconds(r.Again)}
	case trace.RESTCall:
		out.Hub = hubOf(r.Path)
		out.REST = restOf(&r)
	case trace.ForeignRefused:
		out.Foreign = &Foreign{r.Reason}
	}
	return out
}

func clientOf(r *trace.ClientRecord) *Client {
	out := Client{
		Reason: r.Reason, Subprotocol: r.Subprotocol, Status: r.Status, Code: r.Code,
		LeftOut: r.LeftOut, RecoverableMs: milliseconds(r.Recoverable),
	}
	if out == (Client{}) {
		return nil
	}
	return &out
}

func eventOf(r *trace.Event) *Event {
	out := &Event{
		ID: r.ID, Type: r.Type, Name: r.Name, Subprotocol: r.Subprotocol, Again: r.Again,
		Handler: r.Handler, URL: r.URL, InMemory: r.InMemory, Reason: r.Reason, Status: r.Status,
		Request: messageOf(r.Request), StateBefore: stateOf(r.StateBefore), StateAfter: stateOf(r.StateAfter),
		QueuedMs: milliseconds(r.Queued), ConsentMs: milliseconds(r.Consent), TookMs: milliseconds(r.Took),
	}
	if r.Status != 0 {
		out.Answer = messageOf(r.Answer)
	}
	for _, a := range r.Log {
		out.Attempts = append(out.Attempts, Attempt{StartMs: milliseconds(a.Start), TookMs: milliseconds(a.Took), Status: a.Status, Error: a.Error})
	}
	return out
}

func restOf(r *trace.RESTCall) *REST {
	out := &REST{Method: r.Method, Path: r.Path, Query: r.Query, Status: r.Status, Reason: r.Refused, TookMs: milliseconds(r.Took)}
	if r.Refused == "" {
		out.Request, out.Answer = messageOf(r.Request), messageOf(r.Answer)
	}
	return out
}

// hubOf returns the hub in the path of a REST call.
func hubOf(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/hubs/"), "/")
	if !rule.IsHub(name) {
		return ""
	}
	return strings.ToLower(name)
}

func messageOf(p trace.Payload) *Message {
	out := &Message{Headers: p.Header()}
	out.Data = read(p, bodyType(out.Headers, p), messageAny)
	return out
}

func stateOf(s trace.State) *State {
	if s.Text == "" {
		return nil
	}
	return &State{Text: s.Text, JSON: s.JSON, Redacted: s.Redacted}
}
