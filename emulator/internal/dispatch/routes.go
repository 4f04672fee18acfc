package dispatch

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-webpubsub/webpubsub/internal/glob"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// route is a checked Handler of one hub. It does not change: an event that has
// found its route keeps it, whatever becomes of the hub's settings.
type route struct {
	template upstream.Template
	sender   *upstream.Sender
	consent  *consent

	all      bool
	users    []glob.Pattern
	system   []string
	presence []string
	groups   []glob.Pattern
}

// takes reports whether an event of a type goes to this handler.
func (r *route) takes(typ, name, group string) bool {
	switch {
	case strings.HasPrefix(typ, wire.TypePrefixUser):
		lower := strings.ToLower(name)
		return r.all || slices.ContainsFunc(r.users, func(p glob.Pattern) bool { return p.Match(lower) })
	case strings.HasPrefix(typ, wire.TypePrefixGroup):
		return slices.Contains(r.presence, name) &&
			(len(r.groups) == 0 || slices.ContainsFunc(r.groups, func(p glob.Pattern) bool { return p.Match(group) }))
	}
	return slices.Contains(r.system, name)
}

// routes are the event handlers of all hubs. The zero value has none.
type routes struct {
	mu   sync.RWMutex
	hubs map[string][]*route // by name in lower case
}

// find returns the first route of a hub that takes an event, nil if there is none.
func (t *routes) find(hubName, typ, name, group string) *route {
	t.mu.RLock()
	list := t.hubs[strings.ToLower(hubName)]
	t.mu.RUnlock()
	for _, r := range list {
		if r.takes(typ, name, group) {
			return r
		}
	}
	return nil
}

// consent returns that of a URL to which events are sent over the network already.
// One that has been refused is not used again: whoever sets a handler wants to know
// what it says now.
func (t *routes) consent(url string, sender *upstream.Sender, added []*route) *consent {
	for _, list := range t.hubs {
		added = append(added, list...)
	}
	for _, r := range added {
		if r.sender == sender && r.consent.url == url && r.consent.usable() {
			return r.consent
		}
	}
	return &consent{url: url, sender: sender}
}

// SetHub replaces the event handlers of a hub, all at once for the events that come
// after. On an error nothing changes.
func (d *Dispatcher) SetHub(hubName string, handlers []Handler) error {
	list := make([]*route, 0, len(handlers))
	d.routes.mu.Lock()
	defer d.routes.mu.Unlock()
	for i, in := range handlers {
		fail := func(err error) error { return fmt.Errorf("hub %q, event handler %d: %w", hubName, i, err) }
		r, err := compile(in)
		if err != nil {
			return fail(err)
		}
		u, err := r.template.Resolve(strings.ToLower(hubName), wire.NameValidate)
		if err != nil {
			return fail(err)
		}
		if in.Local != nil {
			// Local handlers are asked each for itself, since their URLs may be alike.
			r.sender = &upstream.Sender{Transport: local{in.Local, d.background}, Retry: true}
		} else {
			r.sender = d.remote
		}
		r.consent = d.routes.consent(u.String(), r.sender, slices.Clone(list))
		list = append(list, r)
	}
	if d.routes.hubs == nil {
		d.routes.hubs = make(map[string][]*route)
	}
	d.routes.hubs[strings.ToLower(hubName)] = list
	return nil
}
