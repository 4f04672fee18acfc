package dispatch

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// maxConnections is how many connections are kept to one event handler that is not
// local. An event that finds all of them busy waits for one, within the time that a
// handler has to answer.
const maxConnections = 256

// Config of a [Dispatcher].
type Config struct {
	// Origins are the host names by which the emulator calls itself.
	Origins []string
	// AccessKeys sign events: one, or a primary and a secondary.
	AccessKeys []string
	// Transport for handlers that are not local; nil is one of its own, like
	// [http.DefaultTransport], of at most maxConnections to each handler.
	Transport http.RoundTripper
	Clock     hub.Clock
	Logger    *slog.Logger
}

// Dispatcher raises events. It is a client.EventHandler and a hub.Observer.
type Dispatcher struct {
	cfg    Config
	routes routes
	remote *upstream.Sender
	own    *http.Transport // nil if Transport was given

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
	transport := cfg.Transport
	if transport == nil {
		// Its own, so that Close can end its idle connections. As many of them are kept
		// as there may be: each one that is closed holds a port for a minute.
		d.own = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
			MaxConnsPerHost: maxConnections, MaxIdleConnsPerHost: maxConnections, IdleConnTimeout: 90 * time.Second,
		}
		transport = d.own
	}
	d.remote = &upstream.Sender{Transport: transport, Retry: true}
	d.idle.L = &d.mu
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
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
	if d.own != nil {
		d.own.CloseIdleConnections()
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
