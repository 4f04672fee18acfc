package inspect

import "unicode/utf8"

// size returns the memory of a record as counted, without that of its frame.
func (r *Record) size() int {
	n := recordSize + len(r.Hub) + len(r.Connection) + len(r.User)
	switch {
	case r.Handshake != nil:
		h := r.Handshake
		n += headerSize(h.Query) + headerSize(h.Headers) + headerSize(h.Claims) + listSize(h.Subprotocols)
	case r.Client != nil:
		n += len(r.Client.Reason) + len(r.Client.Subprotocol)
	case r.Ack != nil:
		n += len(r.Ack.Error) + len(r.Ack.Message)
	case r.Group != nil:
		n += len(r.Group.Name)
	case r.GroupState != nil:
		n += len(r.GroupState.Group)
		for k, v := range r.GroupState.Entries {
			n += len(k) + len(v) + 64
		}
	case r.Permission != nil:
		n += len(r.Permission.Group) + len(r.Permission.Name)
	case r.Event != nil:
		n += r.Event.size()
	case r.Dropped != nil:
		n += len(r.Dropped.ID) + len(r.Dropped.Name) + len(r.Dropped.Reason)
	case r.Validation != nil:
		n += len(r.Validation.URL) + len(r.Validation.Reason)
	case r.REST != nil:
		n += len(r.REST.Method) + len(r.REST.Path) + len(r.REST.Query) + len(r.REST.Reason) + r.REST.Request.size() + r.REST.Answer.size()
	case r.Foreign != nil:
		n += len(r.Foreign.Reason)
	}
	return n
}

func (ev *Event) size() int {
	n := recordSize + ev.Request.size() + ev.Answer.size() + ev.StateBefore.size() + ev.StateAfter.size()
	for _, s := range [...]string{ev.ID, ev.Type, ev.Name, ev.Subprotocol, ev.Handler, ev.URL, ev.Reason} {
		n += len(s)
	}
	for _, a := range ev.Attempts {
		n += 64 + len(a.Error)
	}
	return n
}

func (m *Message) size() int {
	if m == nil {
		return 0
	}
	return 128 + headerSize(m.Headers) + m.Data.size()
}

func (s *State) size() int {
	if s == nil {
		return 0
	}
	return len(s.Text)
}

// quotedSize returns the length of a text in JSON, without the quotes.
func quotedSize(s string) (n int) {
	for _, c := range s {
		switch {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t' || c == '\b' || c == '\f':
			n += 2
		case c < ' ' || c == '<' || c == '>' || c == '&' || c == '\u2028' || c == '\u2029' || c == utf8.RuneError:
			n += 6
		default:
			n += utf8.RuneLen(c)
		}
	}
	return n
}

func headerSize(h map[string][]string) int {
	n := 0
	for name, values := range h {
		n += 64 + len(name) + listSize(values)
	}
	return n
}

func listSize(list []string) int {
	n := 0
	for _, s := range list {
		n += 16 + len(s)
	}
	return n
}
