package scenario

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/go-webpubsub/webpubsub/internal/cli/trigger"
)

// Played is a step that was played.
type Played struct {
	// Number of the step, from 1.
	Number int
	// Title is the step's event.
	Title  string
	Result *trigger.Result
	// Unmet expectations; the step has passed if there are none.
	Unmet []Unmet
}

// Play sends the events one after the other and reports each step. Steps with the same
// connection, or without one, are of the same connection: its id, user id, state and
// cookies go on from step to step, and a connect event starts a new one. Play ends with
// the first step that does not meet its expectations, and returns the number of steps
// that did.
func (s *Scenario) Play(ctx context.Context, target *trigger.Target, report func(*Played)) (passed int, err error) {
	connections := make(map[string]*trigger.Connection)
	values := make(carried)
	for i := range s.steps {
		if err := ctx.Err(); err != nil {
			return i, err
		}
		played, err := s.steps[i].play(ctx, target, connections, values)
		if err != nil {
			return i, fmt.Errorf("step %d, %s: %w", i+1, s.steps[i].title(), err)
		}
		if err := ctx.Err(); err != nil {
			return i, err
		}
		played.Number = i + 1
		report(played)
		if len(played.Unmet) > 0 {
			return i, nil
		}
	}
	return len(s.steps), nil
}

// play sends the event of a step.
func (s *step) play(ctx context.Context, target *trigger.Target, connections map[string]*trigger.Connection, values carried) (*Played, error) {
	name, err := expand(&step{Connection: s.Connection}, values)
	if err != nil {
		return nil, err
	}
	c := connections[name.Connection]
	if c == nil || s.Trigger == string(trigger.Connect) {
		c = trigger.NewConnection(name.Connection, "")
		connections[name.Connection] = c
	}
	values[connectionVariable] = c.ID
	now, err := expand(s, values)
	if err != nil {
		return nil, err
	}
	if now.User != "" {
		c.UserID = now.User
	}
	ev, err := now.event()
	if err != nil {
		return nil, err
	}
	if ev.MQTT != nil || now.MQTT != "" {
		c.SpeakMQTT()
	}
	if ev.Kind == trigger.Connect && c.UserID != "" {
		ev.AddClaim("sub", c.UserID)
	}
	result, err := target.Send(ctx, c, ev)
	if err != nil {
		return nil, err
	}
	out := &Played{Title: now.title(), Result: result, Unmet: now.Expect.unmet(result)}
	if len(out.Unmet) > 0 {
		return out, nil
	}
	for _, name := range slices.Sorted(maps.Keys(now.Save)) {
		value, err := at(result.Reply, now.Save[name])
		if err != nil {
			out.Unmet = append(out.Unmet, Unmet{"save." + name, "a value at " + now.Save[name], err.Error()})
			continue
		}
		values[name] = value
	}
	return out, nil
}
