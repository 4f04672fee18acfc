package hub

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// DefaultMaxGroups is the default of [Config].MaxGroups. The service's limit is not
// documented.
const DefaultMaxGroups = 1000

// Config is the configuration that all hubs of an emulator share.
type Config struct {
	Events    EventHandler
	Clock     Clock
	MaxGroups int // of a connection
	Trace     *trace.Stream
	Tracer    trace.Tracer
}

// Hubs holds the hubs of one emulator, and waits for the goroutines of their clients.
type Hubs struct {
	Config

	ctx    context.Context //nolint:containedctx // of all goroutines of clients; ends with Close
	cancel context.CancelFunc

	mu      sync.Mutex
	hubs    map[string]*Hub // by name in lower case
	links   map[*Link]struct{}
	closed  bool
	running sync.WaitGroup

	roles roleWarnings
}

// New returns hubs without connections.
func New(cfg Config) *Hubs {
	hs := &Hubs{Config: cfg, hubs: make(map[string]*Hub), links: make(map[*Link]struct{})}
	hs.ctx, hs.cancel = context.WithCancel(context.Background())
	return hs
}

// Hub returns the hub with the name, compared without case. It creates the hub on first
// use.
func (hs *Hubs) Hub(name string) *Hub {
	name = strings.ToLower(name)
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := hs.hubs[name]
	if h == nil {
		h = &Hub{
			Config: hs.Config, Name: name, hubs: hs,
			connections: make(map[string]*Connection),
			users:       make(map[string]map[*Connection]struct{}),
			groups:      make(map[string]map[*Connection]struct{}),
			states:      make(map[string]*stateGroup),
		}
		hs.hubs[name] = h
	}
	return h
}

// Existing returns the hub with the name, or nil. It is for clients that have not been
// authorised.
func (hs *Hubs) Existing(name string) *Hub {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return hs.hubs[strings.ToLower(name)]
}

// Names returns the names of the hubs, in no order.
func (hs *Hubs) Names() []string {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return slices.Collect(maps.Keys(hs.hubs))
}

// unlessClosed calls f, or reports false after Close.
func (hs *Hubs) unlessClosed(f func()) bool {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if !hs.closed {
		f()
	}
	return !hs.closed
}

// Begin makes Close wait for a call of [Hubs.Done]. It reports false after Close.
func (hs *Hubs) Begin() bool {
	return hs.unlessClosed(func() { hs.running.Add(1) })
}

// Done ends a [Hubs.Begin].
func (hs *Hubs) Done() { hs.running.Done() }

// start runs a function in a goroutine that Close waits for. It reports false after
// Close.
func (hs *Hubs) start(f func()) bool {
	return hs.unlessClosed(func() { hs.running.Go(f) })
}

// Admit makes Close abort a link, until [Hubs.Release]. It reports false after Close.
func (hs *Hubs) Admit(link *Link) bool {
	return hs.unlessClosed(func() { hs.links[link] = struct{}{} })
}

// Release removes a link that has ended.
func (hs *Hubs) Release(link *Link) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	delete(hs.links, link)
}

// Stopping is the reason with which Close closes connections.
const Stopping = "The server is stopping."

// Close closes all connections and waits for their goroutines. Clients that do not answer
// are disconnected after a quarter of a second. Pending requests are carried out;
// when ctx ends, Close cancels the rest and reports false.
func (hs *Hubs) Close(ctx context.Context) (finished bool) {
	hs.mu.Lock()
	hs.closed = true
	for link := range hs.links {
		link.Abort(CloseGoingAway, Stopping)
	}
	hs.mu.Unlock()
	cancelled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		hs.cancel()
		close(cancelled)
	})
	hs.running.Wait()
	if finished = stop(); !finished {
		<-cancelled
	}
	hs.cancel()
	hs.mu.Lock()
	hubs := slices.Collect(maps.Values(hs.hubs))
	hs.mu.Unlock()
	for _, h := range hubs {
		h.Shutdown(CloseGoingAway, Stopping) // connections that have no link
	}
	return finished
}
