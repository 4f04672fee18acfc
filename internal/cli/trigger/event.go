package trigger

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/cli/similar"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// Kind is a kind of event, as the command line and scenarios name it.
type Kind string

// The kinds of events.
const (
	Connect      Kind = wire.NameConnect
	Connected    Kind = wire.NameConnected
	UserEvent    Kind = "event"
	Disconnected Kind = wire.NameDisconnected
	Joined       Kind = wire.NameJoined
	Left         Kind = wire.NameLeft
)

// ParseKind returns the kind of a name. Its error has a hint, but not the name, which may be
// a secret that was passed by mistake.
func ParseKind(name string) (Kind, error) {
	var names []string
	for _, k := range []Kind{Connect, Connected, UserEvent, Joined, Left, Disconnected} {
		if string(k) == name {
			return k, nil
		}
		names = append(names, string(k))
	}
	return "", errors.New(similar.Hint(name, names))
}

// Once reports whether a connection raises an event of the kind once.
func (k Kind) Once() bool { return k == Connect || k == Connected || k == Disconnected }

// Event describes an event to send.
type Event struct {
	Kind Kind
	// Name of a user event.
	Name string
	// ID (ce-id); defaults to the connection's next one.
	ID string
	// State (ce-connectionState) in place of the connection's; see [EncodeState].
	State *string

	// Claims, Query, Headers and Subprotocols of the client of a connect event.
	Claims, Query, Headers map[string][]string
	Subprotocols           []string
	// Certificates of the client of a connect event.
	Certificates []upstream.ClientCertificate
	// MQTT is the CONNECT packet of an MQTT client's connect event.
	MQTT *mqtt.Connect

	// ContentType and Data of a user event.
	ContentType string
	Data        []byte
	// Metadata of a user event's message.
	Metadata map[string]string
	// UserProperties of an MQTT client's user event.
	UserProperties []mqtt.UserProperty

	// Group of joined and left.
	Group string
	// Reason of disconnected; empty is sent as null.
	Reason string
}

// Content types of the payloads that clients send.
var (
	TypeText   = upstream.ContentType(wire.DataText)
	TypeJSON   = upstream.ContentType(wire.DataJSON)
	TypeBinary = upstream.ContentType(wire.DataBinary)
)

// Allows returns an error unless the kind is one of those that have a member.
func (k Kind) Allows(member string, kinds ...Kind) error {
	if slices.Contains(kinds, k) {
		return nil
	}
	names := make([]string, 0, len(kinds))
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return fmt.Errorf("%s: %s has none, only %s", member, k, strings.Join(names, " and "))
}

// AddClaim adds a claim to those of the client, unless there is one of the name.
func (ev *Event) AddClaim(name, value string) {
	if _, there := ev.Claims[name]; there {
		return
	}
	claims := maps.Clone(ev.Claims)
	if claims == nil {
		claims = make(map[string][]string)
	}
	claims[name] = []string{value}
	ev.Claims = claims
}

// MQTTVersion reads a version of MQTT; empty is none.
func MQTTVersion(text string) (mqtt.Version, error) {
	switch text {
	case "":
		return 0, nil
	case "5", "5.0":
		return mqtt.Version5, nil
	case "3.1.1":
		return mqtt.Version311, nil
	}
	return 0, fmt.Errorf("version %s: want 5.0 or 3.1.1", excerpt.Name(text))
}

// SetMQTT makes the event that of an MQTT client, unless the version is zero. Properties
// are those of the CONNECT packet or of the message.
func (ev *Event) SetMQTT(version mqtt.Version, properties []mqtt.UserProperty) {
	switch {
	case ev.Kind == UserEvent:
		ev.UserProperties = properties
	case ev.Kind == Connect && version != 0:
		ev.MQTT = &mqtt.Connect{ProtocolVersion: version, UserProperties: properties}
		if ev.Subprotocols == nil {
			ev.Subprotocols = []string{wire.SubprotocolMQTT}
		}
	}
}

// Check returns an error unless the service could raise the event. It names the
// member.
func (ev *Event) Check() error {
	if _, err := ParseKind(string(ev.Kind)); err != nil {
		return fmt.Errorf("event %q: %w", ev.Kind, err)
	}
	switch ev.Kind {
	case UserEvent:
		if ev.Name == "" {
			return errors.New("name: a user event needs one")
		}
		if err := rule.CheckEvent(ev.Name); err != nil {
			return fmt.Errorf("name: %w", err)
		}
		if err := rule.CheckMetadata(ev.Metadata); err != nil {
			return err
		}
		for _, p := range ev.UserProperties {
			if !rule.IsToken(p.Name) || !rule.IsHeaderValue(p.Value) {
				return fmt.Errorf("MQTT user property %s: want an HTTP token, and a value of printable ASCII without spaces around it", excerpt.Name(p.Name))
			}
		}
	case Joined, Left:
		if err := rule.AcceptGroup(ev.Group); err != nil {
			return fmt.Errorf("group: %w", err)
		}
	case Connect, Connected, Disconnected:
	}
	return nil
}

// typ returns ce-type and ce-eventName.
func (ev *Event) typ() (typ, name string) {
	switch ev.Kind {
	case UserEvent:
		return wire.TypePrefixUser + ev.Name, ev.Name
	case Joined, Left:
		return wire.TypePrefixGroup + string(ev.Kind), string(ev.Kind)
	default:
		return wire.TypePrefixSystem + string(ev.Kind), string(ev.Kind)
	}
}

// body returns the event's payload and its Content-Type.
func (ev *Event) body(c *Connection) (data []byte, contentType string, err error) {
	var v any
	switch ev.Kind {
	case UserEvent:
		return ev.Data, ev.ContentType, nil
	case Connect:
		in := upstream.ConnectRequest{Claims: ev.Claims, Query: ev.Query, Headers: ev.Headers, Subprotocols: ev.Subprotocols, ClientCertificates: ev.Certificates, MQTT: (*upstream.MQTTConnect)(ev.MQTT)}
		data, err = in.Encode()
		return data, upstream.JSONContentType, err
	case Joined, Left:
		v = upstream.GroupPresence{Group: ev.Group}
	case Disconnected:
		out := upstream.Disconnected{}
		if ev.Reason != "" {
			out.Reason = &ev.Reason
		}
		if c.mqtt() {
			out.MQTT = new(mqtt.Disconnect)
		}
		v = out
	case Connected:
		v = struct{}{}
	}
	data, err = json.Marshal(v)
	return data, upstream.JSONContentType, err
}
