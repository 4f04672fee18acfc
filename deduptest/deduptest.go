package deduptest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-webpubsub/webpubsub"
)

// RuleError is a rule of [webpubsub.DeduplicationStore] that a store breaks.
type RuleError struct {
	// Rule is the rule.
	Rule string
	// Got is what the store did instead.
	Got string
	// Reason is what goes wrong in a handler with such a store.
	Reason string
}

// Error returns the rule, what the store did, and the reason for the rule.
func (e *RuleError) Error() string {
	return fmt.Sprintf("deduptest: %s: %s (%s)", e.Rule, e.Got, e.Reason)
}

// TestStore checks that a store keeps the rules of [webpubsub.DeduplicationStore]. It
// returns nil, or joined errors, a [*RuleError] for each broken rule.
//
// advance moves the clock of the store forward by exactly d, and expires what has to: a fake
// clock, or that of a fake server. time.Sleep does, too, if the machine is not busy: in all
// it is asked for less than a minute.
//
// The stores are handles of the same data, like those of several processes. TestStore uses
// them in turn. One is enough if it is not shared. The data may have other keys, which
// TestStore does not touch. It leaves its own to expire.
func TestStore(ctx context.Context, advance func(d time.Duration), stores ...webpubsub.DeduplicationStore) error {
	if len(stores) == 0 {
		return errors.New("deduptest: no store given")
	}
	if advance == nil {
		return errors.New("deduptest: advance is nil")
	}
	var failures []error
	for _, r := range rules {
		p := &probe{ctx: ctx, stores: stores, advance: advance, key: "deduptest-" + rand.Text()}
		r.run(p)
		if p.got != "" {
			failures = append(failures, &RuleError{Rule: r.rule, Got: p.got, Reason: r.reason})
		}
	}
	return errors.Join(failures...)
}

// Times of the tests. They are as short as a handler allows.
const (
	lease = time.Second
	ttl   = 3 * time.Second
)

// probe calls the stores for one rule, and keeps the first result that is wrong.
type probe struct {
	ctx     context.Context //nolint:containedctx // of the call of TestStore
	stores  []webpubsub.DeduplicationStore
	calls   int
	advance func(time.Duration)
	key     string
	got     string
}

// store returns the next handle.
func (p *probe) store() webpubsub.DeduplicationStore {
	p.calls++
	return p.stores[p.calls%len(p.stores)]
}

func (p *probe) failf(format string, args ...any) {
	if p.got == "" {
		p.got = fmt.Sprintf(format, args...)
	}
}

// begins calls Begin and wants one of the states.
func (p *probe) begins(claim string, want ...webpubsub.ClaimState) []byte {
	return p.beginsKey(p.key, claim, want...)
}

func (p *probe) beginsKey(key, claim string, want ...webpubsub.ClaimState) []byte {
	state, answer, err := p.store().Begin(p.ctx, key, claim, lease)
	if err != nil {
		p.failf("Begin of claim %q: %v", claim, err)
		return nil
	}
	if slices.Contains(want, state) {
		return answer
	}
	p.failf("Begin of claim %q returns %v, want %v", claim, state, want[0])
	return nil
}

// answers calls Begin and wants an answer.
func (p *probe) answers(want string) {
	got := p.begins("late", webpubsub.ClaimDone)
	if p.got == "" && string(got) != want {
		p.failf("Begin returns the answer %q, want %q", got, want)
	}
}

// finishes calls Finish and wants an error, or nil.
func (p *probe) finishes(claim, answer string, want error) {
	p.is(fmt.Sprintf("Finish of claim %q", claim), p.store().Finish(p.ctx, p.key, claim, []byte(answer), ttl), want)
}

// abandons calls Abandon and wants an error, or nil.
func (p *probe) abandons(claim string, want error) {
	p.is(fmt.Sprintf("Abandon of claim %q", claim), p.store().Abandon(p.ctx, p.key, claim, ttl), want)
}

func (p *probe) is(what string, got, want error) {
	if !errors.Is(got, want) {
		p.failf("%s returns the error %v, want %v", what, got, want)
	}
}
