package cli

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/cli/trigger"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

const (
	maxPassword    = 64 << 10
	maxCertificate = 64 << 10
)

// triggerFlags holds the values of the flags.
type triggerFlags struct {
	service target
	output
	hub string

	user, connection, state string
	subprotocols            []string
	claims, query, headers  pairsFlag
	certificates            []string
	mqtt                    string
	mqttProperties          pairsFlag
	mqttUser, mqttPassword  string
	data, json, binary      string
	contentType             string
	metadata                pairsFlag
	group, reason           string

	timeout                  time.Duration
	repeat, concurrency      int
	scenario                 string
	printCurl, showSignature bool
}

// shot is an event that is sent once or many times.
type shot struct {
	target     *trigger.Target
	connection *trigger.Connection
	event      *trigger.Event
}

func (in *triggerFlags) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	in.service.addKeyTo(f)
	f.StringVar(&in.hub, "hub", "chat", "`name` of the hub")
	f.StringVar(&in.user, "user", "", "`id` of the client's user")
	f.StringVar(&in.connection, "connection", "", "`id` of the connection; a new one by default")
	f.StringVar(&in.state, "state", "", "connection `state`: a JSON object, or the text of the header")
	f.StringArrayVar(&in.subprotocols, "subprotocol", nil, "`name` of a subprotocol: those that the client of connect offers, or the one of the connection")
	f.Var(&in.claims, "claim", "connect: claim of the client's token; can be repeated")
	f.Var(&in.query, "query", "connect: parameter of the client's URL; can be repeated")
	in.headers.colon = true
	f.Var(&in.headers, "header", "connect: header of the client's handshake; can be repeated")
	f.StringArrayVar(&in.certificates, "client-certificate", nil, "connect: PEM `file` with the certificate of the client; can be repeated")
	f.StringVar(&in.mqtt, "mqtt", "", "the client speaks MQTT of this `version`: 5.0 (also without a value) or 3.1.1")
	f.Lookup("mqtt").NoOptDefVal = "5.0"
	f.Var(&in.mqttProperties, "mqtt-property", "connect, event: user property of the MQTT packet; can be repeated")
	f.StringVar(&in.mqttUser, "mqtt-username", "", "connect: `name` in the CONNECT packet")
	f.StringVar(&in.mqttPassword, "mqtt-password", "", "connect: `password` in the CONNECT packet; better @FILE")
	f.StringVar(&in.data, "data", "", "event: `text`, - or @FILE, as the payload")
	f.StringVar(&in.json, "json", "", "event: `JSON`, - or @FILE, as the payload")
	f.StringVar(&in.binary, "binary", "", "event: `bytes`, - or @FILE, as the payload")
	alternatives(f, "data", "json", "binary")
	f.StringVar(&in.contentType, "content-type", "", "event: media `type` in place of the payload's own")
	f.Var(&in.metadata, "metadata", "event: metadata of the message; can be repeated")
	f.StringVar(&in.group, "group", "", "joined, left: `name` of the group")
	f.StringVar(&in.reason, "reason", "", "disconnected: `text`")
	f.DurationVar(&in.timeout, "timeout", upstream.EventTimeout, "`time` to wait for the answer")
	f.IntVar(&in.repeat, "repeat", 1, "`number` of times to send the event")
	f.IntVar(&in.concurrency, "concurrency", 1, "`number` of events at a time")
	f.StringVar(&in.scenario, "scenario", "", "`file` with a list of events, - for standard input")
	f.BoolVar(&in.printCurl, "print-curl", false, "print a curl command that sends the event, and do not send it")
	f.BoolVar(&in.showSignature, "yes-show-signature", false, "let --print-curl print a signature by a key that may be secret")
	in.output.addTo(cmd)
}

// check refuses flags that cannot be together.
func (in *triggerFlags) check(cmd *cobra.Command) error {
	if err := alone(cmd, "print-curl", "repeat", "concurrency", "scenario", "output"); err != nil {
		return err
	}
	return alone(cmd, "scenario", append(eventFlags(), "repeat", "concurrency")...)
}

// kindFlags lists the flags that only some events have.
func kindFlags() map[string][]trigger.Kind {
	connect, event := []trigger.Kind{trigger.Connect}, []trigger.Kind{trigger.UserEvent}
	return map[string][]trigger.Kind{
		"claim": connect, "query": connect, "header": connect, "client-certificate": connect, "mqtt-username": connect, "mqtt-password": connect,
		"mqtt-property": {trigger.Connect, trigger.UserEvent},
		"data":          event, "json": event, "binary": event, "content-type": event, "metadata": event,
		"group": {trigger.Joined, trigger.Left}, "reason": {trigger.Disconnected},
	}
}

// eventFlags lists the flags that describe an event.
func eventFlags() []string {
	names := []string{"user", "connection", "state", "subprotocol", "mqtt"}
	for name := range kindFlags() {
		names = append(names, name)
	}
	return names
}

// parse returns the event of arguments and flags.
func (in *triggerFlags) parse(cmd *cobra.Command, args []string) (*shot, error) {
	ev, rest, err := eventOf(args)
	if err != nil {
		return nil, err
	}
	if len(rest) != 1 {
		return nil, usage("want one URL after the event, got %d arguments", len(rest))
	}
	only := kindFlags()
	for _, name := range slices.Sorted(maps.Keys(only)) {
		if cmd.Flags().Changed(name) {
			if err := ev.Kind.Allows("--"+name, only[name]...); err != nil {
				return nil, usage("%w", err)
			}
		}
	}
	out := &shot{event: ev}
	if err := in.describe(cmd, ev); err != nil {
		return nil, err
	}
	if out.connection, err = in.connectionOf(ev); err != nil {
		return nil, err
	}
	if err := ev.Check(); err != nil {
		return nil, usage("%w", flagged(err))
	}
	if err := checkHub(in.hub); err != nil {
		return nil, err
	}
	out.target, err = in.target(cmd, rest[0])
	return out, err
}

// flagged returns an error that begins with a member of an event as one of its flag.
func flagged(err error) error {
	if name, rest, ok := strings.Cut(err.Error(), ": "); ok && name == "group" {
		return errors.New("--" + name + ": " + rest)
	}
	return err
}

// eventOf reads the event of the arguments, and returns those after it.
func eventOf(args []string) (*trigger.Event, []string, error) {
	kind, err := trigger.ParseKind(args[0])
	switch {
	case err != nil:
		return nil, nil, usage("event %s: %w", excerpt.Name(upstream.WithoutSecrets(args[0])), err)
	case kind != trigger.UserEvent:
		return &trigger.Event{Kind: kind}, args[1:], nil
	case len(args) < 3:
		return nil, nil, usage("event: want its name and a URL: event NAME URL")
	}
	return &trigger.Event{Kind: kind, Name: args[1]}, args[2:], nil
}

// describe sets what the flags say about an event.
func (in *triggerFlags) describe(cmd *cobra.Command, ev *trigger.Event) error {
	ev.Claims, ev.Query, ev.Headers = in.claims.values, in.query.values, in.headers.values
	ev.Group, ev.Reason, ev.Metadata = in.group, in.reason, in.metadata.single()
	for _, subprotocol := range in.subprotocols {
		if !rule.IsHeaderValue(subprotocol) {
			return usage("--subprotocol %s: want printable ASCII without spaces around it", excerpt.Name(subprotocol))
		}
	}
	if in.state != "" || cmd.Flags().Changed("state") {
		state := trigger.EncodeState(in.state)
		if !rule.IsHeaderValue(state) {
			return usage("--state: want a JSON object, or printable ASCII as in a header") // it may be secret
		}
		ev.State = &state
	}
	if ev.Kind == trigger.Connect {
		ev.Subprotocols = in.subprotocols
		if in.user != "" {
			ev.AddClaim("sub", in.user)
		}
	}
	if err := in.addCertificates(cmd, ev); err != nil {
		return err
	}
	if err := in.describeMQTT(cmd, ev); err != nil {
		return err
	}
	if ev.Kind == trigger.UserEvent {
		return in.addPayload(cmd, ev)
	}
	return nil
}

// addCertificates adds the client's certificates to a connect event.
func (in *triggerFlags) addCertificates(cmd *cobra.Command, ev *trigger.Event) error {
	for _, file := range in.certificates {
		data, err := readNamed(cmd, file, maxCertificate)
		if err != nil {
			return usage("--client-certificate: %w", err)
		}
		certificate, err := trigger.ClientCertificate(data)
		if err != nil {
			return usage("--client-certificate %s: %w", excerpt.Name(file), err)
		}
		ev.Certificates = append(ev.Certificates, certificate)
	}
	return nil
}

func (in *triggerFlags) describeMQTT(cmd *cobra.Command, ev *trigger.Event) error {
	version, err := trigger.MQTTVersion(in.mqtt)
	if err != nil {
		return usage("--mqtt: %w", err)
	}
	var properties []mqtt.UserProperty
	for _, pair := range in.mqttProperties.list {
		properties = append(properties, mqtt.UserProperty{Name: pair[0], Value: pair[1]})
	}
	ev.SetMQTT(version, properties)
	if version == 0 {
		if len(properties) > 0 || in.mqttUser != "" || in.mqttPassword != "" {
			return usage("--mqtt-property, --mqtt-username and --mqtt-password: want --mqtt beside them")
		}
		return nil
	}
	if ev.MQTT == nil {
		return nil
	}
	if in.mqttUser != "" {
		ev.MQTT.Username = &in.mqttUser
	}
	if in.mqttPassword != "" {
		if ev.MQTT.Password, err = readArgument(cmd, in.mqttPassword, maxPassword); err != nil {
			return usage("--mqtt-password: %w", err)
		}
	}
	return nil
}

func (in *triggerFlags) addPayload(cmd *cobra.Command, ev *trigger.Event) error {
	name, argument := "data", in.data
	ev.ContentType = trigger.TypeText
	switch {
	case in.json != "":
		name, argument, ev.ContentType = "json", in.json, trigger.TypeJSON
	case in.binary != "":
		name, argument, ev.ContentType = "binary", in.binary, trigger.TypeBinary
	}
	var err error
	if ev.Data, err = readArgument(cmd, argument, trigger.MaxData); err != nil {
		return usage("--%s: %w", name, err)
	}
	if name == "json" && !json.Valid(ev.Data) {
		return usage("--json: not JSON; text is --data")
	}
	if in.contentType != "" || cmd.Flags().Changed("content-type") {
		if !rule.IsHeaderValue(in.contentType) {
			return usage("--content-type %s: want printable ASCII without spaces around it", excerpt.Name(in.contentType))
		}
		ev.ContentType = in.contentType
	}
	return nil
}

// connectionOf returns the connection of an event.
func (in *triggerFlags) connectionOf(ev *trigger.Event) (*trigger.Connection, error) {
	if err := rule.CheckUser(in.user); err != nil {
		return nil, usage("--user: %w", err)
	}
	if !rule.IsHeaderValue(in.connection) {
		return nil, usage("--connection %s: want printable ASCII without spaces around it", excerpt.Name(in.connection))
	}
	c := trigger.NewConnection(in.connection, in.user)
	if ev.Kind != trigger.Connect {
		if len(in.subprotocols) > 1 {
			return nil, usage("--subprotocol: %s is of a connection that has one, got %d", ev.Kind, len(in.subprotocols))
		}
		c.Subprotocol = strings.Join(in.subprotocols, "")
	}
	if in.mqtt != "" {
		c.SpeakMQTT()
	}
	return c, nil
}
