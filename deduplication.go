package webpubsub

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// Deduplication makes a [Handler] handle each event once, although the service can
// deliver it several times; see [Event].
//
// Before an event is handled, the handler claims it in the Store. Afterwards it stores
// the answer. A repeat gets that answer: the same status, headers, message and
// connection state. Neither the function nor interceptors run for it. While the event
// is being handled, a repeat gets 503, and the service delivers the event again.
//
// If an event fails with a status after which the service delivers it again (408 and
// 5xx, panics and aborts included), its claim is released. The next delivery is handled,
// and [Meta.Redelivered] reports true. Every other answer is final and is stored, also
// the refusal of an interceptor. So an event that succeeded is not handled again. An event
// that failed is handled up to four times.
//
// If a process ends while it handles an event, nobody knows how far it got. Its claim
// expires after Lease, and the next delivery is handled.
//
// An event is identified by its hub, connection id, id and kind. Events of MQTT clients
// are also identified by their session, or by the network connection if there is none.
// Only a verified event whose body is complete and decodes reaches the Store.
type Deduplication struct {
	// Store remembers events. All replicas of a handler must share one. Handlers of
	// different hubs can share one, too. A [MemoryStore] is enough for a handler that runs
	// in one process. Nil disables deduplication; then all other fields must be zero.
	Store DeduplicationStore
	// Kinds are the kinds of events that are handled once. Nil means all kinds.
	Kinds []EventKind
	// ServeIfStoreFails are the kinds of events that are handled without a claim if the
	// Store fails, and so may be handled twice. Events of other kinds get 503. They are
	// lost if the Store does not recover within the 9 seconds in which the service
	// delivers them again.
	//
	// Nil means all kinds but [EventKindUser]. A user event can have any effect, its
	// client learns that it failed and can send it again. If connect events failed, no
	// client could connect, and a notification that fails is lost; their functions
	// usually have the same effect if they run twice. An empty, non-nil slice means
	// none.
	ServeIfStoreFails []EventKind
	// Lease is how long a claim lasts after its process has ended. Until then the handler
	// renews it, three times per Lease, however long the function runs. Zero means
	// [DefaultClaimLease]. It is at least a second.
	//
	// If Lease is longer than the 9 seconds between the first and the last delivery, an
	// event whose process ended is lost. A process that pauses for longer than Lease, or
	// does not reach the store for so long, can lose its claims while its functions run:
	// see [ErrClaimLost].
	Lease time.Duration
	// TTL is how long answers are remembered. It must cover all deliveries of an event,
	// for each of which the service waits up to 100 seconds. Zero means
	// [DefaultAnswerTTL]. It cannot be shorter than Lease.
	TTL time.Duration
	// MaxAnswerBytes is the length of the longest answer that is stored: message, metadata
	// and state together. A longer answer is sent, but not stored: a repeat is not
	// handled again, and gets 500. Both are logged. Zero means [DefaultMaxAnswerBytes].
	MaxAnswerBytes int
}

// Defaults of [Deduplication].
const (
	// DefaultClaimLease ends before the last delivery of an event, 9 seconds after the
	// first one failed.
	DefaultClaimLease = 6 * time.Second
	// DefaultAnswerTTL covers four deliveries that take 100 seconds each.
	DefaultAnswerTTL = 10 * time.Minute
	// DefaultMaxAnswerBytes is 1 MiB.
	DefaultMaxAnswerBytes = 1 << 20
)

const minLease = time.Second

var eventKinds = []EventKind{EventKindConnect, EventKindConnected, EventKindDisconnected, EventKindUser, EventKindGroupJoined, EventKindGroupLeft}

// compile returns a copy with all defaults filled in, nil without a store.
func (d Deduplication) compile() (*Deduplication, error) {
	if d.Store == nil {
		if d.Kinds != nil || d.ServeIfStoreFails != nil || d.Lease != 0 || d.TTL != 0 || d.MaxAnswerBytes != 0 {
			return nil, errors.New("Store is nil, but other fields are set: set Store, for example to the result of NewMemoryStore")
		}
		return nil, nil
	}
	if holdsNil(d.Store) {
		return nil, fmt.Errorf("Store is a nil %T", d.Store)
	}
	switch {
	case d.Kinds == nil:
		d.Kinds = eventKinds
	case len(d.Kinds) == 0:
		return nil, errors.New("Kinds is empty, want nil for all kinds, or at least one")
	}
	if d.ServeIfStoreFails == nil {
		d.ServeIfStoreFails = slices.DeleteFunc(slices.Clone(eventKinds), func(k EventKind) bool { return k == EventKindUser })
	}
	var err error
	if d.Kinds, err = copyKinds("Kinds", d.Kinds); err != nil {
		return nil, err
	}
	if d.ServeIfStoreFails, err = copyKinds("ServeIfStoreFails", d.ServeIfStoreFails); err != nil {
		return nil, err
	}
	switch {
	case d.Lease == 0:
		d.Lease = DefaultClaimLease
	case d.Lease < minLease:
		return nil, fmt.Errorf("Lease is %v, want 0 or at least %v", d.Lease, minLease)
	}
	switch {
	case d.TTL == 0:
		d.TTL = max(DefaultAnswerTTL, d.Lease)
	case d.TTL < d.Lease:
		return nil, fmt.Errorf("TTL is %v, want at least Lease, which is %v", d.TTL, d.Lease)
	}
	switch {
	case d.MaxAnswerBytes == 0:
		d.MaxAnswerBytes = DefaultMaxAnswerBytes
	case d.MaxAnswerBytes < 0:
		return nil, fmt.Errorf("MaxAnswerBytes is %d, want 0 or more", d.MaxAnswerBytes)
	}
	return &d, nil
}

func copyKinds(field string, kinds []EventKind) ([]EventKind, error) {
	for i, k := range kinds {
		if !slices.Contains(eventKinds, k) {
			return nil, fmt.Errorf("%s[%d] is %q, want one of %q", field, i, excerpt.Short(string(k)), eventKinds)
		}
	}
	return slices.Clone(kinds), nil
}

// covers reports whether events of a kind are handled once. A nil d covers none.
func (d *Deduplication) covers(kind EventKind) bool {
	return d != nil && slices.Contains(d.Kinds, kind)
}
