package dispatch

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// Config of a [Dispatcher].
type Config struct {
	// Origins are the emulator's host names (WebHook-Request-Origin).
	Origins []string
	// AccessKeys sign events: a primary key and optionally a secondary.
	AccessKeys []string
	// Transport for handlers that are not local. Nil is like [http.DefaultTransport], with
	// a maximum of Connections.
	Transport http.RoundTripper
	// Connections is the maximum number of connections for the events of each handler that
	// is not local; zero means 256. If all are busy, events wait for one; the handler's
	// time limit includes the wait. It has no effect with a Transport.
	Connections int
	Clock       hub.Clock
	Trace       *trace.Stream
	Tracer      trace.Tracer
}

// Dispatcher delivers events. It is a [hub.EventHandler].
type Dispatcher struct {
	cfg    Config
	routes routes
	remote *upstream.Sender // of events to handlers that are not local
	asking *upstream.Sender // of validation requests to them
	own    []*http.Transport
	again  atomic.Uint64 // events raised again for connections that have ended

	ctx    context.Context //nolint:containedctx // of all goroutines; ends with Close
	cancel context.CancelFunc

	mu       sync.Mutex
	closed   bool
	running  int                 // functions in the background
	idle     sync.Cond           // signalled when there are none, and when the context of Close ends
	sessions map[string]*session // by connection id
}

// New returns a dispatcher without event handlers; see [Dispatcher.SetHub].
func New(cfg Config) *Dispatcher {
	d := &Dispatcher{cfg: cfg, sessions: make(map[string]*session)}
	events, questions := cfg.Transport, cfg.Transport
	if cfg.Transport == nil {
		// All idle connections are kept, because each closed one holds a port for a minute.
		// Validation requests have connections of their own: they would time out while slow
		// events use all others.
		d.own = []*http.Transport{newTransport(cmp.Or(cfg.Connections, 256)), newTransport(0)}
		events, questions = d.own[0], d.own[1]
	}
	d.remote = &upstream.Sender{Transport: events, Retry: true}
	d.asking = &upstream.Sender{Transport: questions, Retry: true}
	d.idle.L = &d.mu
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// newTransport returns a transport with a maximum number of connections to each handler.
// Zero means no maximum.
func newTransport(connections int) *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, IdleConnTimeout: 90 * time.Second,
	}
}

// Close waits until all notifications are delivered. If ctx ends first, it cancels them
// and reports false.
func (d *Dispatcher) Close(ctx context.Context) bool {
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		d.mu.Lock()
		d.idle.Broadcast()
		d.mu.Unlock()
		close(woken)
	})
	defer func() {
		if !stop() {
			<-woken
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

// background runs f in a goroutine that Close waits for. It reports false after Close.
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
