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

// Handler is an event handler of a hub. An event goes to the first handler that matches.
type Handler struct {
	// URLTemplate is an absolute http or https URL. {hub} and {event} in path and query
	// are replaced with the names of hub and event.
	URLTemplate string
	// Local, if set, is called in memory.
	Local http.Handler
	// UserEventPattern is a comma-separated list of event names and patterns; "*" matches
	// all user events. Empty matches none.
	UserEventPattern string
	SystemEvents     []string // connect, connected, disconnected
	GroupEvents      []string // joined, left
	// GroupFilters are patterns of groups for GroupEvents. Empty matches all groups.
	GroupFilters []string
	// Authorize, if set, returns the Authorization header of an event.
	Authorize func() string
}

// compile checks a Handler and returns its route, without sender and consent.
func compile(in Handler) (*route, error) {
	out := &route{name: upstream.WithoutSecrets(in.URLTemplate), authorize: in.Authorize}
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
