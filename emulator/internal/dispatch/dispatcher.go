package dispatch

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// maxConnections is how many connections are kept for the events of one handler that
// is not local. An event that finds all of them busy waits for one, within the time
// that a handler has to answer.
const maxConnections = 256

// Config of a [Dispatcher].
type Config struct {
	// Origins are the host names by which the emulator calls itself.
	Origins []string
	// AccessKeys sign events: one, or a primary and a secondary.
	AccessKeys []string
	// Transport for handlers that are not local; nil is like [http.DefaultTransport],
	// but its own, and has at most maxConnections for the events of each handler.
	Transport http.RoundTripper
	Clock     hub.Clock
	Trace     *trace.Stream
}

// Dispatcher raises events. It is a [hub.EventHandler].
type Dispatcher struct {
	cfg    Config
	routes routes
	remote *upstream.Sender // of events to handlers that are not local
	asking *upstream.Sender // of validation requests to them
	own    []*http.Transport

	ctx    context.Context //nolint:containedctx // ends with Close, as all that it starts
	cancel context.CancelFunc

	mu       sync.Mutex
	closed   bool
	running  int                 // functions in the background
	idle     sync.Cond           // signalled when there are none, and when Close has waited enough
	sessions map[string]*session // by connection id
}

// New makes a dispatcher without event handlers; see [Dispatcher.SetHub].
func New(cfg Config) *Dispatcher {
	d := &Dispatcher{cfg: cfg, sessions: make(map[string]*session)}
	events, questions := cfg.Transport, cfg.Transport
	if cfg.Transport == nil {
		// As many idle connections are kept as there may be: each one that is closed
		// holds a port for a minute. Validation requests have connections beside those,
		// since behind events that take long they would fail.
		d.own = []*http.Transport{newTransport(maxConnections), newTransport(0)}
		events, questions = d.own[0], d.own[1]
	}
	d.remote = &upstream.Sender{Transport: events, Retry: true}
	d.asking = &upstream.Sender{Transport: questions, Retry: true}
	d.idle.L = &d.mu
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// newTransport returns a transport of the dispatcher's own, whose idle connections
// Close can end, of at most so many connections to each handler. Zero is any number,
// and the default of those that are kept.
func newTransport(connections int) *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, IdleConnTimeout: 90 * time.Second,
	}
}

// Close waits for the notifications that are on their way until the context ends,
// and then ends them. It reports false if it did so.
func (d *Dispatcher) Close(ctx context.Context) bool {
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		d.mu.Lock()
		d.idle.Broadcast()
		d.mu.Unlock()
		close(told)
	})
	defer func() {
		if !stop() {
			<-told
		}
	}()
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.running > 0 && ctx.Err() == nil {
		d.idle.Wait()
	}
	delivered := d.running == 0
	d.closed = true
	d.cancel()
	for d.running > 0 {
		d.idle.Wait()
	}
	for _, transport := range d.own {
		transport.CloseIdleConnections()
	}
	return delivered
}

// background runs f in a goroutine that Close waits for. It reports false if the
// dispatcher is closed.
func (d *Dispatcher) background(f func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.running++
	go func() {
		defer d.done()
		f()
	}()
	return true
}

func (d *Dispatcher) done() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running--; d.running == 0 {
		d.idle.Broadcast()
	}
}

func (d *Dispatcher) session(id string) *session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sessions[id]
}

func (d *Dispatcher) remember(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions[s.connectionID] = s
}

func (d *Dispatcher) forget(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sessions, s.connectionID)
}
