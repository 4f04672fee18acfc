package webpubsub

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// answer checks and encodes the reply to a connect event.
func (r *ConnectReply) answer(ev *ConnectEvent) (answer, error) {
	if err := r.check(ev); err != nil {
		return answer{}, fmt.Errorf("connect reply: %w", err)
	}
	var out answer
	var err error
	if out.state, out.setState, err = r.State.header(&ev.Meta); err != nil {
		return answer{}, fmt.Errorf("connect reply: %w", err)
	}
	if out.data = r.body(); out.data != nil {
		out.contentType = contentJSON
	}
	return out, nil
}

// body returns the answer's JSON, nil if the reply changes nothing. An absent member keeps
// the value of the client's token.
func (r *ConnectReply) body() []byte {
	var b []byte
	if r.UserID != "" || r.ClearUserID {
		b = jsonscan.AppendQuoted(appendMember(b, "userId"), r.UserID)
	}
	if r.Groups != nil {
		b = appendTexts(appendMember(b, "groups"), r.Groups)
	}
	if r.Roles != nil || r.RawRoles != nil {
		b = appendTexts(appendMember(b, "roles"), r.Roles, r.RawRoles)
	}
	if r.Subprotocol != "" {
		b = jsonscan.AppendQuoted(appendMember(b, "subprotocol"), r.Subprotocol)
	}
	if len(r.MQTTUserProperties) > 0 {
		b = append(appendMember(b, "mqtt"), `{"userProperties":`...)
		b = append(appendProperties(b, r.MQTTUserProperties), '}')
	}
	if b == nil {
		return nil
	}
	return append(b, '}')
}

// appendMember appends the name of a member. Before the first it appends the brace of the
// object.
func appendMember(b []byte, name string) []byte {
	if b == nil {
		b = append(make([]byte, 0, 128), '{')
	} else {
		b = append(b, ',')
	}
	return append(jsonscan.AppendQuoted(b, name), ':')
}

// appendTexts appends the strings of all lists as one array.
func appendTexts(b []byte, lists ...[]string) []byte {
	b = append(b, '[')
	from := len(b)
	for _, list := range lists {
		for _, text := range list {
			if len(b) > from {
				b = append(b, ',')
			}
			b = jsonscan.AppendQuoted(b, text)
		}
	}
	return append(b, ']')
}

func appendProperties(b []byte, properties []mqtt.UserProperty) []byte {
	b = append(b, '[')
	for i, p := range properties {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsonscan.AppendQuoted(append(b, `{"name":`...), p.Name)
		b = jsonscan.AppendQuoted(append(b, `,"value":`...), p.Value)
		b = append(b, '}')
	}
	return append(b, ']')
}

func (r *ConnectReply) check(ev *ConnectEvent) error {
	if r.ClearUserID && r.UserID != "" {
		return errors.New("both UserID and ClearUserID are set")
	}
	if err := rule.CheckUser(r.UserID); err != nil {
		return fmt.Errorf("UserID: %w", err)
	}
	for i, g := range r.Groups {
		if err := rule.CheckGroup(g); err != nil {
			return fmt.Errorf("Groups[%d]: %w", i, err)
		}
	}
	if err := rule.CheckRoles(r.Roles); err != nil {
		return err
	}
	if err := rule.CheckRawRoles(r.RawRoles); err != nil {
		return err
	}
	if len(r.MQTTUserProperties) > 0 && ev.MQTT == nil {
		return errors.New("MQTTUserProperties are set, but the client is not an MQTT client")
	}
	switch {
	case r.Subprotocol == "" || slices.Contains(ev.Subprotocols, r.Subprotocol):
		return nil
	case ev.MQTT != nil && r.Subprotocol == wire.SubprotocolMQTT:
		return nil
	}
	return fmt.Errorf("Subprotocol %q is not one that the client offered, which are %q; leave it empty to let the service choose", excerpt.Short(r.Subprotocol), excerpt.Short(strings.Join(ev.Subprotocols, ", ")))
}
