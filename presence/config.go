package presence

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// Config configures a [Tracker].
type Config struct {
	// Hub is the name of the hub, compared without case. The tracker ignores events of other
	// hubs. It is required.
	Hub string
	// Store remembers what the tracker knows. All replicas must share one. A [MemoryStore]
	// is enough for a handler that runs in one process. It is required.
	Store Store
	// Lister asks the service who is in a group; see [FromService]. Without one, lost
	// events are not repaired, and [Tracker.Run] returns an error.
	Lister Lister
	// Groups are groups that each round lists, in addition to those that have members in
	// the Store. If events of a group are lost or not configured, the tracker knows of the
	// group only by them.
	Groups []string
	// Interval is the time from the start of a round to the start of the next. Zero means
	// [DefaultInterval]. It is at least a second.
	Interval time.Duration
	// Lease is how long a connection counts as connected after the last event about it, or
	// after the last round that has seen it. Zero means two and a half intervals with a
	// Lister, and [DefaultLease] without. With a Lister, it is at least two intervals.
	Lease time.Duration
	// TTL is how long it is remembered that a connection has ended or left a group. It must
	// cover all deliveries of an event, for each of which the service waits up to 100
	// seconds. Zero means [DefaultTTL].
	TTL time.Duration
	// MaxListed is the number of groups of the Store that a round lists: at least a REST call
	// each. Clients that can join groups of any name can make any number of them. The next
	// round goes on after the last one. Zero means [DefaultMaxListed].
	MaxListed int
	// MaxChecks is the number of connections that a round checks one by one, because they
	// are in no group that it lists: a REST call each. The leases of further ones end. Zero
	// means [DefaultMaxChecks].
	MaxChecks int
	// Parallel is the number of REST calls of a round at the same time. Zero means
	// [DefaultParallel].
	Parallel int
	// WatchInterval is the time after which [Tracker.Watch] reads the Store again. It sees
	// changes by this process earlier. Zero means [DefaultWatchInterval].
	WatchInterval time.Duration
	// RepeatIfStoreFails makes [Tracker.Intercept] answer an event with 503 if the Store
	// fails, so that the service delivers it again, up to three times in 9 seconds. The
	// function of the event does not run before. If it is false, the event is handled
	// without being recorded, and the next round repairs what is missing.
	RepeatIfStoreFails bool
	// Observe is called after each round of [Tracker.Run]. Nil means none.
	Observe func(Round)
	// Logger logs events that are not recorded and rounds that fail. Nil means
	// [slog.Default].
	Logger *slog.Logger
}

// Defaults of [Config].
const (
	DefaultInterval      = 2 * time.Minute
	DefaultLease         = 24 * time.Hour
	DefaultTTL           = 10 * time.Minute
	DefaultMaxListed     = 10_000
	DefaultMaxChecks     = 10_000
	DefaultParallel      = 8
	DefaultWatchInterval = time.Second
)

const minInterval = time.Second

// complete returns a copy with all defaults filled in.
func (c Config) complete() (Config, error) {
	if err := rule.CheckHub(c.Hub); err != nil {
		return c, fmt.Errorf("Hub: %w", err)
	}
	c.Hub = strings.ToLower(c.Hub)
	switch {
	case holdsNil(c.Store):
		return c, errors.New("Store is nil: set it, for example to the result of NewMemoryStore")
	case c.Lister != nil && holdsNil(c.Lister):
		return c, fmt.Errorf("Lister is a nil %T", c.Lister)
	}
	if l, ok := c.Lister.(interface{ Hub() string }); ok && !strings.EqualFold(l.Hub(), c.Hub) {
		return c, fmt.Errorf("Lister is for hub %q, want Hub, which is %q: its rounds would remove everybody", l.Hub(), c.Hub)
	}
	for i, group := range c.Groups {
		if err := rule.CheckGroup(group); err != nil {
			return c, fmt.Errorf("Groups[%d]: %w", i, err)
		}
	}
	c.Groups = slices.Clone(c.Groups)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c.completeNumbers()
}

// completeNumbers fills in the numbers.
func (c Config) completeNumbers() (Config, error) {
	err := errors.Join(
		atLeast("Interval", &c.Interval, minInterval, DefaultInterval),
		atLeast("TTL", &c.TTL, minInterval, DefaultTTL),
		atLeast("WatchInterval", &c.WatchInterval, time.Millisecond, DefaultWatchInterval),
		atLeast("MaxListed", &c.MaxListed, 1, DefaultMaxListed),
		atLeast("MaxChecks", &c.MaxChecks, 1, DefaultMaxChecks),
		atLeast("Parallel", &c.Parallel, 1, DefaultParallel),
	)
	if err != nil {
		return c, err
	}
	if c.Lister == nil {
		return c, atLeast("Lease", &c.Lease, minInterval, DefaultLease)
	}
	return c, atLeast("Lease", &c.Lease, 2*c.Interval, 5*c.Interval/2)
}

// atLeast sets a field that is zero to its default.
func atLeast[T int | time.Duration](name string, field *T, least, deflt T) error {
	switch {
	case *field == 0:
		*field = deflt
	case *field < least:
		return fmt.Errorf("%s is %v, want 0 for the default, or at least %v", name, *field, least)
	}
	return nil
}

// holdsNil reports whether an interface is nil or holds a nil pointer.
func holdsNil(v any) bool {
	r := reflect.ValueOf(v)
	return v == nil || r.Kind() == reflect.Pointer && r.IsNil()
}
