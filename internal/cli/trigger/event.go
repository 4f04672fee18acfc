package trigger

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// Kinds lists all kinds in the order in which a connection raises them.
func Kinds() []Kind { return []Kind{Connect, Connected, UserEvent, Joined, Left, Disconnected} }

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

// Check returns an error unless the service could raise the event. It names the
// member.
func (ev *Event) Check() error {
	if !slices.Contains(Kinds(), ev.Kind) {
		return fmt.Errorf("event %q: want one of %s", ev.Kind, kindNames())
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

func kindNames() string {
	names := make([]string, 0, len(Kinds()))
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
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
		in := upstream.ConnectRequest{Claims: ev.Claims, Query: ev.Query, Headers: ev.Headers, Subprotocols: ev.Subprotocols, MQTT: (*upstream.MQTTConnect)(ev.MQTT)}
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
