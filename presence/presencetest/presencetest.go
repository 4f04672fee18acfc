package presencetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/presence"
)

// RuleError is a rule of [presence.Store] that a store breaks.
type RuleError struct {
	// Rule is the rule.
	Rule string
	// Got is what the store did instead.
	Got string
	// Reason is what goes wrong in a tracker with such a store.
	Reason string
}

// Error returns the rule, what the store did, and the reason for the rule.
func (e *RuleError) Error() string {
	return fmt.Sprintf("presencetest: %s: %s (%s)", e.Rule, e.Got, e.Reason)
}

// TestStore checks that a store keeps the rules of [presence.Store]. It returns nil, or
// joined errors, a [*RuleError] for each broken rule. The store needs room for 2,000
// connections, 300 groups of a connection, and 3,000 members of groups.
//
// advance moves the clock of the store forward by exactly d, and expires what has to: a fake
// clock, or that of a fake server. time.Sleep does, too, if the machine is not busy: in all
// it is asked for less than a minute.
//
// The stores are handles of the same data, like those of several processes. TestStore uses
// them in turn. One is enough if it is not shared. The data may have other hubs, which
// TestStore does not touch. It leaves its own to expire.
func TestStore(ctx context.Context, advance func(d time.Duration), stores ...presence.Store) error {
	if len(stores) == 0 {
		return errors.New("presencetest: no store given")
	}
	if advance == nil {
		return errors.New("presencetest: advance is nil")
	}
	var failures []error
	for _, rules := range [][]rule{eventRules, sessionRules, readRules, leaseRules, repairRules} {
		for _, r := range rules {
			p := &probe{ctx: ctx, stores: stores, advance: advance, hub: "presencetest" + strings.ToLower(rand.Text())}
			r.run(p)
			if p.got != "" {
				failures = append(failures, &RuleError{Rule: r.rule, Got: p.got, Reason: r.reason})
			}
		}
	}
	return errors.Join(failures...)
}

// rule is a rule of the documentation of Store.
type rule struct {
	rule, reason string
	run          func(p *probe)
}
