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

// ConnectAnswer is a successful answer to a connect event. A nil field means that
// the member is absent or null.
type ConnectAnswer struct {
	UserID             *string
	Groups             []string
	Roles              []string
	Subprotocol        *string
	MQTTUserProperties []mqtt.UserProperty
}

// Grant holds the rights of a connection: those of its client's token, which a
// [ConnectAnswer] can change.
type Grant struct {
	UserID string
	Groups []string
	Roles  []string
}

// InvalidAnswerError reports an answer with a 2xx status that the service cannot
// use. The event counts as failed.
type InvalidAnswerError struct {
	// Reason names the part of the answer and the rule it breaks.
	Reason string
}

// Error returns the reason.
func (e *InvalidAnswerError) Error() string { return "invalid answer: " + e.Reason }

func invalid(format string, args ...any) error {
	return &InvalidAnswerError{Reason: fmt.Sprintf(format, args...)}
}

// connectBody is the body of a connect answer. The elements of lists are pointers,
// so that null is an error.
type connectBody struct {
	UserID      *string   `json:"userId"`
	Groups      []*string `json:"groups"`
	Roles       []*string `json:"roles"`
	Subprotocol *string   `json:"subprotocol"`
	MQTT        struct {
		UserProperties []mqtt.UserProperty `json:"userProperties"`
	} `json:"mqtt"`
}

// DecodeConnect decodes the body of a successful answer to a connect event. It
// ignores the Content-Type; an empty body and null change nothing. The error is an
// [*InvalidAnswerError].
func DecodeConnect(answer *Answer) (*ConnectAnswer, error) {
	if len(answer.Body) == 0 {
		return new(ConnectAnswer), nil
	}
	var body connectBody
	if err := json.Unmarshal(answer.Body, &body); err != nil {
		return nil, invalid("the body is not the JSON of a connect answer: %v", err)
	}
	if body.UserID != nil {
		if err := rule.CheckUser(*body.UserID); err != nil {
			return nil, invalid("userId: %v", err)
		}
	}
	out := &ConnectAnswer{UserID: body.UserID, Subprotocol: body.Subprotocol, MQTTUserProperties: body.MQTT.UserProperties}
	if body.Groups != nil {
		out.Groups = make([]string, len(body.Groups))
	}
	for i, g := range body.Groups {
		if g == nil {
			return nil, invalid("groups[%d] is null", i)
		}
		if err := rule.AcceptGroup(*g); err != nil {
			return nil, invalid("groups[%d]: %v", i, err)
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
	return out, nil
}

// Apply returns the grant with the answer's changes. A user id, even an empty one,
// replaces the token's. A list of groups replaces the token's unless it is empty; a
// list of roles even if it is empty.
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

// Negotiate returns the subprotocol of a connection: the answer's choice, else the
// first offered one that is the service's own, else none. The error is an
// [*InvalidAnswerError].
func (a *ConnectAnswer) Negotiate(offered []string) (string, error) {
	if a.Subprotocol != nil {
		switch {
		case *a.Subprotocol == "":
			return "", invalid("subprotocol is empty; leave the member out to choose none")
		case !slices.Contains(offered, *a.Subprotocol):
			return "", invalid("subprotocol %q was not offered by the client, so its handshake would fail", excerpt.Short(*a.Subprotocol))
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
