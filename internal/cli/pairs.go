package cli

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// pairs holds the flags --hub and --upstream. An upstream belongs to the hub before it:
// --hub a --upstream u1 --upstream u2 --hub b --upstream u3.
type pairs struct {
	hubs      []string
	upstreams []upstreamOf
}

// upstreamOf is an upstream and the number of hubs before it.
type upstreamOf struct {
	url   string
	after int
}

// hub is the function of the flag --hub.
func (p *pairs) hub(v string) error {
	if v == "" {
		return errors.New("want a name")
	}
	if err := rule.CheckHub(v); err != nil {
		return ruleOf(err, "hub "+excerpt.Name(v))
	}
	p.hubs = append(p.hubs, v)
	return nil
}

// upstream is the function of the flag --upstream.
func (p *pairs) upstream(v string) error {
	if v == "" {
		return errors.New("want a URL")
	}
	if _, err := upstream.ParseTemplate(v); err != nil {
		return ruleOf(err, strconv.Quote(upstream.WithoutSecrets(v)))
	}
	p.upstreams = append(p.upstreams, upstreamOf{v, len(p.hubs)})
	return nil
}

// addTo adds the hubs to those of the settings file. An upstream without a hub before
// it, as set in the environment, belongs to the only hub.
func (p *pairs) addTo(hubs map[string]emulator.Hub) error {
	added := make([]emulator.Hub, len(p.hubs))
	for _, u := range p.upstreams {
		at := u.after - 1
		if at < 0 {
			if len(p.hubs) != 1 {
				return usage("--upstream %q: want a --hub before it", upstream.WithoutSecrets(u.url))
			}
			at = 0
		}
		added[at].EventHandlers = append(added[at].EventHandlers, emulator.AtURL(u.url))
	}
	for i, name := range p.hubs {
		for there := range hubs {
			if strings.EqualFold(there, name) {
				return usage("--hub %q: the hub is configured twice", name)
			}
		}
		hubs[name] = added[i]
	}
	return nil
}
