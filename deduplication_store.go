package webpubsub

import (
	"context"
	"errors"
	"time"
)

// DeduplicationStore remembers which events are being handled, and the answers to those
// that were. It is the Store of a [Deduplication]. Implementations are safe for
// concurrent use. Package [github.com/go-webpubsub/webpubsub/deduptest] tests them.
//
// A store is a map with expiry. A key is free, claimed or finished:
//
//   - A free key has no value. It may be marked as abandoned.
//   - A claimed key has a claim, and becomes free when its lease ends.
//   - A finished key has an answer and the claim that stored it, and becomes free when its
//     TTL ends.
//
// Each call is atomic: no call of another process comes between its comparison and its
// change. Each call has a deadline of a few seconds, and is not canceled with its
// request. If a call returns an error other than [ErrClaimLost], the handler does not
// know whether it took effect. A store may repeat a call whose result was lost on the
// network: it then gets the same result, unless another claim came between.
//
// Keys are at most 64 ASCII letters, digits, dots, hyphens and underscores, claims at
// most 64 letters and digits. No two claims are equal. Answers are bytes, up to
// [Deduplication.MaxAnswerBytes] long, and contain what clients receive: protect the store
// like the handler. Store and caller do not modify an answer after passing it.
type DeduplicationStore interface {
	// Begin claims a key for the time of a lease, from now.
	//
	//   - If the key is free or claimed by claim, it is then claimed by claim until the
	//     lease ends, even if its previous lease was to end later. Begin returns
	//     ClaimGranted, or ClaimAgain if the key was free and marked as abandoned.
	//   - If the key is claimed by another claim, Begin changes nothing and returns
	//     ClaimRunning.
	//   - If the key is finished, Begin changes nothing and returns ClaimDone and the
	//     answer.
	//
	// The handler renews a claim by calling Begin again.
	Begin(ctx context.Context, key, claim string, lease time.Duration) (state ClaimState, answer []byte, err error)

	// Finish stores an answer for the time of a TTL, from now.
	//
	//   - If the key is claimed by claim, or is free since its lease ended, it is then
	//     finished.
	//   - If the key is finished by claim, Finish changes nothing and returns nil: an
	//     earlier call took effect, and its result was lost on the network.
	//   - If the key is claimed or finished by another claim, Finish changes nothing and
	//     returns [ErrClaimLost].
	Finish(ctx context.Context, key, claim string, answer []byte, ttl time.Duration) error

	// Abandon frees a key.
	//
	//   - If the key is claimed by claim, it is then free, and marked as abandoned for the
	//     time of a TTL, from now. The mark is for Begin; a store may do without it.
	//   - If the key is free, Abandon changes nothing.
	//   - If the key is claimed by another claim or finished, Abandon changes nothing and
	//     returns [ErrClaimLost].
	Abandon(ctx context.Context, key, claim string, ttl time.Duration) error
}

// ClaimState is the result of [DeduplicationStore.Begin]. Its zero value is invalid.
type ClaimState uint8

// The results of Begin.
const (
	// ClaimGranted means that the caller holds the claim and handles the event.
	ClaimGranted ClaimState = iota + 1
	// ClaimAgain is ClaimGranted for a key that an earlier claim has abandoned.
	ClaimAgain
	// ClaimRunning means that another claim holds the key.
	ClaimRunning
	// ClaimDone means that the key has an answer.
	ClaimDone
)

// String returns the name of the state.
func (s ClaimState) String() string {
	switch s {
	case ClaimGranted:
		return "granted"
	case ClaimAgain:
		return "again"
	case ClaimRunning:
		return "running"
	case ClaimDone:
		return "done"
	}
	return "invalid"
}

// ErrClaimLost reports that a claim has ended and another delivery of the event was
// claimed since: the function may run twice. [DeduplicationStore.Finish] and Abandon
// return it. If the handler learns of it while the function runs, it cancels the
// function's context with this cause. Afterwards it is [Outcome.StoreErr].
var ErrClaimLost = errors.New("the claim on the event was lost: its lease ended, and another delivery was claimed")
