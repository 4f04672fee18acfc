package presence

import (
	"context"
	"errors"
	"time"

	"github.com/go-webpubsub/webpubsub"
)

// Store remembers who is connected and who is in which group. It is the Store of a
// [Config]. Implementations are safe for concurrent use. Package
// [github.com/go-webpubsub/webpubsub/presence/presencetest] tests them.
//
// A store has one set of data per hub, and a call touches only that of its hub: a cluster
// can keep all data of a hub in one place. The data of a hub are
//
//   - connections. A connection is identified by its ConnectionID and SessionID together.
//     It is unknown, live or ended. A live connection has a user and a lease, and becomes
//     unknown when the lease ends. An ended connection becomes unknown after a TTL.
//   - entries. A live connection has an entry for each group that it has been in. An entry
//     is present or absent. It has an order, that of the newest event about it, and a
//     revision. An absent entry is a mark that makes late events harmless: it is removed
//     after a TTL, and a store that is full may remove it earlier, as it may forget that
//     a connection has ended. The entries of a connection are removed when it ends or
//     becomes unknown.
//   - a revision, a number that starts at 0 and never becomes smaller. Each time that an
//     entry is added or changes, a present entry is removed, or a connection ends, the
//     revision of the hub is increased, and the entry or the ended connection gets it.
//   - the lead, which nobody or a holder has until it expires.
//
// Each call is atomic, and works on data from which everything that has expired was
// removed. Leases and TTLs are from now, by the clock of the store. A call that renews a
// lease never shortens it. If a call returns an error, the caller does not know whether it
// took effect. Repeating a call is harmless.
//
// Hubs are in lower case. All names are UTF-8, at most [MaxNameBytes] long. Group names can
// have any characters, all other names have no control characters. SessionID and UserID
// can be empty. What a store returns belongs to the caller.
type Store interface {
	// Apply records an event.
	//
	//   - If the connection of ev.Member has ended, Apply changes nothing.
	//   - Connected: the connection is live, its user is ev.Member.UserID unless that is
	//     empty, and its lease is renewed.
	//   - Joined and Left: as Connected. If then the connection has no entry for ev.Group,
	//     or one with a lower order than ev.Order, the entry is present (Joined) or absent
	//     (Left) and has the order of the event.
	//   - Disconnected: the entries of the connection are removed, and it is ended for the
	//     time of ttl, also if it was unknown.
	//
	// A listing by the service has no SessionID, so what [Store.Repair] adds has none. An
	// event with a SessionID replaces it: if the connection with the same ConnectionID and an
	// empty SessionID is live, an event that changes the entry for ev.Group also removes the
	// entry of that connection for ev.Group. If it then has no entries, it becomes
	// unknown. Disconnected makes it unknown in any case, unless the connection of ev.Member
	// had ended before.
	//
	// An absent entry lasts for the time of ttl. If there is no room for a connection or an
	// entry, Apply returns an error that is [ErrStoreFull].
	Apply(ctx context.Context, hub string, ev Event, lease, ttl time.Duration) error

	// Members returns the connections that have a present entry for a group, in any order,
	// and the revision of the hub. If since is not 0 and the entries of the group are the
	// same as at revision since, Members may leave them out and set Unchanged.
	Members(ctx context.Context, hub, group string, since int64) (Snapshot, error)

	// Groups returns the groups for which any live connection with a ConnectionID has a
	// present entry, in any order, each once. It ignores the SessionID.
	Groups(ctx context.Context, hub, connectionID string) ([]string, error)

	// Connections returns the live connections of a user, in any order. The user is not
	// empty.
	Connections(ctx context.Context, hub, userID string) ([]Member, error)

	// GroupNames returns the first groups with a present entry after a name, at most limit
	// of them, in ascending order of their bytes. The empty name is before all others.
	GroupNames(ctx context.Context, hub, after string, limit int) ([]string, error)

	// Leases returns the live connections whose lease ends in less than within, those that
	// end first, at most limit of them.
	Leases(ctx context.Context, hub string, within time.Duration, limit int) ([]Lease, error)

	// Repair applies what a listing by the service has shown, unless an event is newer.
	// The elements of r are independent: a store may apply them one by one, each
	// atomically.
	//
	//   - Add: nothing if the connection has ended. Nothing either if its SessionID is empty
	//     and another connection with the same ConnectionID has ended or has an entry for
	//     r.Group, with a revision above r.Revision. Otherwise the connection is live, with
	//     the user of the element unless that is empty, and its lease is renewed. Its entry
	//     for r.Group becomes present, unless the entry has a revision above r.Revision. An
	//     entry keeps its order. A new one has the order 0.
	//   - Drop: if the connection has a present entry for r.Group whose revision is not
	//     above r.Revision, the entry is absent for the time of ttl, and keeps its order.
	//   - Renew: if the connection is live, its lease is renewed.
	//   - End: if the connection is live and its lease ends exactly when the element says,
	//     it ends as by Disconnected. If Apply has recorded no event of the connection, it
	//     becomes unknown instead: it may be known from a listing only, and be an MQTT
	//     client, which can come back.
	//
	// If there is no room for an element of Add, Repair returns an error that is
	// [ErrStoreFull]. It may have applied the others.
	Repair(ctx context.Context, hub string, r Repair, lease, ttl time.Duration) error

	// Lead gets the lead of a hub for the time of a lease. If nobody or holder has it, then
	// holder has it until the lease ends, even if its previous lease was to end later, and
	// Lead returns true. If another holder has it, Lead changes nothing and returns false.
	Lead(ctx context.Context, hub, holder string, lease time.Duration) (bool, error)
}

// MaxNameBytes is the length of the longest name in a [Store]. A [Tracker] does not record
// an event with a longer one.
const MaxNameBytes = 4096

// MaxOrder is the largest order of an [Event]: what programs that calculate with floating
// point numbers can still count.
const MaxOrder = 1<<53 - 1

// ErrStoreFull reports that a [Store] has no room for a connection or a group.
var ErrStoreFull = errors.New("presence store is full")

// Member is a connection. ConnectionID and SessionID identify it in its hub.
type Member struct {
	// ConnectionID is the id of the connection. For MQTT it is the client id, which a
	// later session can have again.
	ConnectionID string
	// SessionID is the id of the MQTT session. It is empty for other clients, and if the
	// connection is known only from a listing by the service.
	SessionID string
	// UserID is the user of the connection, or empty.
	UserID string
}

// Event is an event for a [Store].
type Event struct {
	// Kind is [webpubsub.EventKindConnected], [webpubsub.EventKindGroupJoined],
	// [webpubsub.EventKindGroupLeft] or [webpubsub.EventKindDisconnected].
	Kind webpubsub.EventKind
	// Member is the connection and its user.
	Member Member
	// Group is the group of Joined and Left, and empty otherwise.
	Group string
	// Order is above that of all earlier events of the connection: 1 to [MaxOrder].
	// All deliveries of an event have the same. Only Joined and Left need it.
	Order int64
}

// Snapshot is the result of [Store.Members].
type Snapshot struct {
	// Members are the connections in the group, nil if Unchanged.
	Members []Member
	// Revision is the revision of the hub, not only of the group.
	Revision int64
	// Unchanged means that the entries of the group are as at the revision that the caller
	// knows.
	Unchanged bool
}

// Lease is a live connection and the end of its lease.
type Lease struct {
	Member Member
	// Expires identifies the end of the lease: a number that only the store
	// understands, such as milliseconds by its clock.
	Expires int64
}

// Repair is what a comparison of a [Store] with the service has shown. See
// [Store.Repair].
type Repair struct {
	// Group is the group of Add and Drop.
	Group string
	// Revision is that of the Snapshot before the service was asked.
	Revision int64
	// Add are connections that the service lists in the group. The Store does not.
	Add []Member
	// Drop are connections that the Store lists in the group. The service does not.
	Drop []Member
	// Renew are connections that exist.
	Renew []Member
	// End are connections that do not exist.
	End []Lease
}
