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

// route is a compiled Handler. It is immutable: an event keeps its route when the hub's
// settings change.
type route struct {
	template upstream.Template
	name     string // the template without its query
	local    bool   // the handler is in memory
	sender   *upstream.Sender
	consent  *consent

	authorize func() string // nil for none

	all      bool
	users    []glob.Pattern
	system   []string
	presence []string
	groups   []glob.Pattern
}

// selects reports whether the handler receives an event.
func (r *route) selects(typ, name, group string) bool {
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

// routes holds the event handlers of all hubs. The zero value has none.
type routes struct {
	mu   sync.RWMutex
	hubs map[string][]*route // by name in lower case
}

// find returns the first route of a hub that selects an event, or nil.
func (t *routes) find(hubName, typ, name, group string) *route {
	t.mu.RLock()
	list := t.hubs[strings.ToLower(hubName)]
	t.mu.RUnlock()
	for _, r := range list {
		if r.selects(typ, name, group) {
			return r
		}
	}
	return nil
}

// consent returns the consent of a URL, which routes over the network share. A URL that
// has refused is validated again at once, since the settings are new.
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

// SetHub replaces the event handlers of a hub for new events. On an error nothing changes.
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
			// Local handlers may have the same URL, and do not share consent.
			r.local = true
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
