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
	Resource string `yaml:"resource" json:"resource,omitzero"`
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
		for i, h := range in.EventHandlers {
			if h.Auth.Type == authIdentity {
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
	if err := checkHubs(data, hubs); err != nil {
		return nil, err
	}
	return hubs, nil
}

// decodeSettings decodes a settings file. It checks the values that an emulator.Hub cannot
// hold.
func decodeSettings(data []byte) (*settingsFile, error) {
	d := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()) // JSON is YAML
	var file settingsFile
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, explain(err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("want one document")
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

func (a auth) check() error {
	switch {
	case a.Type != "" && a.Type != authNone && a.Type != authIdentity:
		return fmt.Errorf("auth.type %q: want None or ManagedIdentity", a.Type)
	case a.Type != authIdentity && a.ManagedIdentity.Resource != "":
		return errors.New("auth.managedIdentity: want auth.type ManagedIdentity with it")
	case a.Type == authIdentity && a.ManagedIdentity.Resource == "":
		return errors.New("auth.managedIdentity.resource is missing, want the audience of the tokens")
	}
	return nil
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
