package deduptest

import (
	"fmt"
	"strings"
	"sync"

	"github.com/go-webpubsub/webpubsub"
)

const (
	granted = webpubsub.ClaimGranted
	again   = webpubsub.ClaimAgain
	running = webpubsub.ClaimRunning
)

var lost = webpubsub.ErrClaimLost

// rule is a rule of the documentation of DeduplicationStore.
type rule struct {
	rule, reason string
	run          func(p *probe)
}

var rules = []rule{
	{
		"Begin claims a free key, and the claim keeps all others out",
		"an event would be handled twice at the same time",
		func(p *probe) {
			p.begins("a", granted)
			p.begins("b", running)
			p.begins("c", running)
			p.beginsKey(p.key+"-", "b", granted)
			p.beginsKey(strings.ToLower(p.key), "b", granted)
		},
	},
	{
		"of concurrent calls of Begin, one claims the key",
		"an event whose deliveries overlap would be handled twice",
		oneOfMany,
	},
	{
		"Begin by the holder of a claim is granted",
		"a call that is repeated after a network error would lock its own handler out",
		func(p *probe) {
			p.begins("a", granted)
			p.begins("a", granted)
			p.begins("b", running)
		},
	},
	{
		"Begin by the holder of a claim renews its lease",
		"a function that runs for longer than a lease would lose its claim",
		func(p *probe) {
			p.begins("a", granted)
			p.advance(lease * 2 / 3)
			p.begins("a", granted)
			p.advance(lease * 2 / 3)
			p.begins("b", running)
			p.finishes("a", "answer", nil)
		},
	},
	{
		"Begin by others does not renew a lease",
		"an event whose process has ended would never be handled again",
		func(p *probe) {
			p.begins("a", granted)
			p.advance(lease * 2 / 3)
			p.begins("b", running)
			p.advance(lease * 2 / 3)
			p.begins("b", granted)
		},
	},
	{
		"a claim expires with its lease",
		"an event whose process has ended would never be handled again",
		func(p *probe) {
			p.begins("a", granted)
			p.advance(lease + lease/3)
			p.begins("b", granted)
		},
	},
	{
		"Finish stores the answer for Begin, any bytes and none",
		"a repeat would get another answer than the event",
		func(p *probe) {
			for _, answer := range []string{"", "\x00", "answer", "\xff\x00\n\r", strings.Repeat("long", 1<<16)} {
				p.key += "."
				p.begins("a", granted)
				p.finishes("a", answer, nil)
				p.answers(answer)
				p.answers(answer)
			}
		},
	},
	{
		"Begin by the claim that has finished a key returns the answer",
		"a renewal that is late would claim the event again",
		func(p *probe) {
			p.begins("a", granted)
			p.finishes("a", "answer", nil)
			p.begins("a", webpubsub.ClaimDone)
			p.answers("answer")
		},
	},
	{
		"an answer outlives the lease, and expires with its TTL",
		"a repeat would be handled again, or the store would fill up",
		func(p *probe) {
			p.begins("a", granted)
			p.finishes("a", "answer", nil)
			p.advance(ttl * 2 / 3)
			p.answers("answer")
			p.advance(ttl * 2 / 3)
			p.begins("b", granted)
		},
	},
	{
		"Finish and Abandon do not touch the claim of another",
		"a process that has lost its claim would end that of its successor",
		func(p *probe) {
			p.begins("a", granted)
			p.finishes("b", "wrong", lost)
			p.abandons("b", lost)
			p.begins("b", running)
			p.finishes("a", "answer", nil)
		},
	},
	{
		"a claim that has expired and was replaced is lost",
		"a process that had stopped for a while would answer for its successor",
		func(p *probe) {
			p.begins("a", granted)
			p.advance(lease + lease/3)
			p.begins("b", granted)
			p.begins("a", running)
			p.abandons("a", lost)
			p.finishes("a", "wrong", lost)
			p.finishes("b", "answer", nil)
			p.finishes("a", "wrong", lost)
			p.answers("answer")
		},
	},
	{
		"Finish and Abandon do not touch an answer",
		"repeats would get different answers, or be handled again",
		func(p *probe) {
			p.begins("a", granted)
			p.finishes("a", "answer", nil)
			p.finishes("b", "wrong", lost)
			p.abandons("b", lost)
			p.abandons("a", lost)
			p.answers("answer")
		},
	},
	{
		"Finish and Abandon can be repeated",
		"a call that is repeated after a network error would report a lost claim",
		func(p *probe) {
			p.begins("a", granted)
			p.finishes("a", "answer", nil)
			p.finishes("a", "answer", nil)
			p.finishes("a", "wrong", nil)
			p.answers("answer")
			p.key += "."
			p.begins("a", granted)
			p.abandons("a", nil)
			p.abandons("a", nil)
			p.begins("b", again, granted)
		},
	},
	{
		"Finish stores the answer of a claim that has expired and was not replaced",
		"an event that took longer than its lease would be handled again",
		func(p *probe) {
			p.begins("a", granted)
			p.advance(lease + lease/3)
			p.finishes("a", "answer", nil)
			p.answers("answer")
		},
	},
	{
		"Abandon frees the key for the next claim",
		"an event that failed could not be handled again",
		func(p *probe) {
			p.begins("a", granted)
			p.abandons("a", nil)
			p.begins("b", again, granted)
			p.begins("c", running)
			p.abandons("a", lost)
			p.finishes("b", "answer", nil)
			p.answers("answer")
		},
	},
	{
		"Abandon of a free key changes nothing",
		"an event that failed after its lease could not be handled again",
		func(p *probe) {
			p.abandons("a", nil)
			p.begins("a", granted, again)
			p.advance(lease + lease/3)
			p.abandons("a", nil)
			p.begins("b", granted, again)
		},
	},
	{
		"the claim after Abandon has a lease of its own",
		"an event that failed once and whose process ended then would never be handled again",
		func(p *probe) {
			p.begins("a", granted)
			p.abandons("a", nil)
			p.begins("b", again, granted)
			p.advance(lease + lease/3)
			p.begins("c", granted, again)
		},
	},
}

// oneOfMany calls Begin from many goroutines. Its keys and claims are as long as any, and
// differ at their ends.
func oneOfMany(p *probe) {
	const goroutines, rounds, longest = 16, 8, 64
	for round := range rounds {
		key := fmt.Sprintf("%s._%0*d", p.key, longest-len(p.key)-2, round)
		var group sync.WaitGroup
		states := make([]webpubsub.ClaimState, goroutines)
		start := make(chan struct{})
		for i := range goroutines {
			store := p.store()
			group.Go(func() {
				<-start
				states[i], _, _ = store.Begin(p.ctx, key, fmt.Sprintf("Claim%0*d", longest-5, round*goroutines+i), lease)
			})
		}
		close(start)
		group.Wait()
		claims := 0
		for _, s := range states {
			switch s {
			case granted, again:
				claims++
			case running:
			default:
				p.failf("one of %d calls returns %v", goroutines, s)
			}
		}
		if claims != 1 {
			p.failf("%d of %d calls are granted", claims, goroutines)
		}
	}
}
