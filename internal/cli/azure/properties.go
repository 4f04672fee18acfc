package azure

import (
	"bytes"
	"encoding/json"
)

// An object is an object of Azure's REST API, with its members in order. Values are
// strings, objects and lists.
type object []member

type member struct {
	name  string
	value any
}

type list []any

// properties returns the properties of a hub as in Azure's REST API.
func properties(h *Hub) object {
	policy := "deny"
	if h.AllowAnonymous {
		policy = "allow"
	}
	handlers := make(list, 0, len(h.EventHandlers))
	for _, e := range h.EventHandlers {
		handlers = append(handlers, e.properties())
	}
	return object{{"anonymousConnectPolicy", policy}, {"eventHandlers", handlers}}
}

func (e *EventHandler) properties() object {
	o := object{{"urlTemplate", e.URLTemplate}}
	if e.UserEventPattern != "" {
		o = append(o, member{"userEventPattern", e.UserEventPattern})
	}
	o = append(o, member{"systemEvents", names(e.SystemEvents)})
	if len(e.GroupEvents) > 0 {
		presence := object{{"eventNames", names(e.GroupEvents)}}
		if len(e.GroupFilters) > 0 {
			presence = append(presence, member{"groupFilters", names(e.GroupFilters)})
		}
		o = append(o, member{"groupPresenceEvents", presence})
	}
	if e.AuthResource != "" {
		identity := object{{"resource", e.AuthResource}}
		o = append(o, member{"auth", object{{"type", "ManagedIdentity"}, {"managedIdentity", identity}}})
	}
	return o
}

func names(values []string) list {
	l := make(list, 0, len(values))
	for _, v := range values {
		l = append(l, v)
	}
	return l
}

// MarshalJSON keeps the order of the members.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
