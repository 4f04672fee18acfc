package dispatch

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/glob"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Handler is an event handler as a hub's settings describe it. Of several
// handlers, the first that an event fits gets it.
type Handler struct {
	// URLTemplate is where events go: an absolute http or https URL in whose path
	// and query {hub} and {event} stand for the event's.
	URLTemplate string
	// Local, if set, is called in memory instead of the network.
	Local http.Handler
	// UserEventPattern selects user events: "*", a name, a pattern, or several,
	// separated by commas. Empty selects none.
	UserEventPattern string
	// SystemEvents that are selected: connect, connected, disconnected.
	SystemEvents []string
	// GroupEvents that are selected: joined, left.
	GroupEvents []string
	// GroupFilters narrow GroupEvents down to groups that fit a pattern. Empty:
	// all groups.
	GroupFilters []string
}

// compile checks a Handler. Of the route it leaves out how events are sent.
func compile(in Handler) (*route, error) {
	out := new(route)
	var err error
	if out.template, err = upstream.ParseTemplate(in.URLTemplate); err != nil {
		return nil, fmt.Errorf("url template %w", err)
	}
	for entry := range strings.SplitSeq(in.UserEventPattern, ",") {
		entry = strings.ToLower(strings.TrimSpace(entry))
		switch entry {
		case "":
		case "*":
			out.all = true
		default:
			p, err := glob.Parse(entry)
			if err != nil {
				return nil, fmt.Errorf("user event pattern %q: %w", entry, err)
			}
			out.users = append(out.users, p)
		}
	}
	for _, f := range in.GroupFilters {
		p, err := glob.Parse(f)
		if err != nil {
			return nil, fmt.Errorf("group filter %q: %w", f, err)
		}
		out.groups = append(out.groups, p)
	}
	if out.system, err = names("system event", in.SystemEvents, wire.NameConnect, wire.NameConnected, wire.NameDisconnected); err != nil {
		return nil, err
	}
	out.presence, err = names("group event", in.GroupEvents, wire.NameJoined, wire.NameLeft)
	return out, err
}

func names(what string, in []string, known ...string) ([]string, error) {
	var out []string
	for _, name := range in {
		lower := strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(known, lower) {
			return nil, fmt.Errorf("%s %q is none of %s", what, name, strings.Join(known, ", "))
		}
		out = append(out, lower)
	}
	return out, nil
}
