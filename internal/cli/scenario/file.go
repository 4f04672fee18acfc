package scenario

import (
	"errors"
	"fmt"

	"github.com/go-webpubsub/webpubsub/internal/cli/strictyaml"
)

// Limits of a file.
const (
	MaxBytes = 1 << 20
	MaxSteps = 1000
)

// Scenario is a list of steps.
type Scenario struct{ steps []step }

// step is an event and what is expected of its answer. Names in lists and mappings are
// those of the command's flags.
type step struct {
	Trigger string `yaml:"trigger"`
	Name    string `yaml:"name"`

	Connection string `yaml:"connection"`
	User       string `yaml:"user"`
	State      any    `yaml:"state"`
	MQTT       string `yaml:"mqtt"`

	Claims       map[string]texts `yaml:"claims"`
	Query        map[string]texts `yaml:"query"`
	Headers      map[string]texts `yaml:"headers"`
	Subprotocols []string         `yaml:"subprotocols"`

	Data           string            `yaml:"data"`
	JSON           any               `yaml:"json"`
	Binary         string            `yaml:"binary"`
	ContentType    string            `yaml:"contentType"`
	Metadata       map[string]string `yaml:"metadata"`
	MQTTProperties []property        `yaml:"mqttProperties"`

	Group  string `yaml:"group"`
	Reason string `yaml:"reason"`

	Expect expectation       `yaml:"expect"`
	Save   map[string]string `yaml:"save"`
}

// property is a user property of MQTT.
type property struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

// expectation is what a step expects. Members that are left out are not compared.
type expectation struct {
	Status int `yaml:"status"` // zero: any answer that the service can use
	Reply  any `yaml:"reply"`
	// ReplyHas is a part of a JSON reply: other members of objects are not compared.
	ReplyHas any  `yaml:"replyHas"`
	NoReply  bool `yaml:"noReply"`
	State    any  `yaml:"state"`
	NoState  bool `yaml:"noState"`
}

// texts is a list of texts, or one text.
type texts []string

// UnmarshalYAML decodes a text or a list of them.
func (t *texts) UnmarshalYAML(decode func(any) error) error {
	var one string
	if decode(&one) == nil {
		*t = texts{one}
		return nil
	}
	return decode((*[]string)(t))
}

// Parse reads a scenario in YAML or JSON. Errors name the line, or the step and its
// member.
func Parse(data []byte) (*Scenario, error) {
	var out Scenario
	if err := strictyaml.Decode(data, &out.steps); err != nil {
		return nil, err
	}
	if err := refuseNull(data); err != nil {
		return nil, err
	}
	switch n := len(out.steps); {
	case n == 0:
		return nil, errors.New("no steps, want a list of them")
	case n > MaxSteps:
		return nil, fmt.Errorf("%d steps, want at most %d", n, MaxSteps)
	}
	known := carried{connectionVariable: ""}
	for i := range out.steps {
		s := &out.steps[i]
		if err := s.check(known); err != nil {
			return nil, fmt.Errorf("step %d, %s: %w", i+1, s.title(), err)
		}
		for name := range s.Save {
			known[name] = ""
		}
	}
	return &out, nil
}

// Len returns the number of steps.
func (s *Scenario) Len() int { return len(s.steps) }

// refuseNull refuses expectations that the decoder takes for absent ones.
func refuseNull(data []byte) error {
	var steps []struct {
		Expect map[string]any `yaml:"expect"`
	}
	if err := strictyaml.DecodeKnown(data, &steps); err != nil {
		return err
	}
	for i, s := range steps {
		for name, instead := range map[string]string{"reply": "noReply: true", "replyHas": "noReply: true", "state": "noState: true", "status": "a number"} {
			if v, there := s.Expect[name]; there && v == nil {
				return fmt.Errorf("step %d: expect.%s is null, want %s", i+1, name, instead)
			}
		}
	}
	return nil
}
