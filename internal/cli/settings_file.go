package cli

import (
	"fmt"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli/strictyaml"
)

const maxSettings = 1 << 20

// settingsFile is a YAML or JSON file with the names of hub settings in Azure.
type settingsFile struct {
	Hubs map[string]hubSettings `yaml:"hubs"`
}

type hubSettings struct {
	AnonymousConnectPolicy string         `yaml:"anonymousConnectPolicy"`
	EventHandlers          []eventHandler `yaml:"eventHandlers"`
}

type eventHandler struct {
	URLTemplate         string              `yaml:"urlTemplate"`
	UserEventPattern    string              `yaml:"userEventPattern"`
	SystemEvents        []string            `yaml:"systemEvents"`
	GroupPresenceEvents groupPresenceEvents `yaml:"groupPresenceEvents"`
	Auth                auth                `yaml:"auth"`
}

type auth struct {
	Type string `yaml:"type"`
}

type groupPresenceEvents struct {
	EventNames   []string `yaml:"eventNames"`
	GroupFilters []string `yaml:"groupFilters"`
}

// readSettings reads the settings of hubs. The emulator checks their values.
func readSettings(path string) (map[string]emulator.Hub, error) {
	data, err := readFile(path, maxSettings)
	if err != nil {
		return nil, err
	}
	return parseSettings(data)
}

func parseSettings(data []byte) (map[string]emulator.Hub, error) {
	var file settingsFile
	if err := strictyaml.Decode(data, &file); err != nil {
		return nil, err
	}
	hubs := make(map[string]emulator.Hub, len(file.Hubs))
	for name, in := range file.Hubs {
		var out emulator.Hub
		switch in.AnonymousConnectPolicy {
		case "", "deny":
		case "allow":
			out.AllowAnonymous = true
		default:
			return nil, fmt.Errorf("hub %q: anonymousConnectPolicy %q: want allow or deny", name, in.AnonymousConnectPolicy)
		}
		for i, h := range in.EventHandlers {
			if h.Auth.Type != "" && h.Auth.Type != "None" {
				return nil, fmt.Errorf("hub %q, event handler %d: auth.type %q: want None, since an emulator has no identity", name, i, h.Auth.Type)
			}
			out.EventHandlers = append(out.EventHandlers, emulator.EventHandler{
				URLTemplate: h.URLTemplate, UserEventPattern: h.UserEventPattern, SystemEvents: h.SystemEvents,
				GroupEvents: h.GroupPresenceEvents.EventNames, GroupFilters: h.GroupPresenceEvents.GroupFilters,
			})
		}
		hubs[name] = out
	}
	return hubs, nil
}
