package upstream

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// ConnectAnswer is a successful answer to a connect event, as it stands on the
// wire: nil is a member that is absent or null.
type ConnectAnswer struct {
	UserID             *string
	Groups             []string
	Roles              []string
	Subprotocol        *string
	MQTTUserProperties []mqtt.UserProperty
}

// Grant is what a connection has: what its client's token says until a
// [ConnectAnswer] changes it.
type Grant struct {
	UserID string
	Groups []string
	Roles  []string
}

// InvalidAnswerError is a successful answer that the service cannot use. It
// counts as a failure.
type InvalidAnswerError struct {
	// Reason names the part of the answer and the rule it breaks.
	Reason string
}

// Error returns the reason.
func (e *InvalidAnswerError) Error() string { return "invalid answer: " + e.Reason }

func invalid(format string, args ...any) error {
	return &InvalidAnswerError{Reason: fmt.Sprintf(format, args...)}
}

// DecodeConnect reads the body of a successful answer to a connect event. Its
// Content-Type does not matter; an empty body and null change nothing. The error
// is an [*InvalidAnswerError].
func DecodeConnect(answer *Answer) (*ConnectAnswer, error) {
	if len(answer.Body) == 0 {
		return new(ConnectAnswer), nil
	}
	var body *struct {
		UserID      *string   `json:"userId"`
		Groups      []*string `json:"groups"`
		Roles       []*string `json:"roles"`
		Subprotocol *string   `json:"subprotocol"`
		MQTT        *struct {
			UserProperties []mqtt.UserProperty `json:"userProperties"`
		} `json:"mqtt"`
	}
	if err := json.Unmarshal(answer.Body, &body); err != nil {
		return nil, invalid("the body is not the JSON of a connect answer: %v", err)
	}
	if body == nil {
		return new(ConnectAnswer), nil
	}
	out := &ConnectAnswer{UserID: body.UserID, Subprotocol: body.Subprotocol}
	if body.Groups != nil {
		out.Groups = make([]string, len(body.Groups))
	}
	for i, g := range body.Groups {
		switch {
		case g == nil:
			return nil, invalid("groups[%d] is null", i)
		case !rule.IsGroup(*g):
			return nil, invalid("groups[%d] is %s, want 1 to %d characters, not blank", i, excerpt.Name(*g), wire.MaxGroupName)
		}
		out.Groups[i] = *g
	}
	if body.Roles != nil {
		out.Roles = make([]string, len(body.Roles))
	}
	for i, r := range body.Roles {
		if r == nil {
			return nil, invalid("roles[%d] is null", i)
		}
		out.Roles[i] = *r
	}
	if body.MQTT != nil {
		out.MQTTUserProperties = body.MQTT.UserProperties
	}
	return out, nil
}

// Apply changes a grant as the answer says: a user id, even an empty one,
// replaces the token's; a list of groups replaces unless it is empty; a list of
// roles replaces even if it is.
func (a *ConnectAnswer) Apply(g Grant) Grant {
	if a.UserID != nil {
		g.UserID = *a.UserID
	}
	if len(a.Groups) > 0 {
		g.Groups = slices.Clone(a.Groups)
	}
	if a.Roles != nil {
		g.Roles = slices.Clone(a.Roles)
	}
	return g
}

// Negotiate returns the subprotocol of a connection: the one that the answer
// chose, or else the first of the service's own among those offered, or none.
// The error is an [*InvalidAnswerError].
func (a *ConnectAnswer) Negotiate(offered []string) (string, error) {
	if a.Subprotocol != nil {
		switch {
		case *a.Subprotocol == "":
			return "", invalid("subprotocol is empty; an answer that chooses none leaves the member out")
		case !slices.Contains(offered, *a.Subprotocol):
			return "", invalid("subprotocol %q was not offered; the client's handshake would fail", excerpt.Cut(*a.Subprotocol, maxText))
		}
		return *a.Subprotocol, nil
	}
	for _, p := range offered {
		if isServiceSubprotocol(p) {
			return p, nil
		}
	}
	return "", nil
}

func isServiceSubprotocol(p string) bool {
	switch p {
	case wire.SubprotocolJSON, wire.SubprotocolJSONReliable, wire.SubprotocolMQTT,
		wire.SubprotocolProtobuf, wire.SubprotocolProtobufReliable:
		return true
	}
	return false
}
