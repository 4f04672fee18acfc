package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/goccy/go-yaml"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
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

// parseSettings returns the settings of hubs in a file. The emulator accepts each of them.
func parseSettings(data []byte) (map[string]emulator.Hub, error) {
	d := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()) // JSON is YAML
	var file settingsFile
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, explain(err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("want one document")
	}
	hubs := make(map[string]emulator.Hub, len(file.Hubs))
	for name, in := range file.Hubs {
		var out emulator.Hub
		switch in.AnonymousConnectPolicy {
		case "", "deny":
		case "allow":
			out.AllowAnonymous = true
		default:
			err := fmt.Errorf("hub %q: anonymousConnectPolicy %q: want allow or deny", name, in.AnonymousConnectPolicy)
			return nil, locate(data, name, -1, err)
		}
		for i, h := range in.EventHandlers {
			if h.Auth.Type != "" && h.Auth.Type != "None" {
				err := fmt.Errorf("hub %q, event handler %d: auth.type %q: want None, since an emulator has no identity", name, i, h.Auth.Type)
				return nil, locate(data, name, i, err)
			}
			out.EventHandlers = append(out.EventHandlers, emulator.EventHandler{
				URLTemplate: h.URLTemplate, UserEventPattern: h.UserEventPattern, SystemEvents: h.SystemEvents,
				GroupEvents: h.GroupPresenceEvents.EventNames, GroupFilters: h.GroupPresenceEvents.GroupFilters,
			})
		}
		hubs[name] = out
	}
	if err := checkSettings(data, hubs); err != nil {
		return nil, err
	}
	return hubs, nil
}

// explain returns an error of the YAML decoder with its position, but without Go types.
// It quotes only names of the file, since URLs may contain secrets.
func explain(err error) error {
	var wrong yaml.Error
	if !errors.As(err, &wrong) || wrong.GetToken() == nil {
		return err
	}
	message := wrong.GetMessage()
	var unknown *yaml.UnknownFieldError
	var mistyped *yaml.TypeError
	switch {
	case errors.As(err, &unknown):
		name := wrong.GetToken().Value
		message = fmt.Sprintf("unknown field %.128q", upstream.WithoutSecrets(name))
		if similar := nearest(name, members(reflect.TypeFor[settingsFile]())); similar != "" {
			message += fmt.Sprintf(", did you mean %q?", similar)
		}
	case errors.As(err, &mistyped):
		message = "want " + kindName(mistyped.DstType)
	}
	at := wrong.GetToken().Position
	return fmt.Errorf("line %d, column %d: %s", at.Line, at.Column, message)
}

// kindName returns the YAML name of a Go type.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a mapping"
	default:
		return "text"
	}
}

// members lists the names of all fields of a type and of the types in it.
func members(t reflect.Type) []string {
	switch t.Kind() {
	case reflect.Map, reflect.Slice:
		return members(t.Elem())
	case reflect.Struct:
		var names []string
		for _, f := range reflect.VisibleFields(t) {
			names = append(append(names, f.Tag.Get("yaml")), members(f.Type)...)
		}
		return names
	default:
		return nil
	}
}
