package cli

import (
	"bytes"
	"maps"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/go-webpubsub/webpubsub/internal/cli/azure"
)

// hubs returns the hubs in the order of their names.
func (f *settingsFile) hubs() []azure.Hub {
	hubs := make([]azure.Hub, 0, len(f.Hubs))
	for _, name := range slices.Sorted(maps.Keys(f.Hubs)) {
		in := f.Hubs[name]
		out := azure.Hub{Name: name, AllowAnonymous: in.AnonymousConnectPolicy == "allow"}
		for _, e := range in.EventHandlers {
			out.EventHandlers = append(out.EventHandlers, azure.EventHandler{
				URLTemplate: e.URLTemplate, UserEventPattern: e.UserEventPattern, SystemEvents: e.SystemEvents,
				GroupEvents: e.GroupPresenceEvents.EventNames, GroupFilters: e.GroupPresenceEvents.GroupFilters,
				AuthResource: e.Auth.ManagedIdentity.Resource,
			})
		}
		hubs = append(hubs, out)
	}
	return hubs
}

// yaml returns the settings file as YAML.
func (f *settingsFile) yaml(hubs []azure.Hub) (string, error) {
	if err := usableByEmulator(hubs); err != nil {
		return "", err
	}
	text, err := yaml.MarshalWithOptions(f, yaml.IndentSequence(true), yaml.OmitZero())
	return string(text), err
}

// json returns the settings file as JSON.
func (f *settingsFile) json(hubs []azure.Hub) (string, error) {
	if err := usableByEmulator(hubs); err != nil {
		return "", err
	}
	var b bytes.Buffer
	e := jsonLines(&b)
	e.SetIndent("", "  ")
	err := e.Encode(f)
	return b.String(), err
}

// usableByEmulator returns an error for settings that the emulator rejects.
func usableByEmulator(hubs []azure.Hub) error {
	for _, h := range hubs {
		for i, e := range h.EventHandlers {
			switch {
			case e.AuthResource != "":
				return usage("hub %q, event handler %d: auth: an emulator has no identity, want no auth for this --format", h.Name, i)
			case keyVault.MatchString(e.URLTemplate):
				return usage("hub %q, event handler %d: an emulator has no key vault, want a URL without a reference for this --format", h.Name, i)
			}
		}
	}
	return nil
}
