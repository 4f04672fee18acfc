package cli

import (
	"errors"
	"fmt"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli/strictyaml"
)

const maxSettings = 1 << 20

// settingsFile is a YAML or JSON file with the names of hub settings in Azure.
type settingsFile struct {
	Hubs map[string]hubSettings `yaml:"hubs" json:"hubs"`
}

type hubSettings struct {
	AnonymousConnectPolicy string         `yaml:"anonymousConnectPolicy" json:"anonymousConnectPolicy,omitzero"`
	EventHandlers          []eventHandler `yaml:"eventHandlers" json:"eventHandlers,omitzero"`
}

type eventHandler struct {
	URLTemplate         string              `yaml:"urlTemplate" json:"urlTemplate"`
	UserEventPattern    string              `yaml:"userEventPattern" json:"userEventPattern,omitzero"`
	SystemEvents        []string            `yaml:"systemEvents" json:"systemEvents,omitzero"`
	GroupPresenceEvents groupPresenceEvents `yaml:"groupPresenceEvents" json:"groupPresenceEvents,omitzero"`
	Auth                auth                `yaml:"auth" json:"auth,omitzero"`
}

type groupPresenceEvents struct {
	EventNames   []string `yaml:"eventNames" json:"eventNames,omitzero"`
	GroupFilters []string `yaml:"groupFilters" json:"groupFilters,omitzero"`
}

type auth struct {
	Type            string          `yaml:"type" json:"type,omitzero"`
	ManagedIdentity managedIdentity `yaml:"managedIdentity" json:"managedIdentity,omitzero"`
}

type managedIdentity struct {
	Resource     string `yaml:"resource" json:"resource,omitzero"`
	TokenVersion int    `yaml:"tokenVersion" json:"tokenVersion,omitzero"` // of the emulator; in Azure the app registration has it
}

// Types of auth.
const (
	authNone     = "None"
	authIdentity = "ManagedIdentity"
)

// parseSettings returns the settings of hubs in a file. The emulator accepts each of them.
func parseSettings(data []byte) (map[string]emulator.Hub, error) {
	file, err := decodeSettings(data)
	if err != nil {
		return nil, err
	}
	hubs := make(map[string]emulator.Hub, len(file.Hubs))
	for name, in := range file.Hubs {
		out := emulator.Hub{AllowAnonymous: in.AnonymousConnectPolicy == "allow"}
		for _, h := range in.EventHandlers {
			out.EventHandlers = append(out.EventHandlers, emulator.EventHandler{
				URLTemplate: h.URLTemplate, UserEventPattern: h.UserEventPattern, SystemEvents: h.SystemEvents,
				GroupEvents: h.GroupPresenceEvents.EventNames, GroupFilters: h.GroupPresenceEvents.GroupFilters,
				ManagedIdentity: h.Auth.identity(),
			})
		}
		hubs[name] = out
	}
	if err := checkHubs(data, hubs); err != nil {
		return nil, err
	}
	return hubs, nil
}

// decodeSettings decodes a settings file. It checks the values that an emulator.Hub cannot
// hold.
func decodeSettings(data []byte) (*settingsFile, error) {
	var file settingsFile
	if err := strictyaml.Decode(data, &file); err != nil {
		return nil, err
	}
	for name, hub := range file.Hubs {
		switch hub.AnonymousConnectPolicy {
		case "", "deny", "allow":
		default:
			err := fmt.Errorf("hub %q: anonymousConnectPolicy %q: want allow or deny", name, hub.AnonymousConnectPolicy)
			return nil, locate(data, name, -1, err)
		}
		for i, h := range hub.EventHandlers {
			if err := h.Auth.check(); err != nil {
				return nil, locate(data, name, i, fmt.Errorf("hub %q, event handler %d: %w", name, i, err))
			}
		}
	}
	return &file, nil
}

// identity returns the identity of an event handler; nil for none.
func (a auth) identity() *emulator.ManagedIdentity {
	if a.Type != authIdentity {
		return nil
	}
	return &emulator.ManagedIdentity{Resource: a.ManagedIdentity.Resource, TokenVersion: a.ManagedIdentity.TokenVersion}
}

func (a auth) check() error {
	switch {
	case a.Type != "" && a.Type != authNone && a.Type != authIdentity:
		return fmt.Errorf("auth.type %q: want None or ManagedIdentity", a.Type)
	case a.Type != authIdentity && a.ManagedIdentity != managedIdentity{}:
		return errors.New("auth.managedIdentity: want auth.type ManagedIdentity with it")
	case a.Type == authIdentity && a.ManagedIdentity.Resource == "":
		return errors.New("auth.managedIdentity.resource is missing, want the audience of the tokens")
	}
	return nil
}
