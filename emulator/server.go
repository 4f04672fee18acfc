package emulator

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/dispatch"
	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/inspect"
	"github.com/go-webpubsub/webpubsub/emulator/internal/rest"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/emulator/internal/transport"
	"github.com/go-webpubsub/webpubsub/internal/identity"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// Server is an emulator: an [http.Handler] for clients (/client/…) and REST calls
// (/api/…), the documents of its identity (/entra/…), and its inspector (/inspector/). It is
// safe for concurrent use. Several can run in one process.
type Server struct {
	keys     *token.Keys
	trace    *trace.Stream
	hubs     *hub.Hubs
	clients  *transport.Endpoint
	events   *dispatch.Dispatcher
	api      http.Handler
	mux      *http.ServeMux
	guard    *guard // nil if none is needed
	inspect  *inspectorGuard
	identity *identity.Issuer

	inspector *inspect.Handler // nil: none

	mu        sync.Mutex
	anonymous map[string]bool // hubs that accept clients without a token
}

// New returns an emulator. Its errors name the invalid setting.
func New(cfg Config) (*Server, error) {
	return newServer(&cfg, nil)
}

// newServer completes cfg and returns its emulator. It announces the origins, or
// cfg.Origin if there are none. Its records go to cfg.Logger and to further sinks.
func newServer(cfg *Config, origins []string, sinks ...trace.Sink) (*Server, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if origins == nil {
		origins = []string{cfg.Origin}
	}
	if cfg.Logger != nil {
		sinks = append(sinks, trace.Log(cfg.Logger))
	}
	var list *inspect.List
	if i := cfg.Inspector; i != nil {
		list = inspect.NewList(i.MaxRecords, i.MaxBytes)
		sinks = append(sinks, list)
	}
	s := &Server{trace: trace.New(cfg.AccessKeys, sinks...), anonymous: make(map[string]bool)}
	s.identity = identity.NewIssuer(cfg.Clock.Now)
	s.keys = token.NewKeys(cfg.Clock.Now, cfg.AccessKeys...)
	s.events = dispatch.New(dispatch.Config{
		Origins: origins, AccessKeys: cfg.AccessKeys,
		Transport: cfg.Transport, Clock: cfg.Clock, Trace: s.trace, Tracer: tracer(cfg.Trace),
	})
	for _, name := range slices.Sorted(maps.Keys(cfg.Hubs)) {
		if err := s.SetHub(name, cfg.Hubs[name]); err != nil {
			return nil, err
		}
	}
	s.hubs = hub.New(hub.Config{Events: s.events, Clock: cfg.Clock, MaxGroups: cfg.MaxGroups, Trace: s.trace, Tracer: tracer(cfg.Trace)})
	s.clients = &transport.Endpoint{
		Hubs:      s.hubs,
		Anonymous: s.acceptsAnonymous,
		Audiences: clientAudiences,
		Keys:      s.keys,
		KeepAlive: max(cfg.KeepAlive, 0),
	}
	s.guard = newGuard(cfg, s.trace)
	if list != nil {
		s.inspect, s.inspector = newInspectorGuard(cfg, s.trace), s.newInspector(cfg, list, origins)
	}
	s.api = (&rest.API{Hub: s.hubs.Hub, Keys: s.keys, TrustTokens: cfg.TrustTokens, Trace: s.trace, Tracer: tracer(cfg.Trace)}).Handler()
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("/client/hubs/{hub}", s.serveClient)
	s.mux.HandleFunc("/client/{$}", s.serveClient)
	s.mux.Handle(AuthorityPath+"/", s.identity)
	return s, nil
}

// SetHub replaces the settings of a hub at once. They apply to clients that connect
// and to events that are raised after the call, also for clients that are connected
// already. An event that is being delivered stays with its handler. The emulator
// validates a URL that is new to all hubs, or that has refused consent, before it sends
// an event there. The zero [Hub] removes the settings. SetHub returns the errors of
// [New], and then changes nothing.
func (s *Server) SetHub(name string, settings Hub) error {
	if err := rule.CheckHub(name); err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	handlers, err := s.handlers(name, &settings)
	if err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	folded := strings.ToLower(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.events.SetHub(name, handlers); err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	s.anonymous[folded] = settings.AllowAnonymous
	return nil
}

func (s *Server) acceptsAnonymous(hubName string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.anonymous[strings.ToLower(hubName)]
}

func (s *Server) serveClient(w http.ResponseWriter, r *http.Request) {
	name := cmp.Or(r.PathValue("hub"), r.URL.Query().Get("hub"))
	if !rule.IsHub(name) {
		http.Error(w, "The hub name is missing or invalid.", http.StatusBadRequest)
		return
	}
	s.clients.Serve(w, r, name) //nolint:contextcheck // a client outlives its request
}

// ServeHTTP serves clients, REST calls, the documents of the identity and the inspector.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.inspector != nil && strings.HasPrefix(r.URL.Path, strings.TrimSuffix(InspectorPath, "/")) {
		if s.inspect.admits(w, r) {
			s.inspector.ServeHTTP(w, r)
		}
		return
	}
	if !s.guard.admits(w, r) {
		return
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		s.api.ServeHTTP(w, r) // not through the mux, which redirects paths with an empty name
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Close stops at once. It drops events that have not been delivered, and event handlers
// do not receive disconnected.
func (s *Server) Close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Shutdown(ctx) // the error is that of ctx
}

// Shutdown closes all connections with 1001 and waits until all goroutines have ended.
// Clients have a quarter of a second to answer the close frame. Until ctx ends, event
// handlers receive what their clients have sent, and then left and disconnected. When
// ctx ends, Shutdown drops the remaining events, cancels the requests of those being
// delivered, and returns ctx's error. It always waits for handlers in memory to return.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.inspector != nil {
		s.inspector.Close()
	}
	finished := s.hubs.Close(ctx)
	if delivered := s.events.Close(ctx); !finished || !delivered {
		return context.Cause(ctx)
	}
	return nil
}

// clientAudiences returns the valid audiences of a client's token. Like the service, the
// emulator ignores the scheme.
func clientAudiences(r *http.Request, hubName string) []string {
	var out []string
	for _, scheme := range [...]string{"http", "https", "ws", "wss"} {
		base := scheme + "://" + r.Host
		out = append(out, base+"/client/hubs/"+hubName, base+"/client/hubs/"+url.PathEscape(hubName), base+"/client/?hub="+hubName)
	}
	return out
}
