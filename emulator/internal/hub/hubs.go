package hub

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// DefaultMaxGroups is how many groups a connection can be in unless [Config] says
// otherwise. The service's limit is not documented.
const DefaultMaxGroups = 1000

// Config is what the hubs of an emulator have in common.
type Config struct {
	Events EventHandler
	Clock  Clock
	// MaxGroups is how many groups a connection can be in.
	MaxGroups int
	Trace     *trace.Stream
}

// Hubs are the hubs of one emulator, with all that runs for their clients.
type Hubs struct {
	Config

	ctx    context.Context //nolint:containedctx // ends with Close, as all that runs for clients
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

// Hub returns the hub of a name, compared without case, and makes it when it is first
// asked for.
func (hs *Hubs) Hub(name string) *Hub {
	name = strings.ToLower(name)
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := hs.hubs[name]
	if h == nil {
		h = newHub(name, hs)
		hs.hubs[name] = h
	}
	return h
}

// Existing returns the hub of a name, nil if nobody has asked for it yet: strangers make
// no hubs.
func (hs *Hubs) Existing(name string) *Hub {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return hs.hubs[strings.ToLower(name)]
}

// Names returns the names of the hubs that have been asked for, in no order.
func (hs *Hubs) Names() []string {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return slices.Collect(maps.Keys(hs.hubs))
}

// Begin counts something that runs for a client until it calls [Hubs.Done]. It
// reports false if the hubs are closed.
func (hs *Hubs) Begin() bool {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if !hs.closed {
		hs.running.Add(1)
	}
	return !hs.closed
}

// Done ends what [Hubs.Begin] began.
func (hs *Hubs) Done() { hs.running.Done() }

// start runs a function in a goroutine that Close waits for.
func (hs *Hubs) start(f func()) bool {
	if !hs.Begin() {
		return false
	}
	go func() {
		defer hs.Done()
		f()
	}()
	return true
}

// Admit lets Close end a link, until [Hubs.Release]. It reports false if the hubs are
// closed.
func (hs *Hubs) Admit(link *Link) bool {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if !hs.closed {
		hs.links[link] = struct{}{}
	}
	return !hs.closed
}

// Release forgets a link that has ended.
func (hs *Hubs) Release(link *Link) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	delete(hs.links, link)
}

func (hs *Hubs) isClosed() bool {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return hs.closed
}

// Stopping is what clients are told by Close.
const Stopping = "The server is stopping."

// Close ends all links and connections and waits until nothing runs for them: a
// quarter of a second for a client that does not answer. What clients have asked for
// goes on until the context ends. It reports false if something was given up then.
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
		h.Shutdown(CloseGoingAway, Stopping) // those that wait for their clients
	}
	return finished
}
