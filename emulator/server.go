package emulator

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/dispatch"
	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/rest"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
	"github.com/go-webpubsub/webpubsub/emulator/internal/transport"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// Server is an emulator: an [http.Handler] for clients (/client/…) and REST calls
// (/api/…). It is safe for concurrent use; several can run in one process.
type Server struct {
	keys    *token.Keys
	log     *slog.Logger
	hubs    *hub.Hubs
	clients *transport.Endpoint
	events  *dispatch.Dispatcher
	api     http.Handler
	mux     *http.ServeMux
	guard   *guard // nil: none is needed

	mu        sync.Mutex
	anonymous map[string]bool // hubs that take clients without token
}

// New makes an emulator. Its errors name the setting that is wrong.
func New(cfg Config) (*Server, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return newServer(cfg, cfg.Origin)
}

// newServer makes an emulator of complete settings.
func newServer(cfg Config, origins ...string) (*Server, error) {
	s := &Server{log: cfg.Logger, anonymous: make(map[string]bool)}
	var now hub.Clock = hub.SystemClock{}
	if cfg.Clock != nil {
		now = clock{cfg.Clock}
	}
	var err error
	if s.keys, err = token.NewKeys(now.Now, cfg.AccessKeys...); err != nil {
		return nil, fmt.Errorf("emulator: AccessKeys: %w", err)
	}
	s.events = dispatch.New(dispatch.Config{
		Origins: origins, AccessKeys: cfg.AccessKeys,
		Transport: cfg.Transport, Clock: now, Logger: cfg.Logger,
	})
	for _, name := range slices.Sorted(maps.Keys(cfg.Hubs)) {
		if err := s.SetHub(name, cfg.Hubs[name]); err != nil {
			return nil, err
		}
	}
	s.hubs = hub.New(hub.Config{Events: observer{s.events, cfg.Logger}, Clock: now, MaxGroups: cfg.MaxGroups, Logger: cfg.Logger})
	s.clients = &transport.Endpoint{
		Hubs:      s.hubs,
		Anonymous: s.takesAnonymous,
		Audiences: clientAudiences,
		Keys:      s.keys,
		KeepAlive: max(cfg.KeepAlive, 0),
		Logger:    cfg.Logger,
	}
	s.guard = newGuard(&cfg)
	s.routes(cfg.TrustTokens)
	return s, nil
}

// SetHub replaces the settings of a hub, which takes effect at once and altogether:
// for clients that connect from now on, and for events that are raised from now on,
// those of clients that are connected too. An event that is on its way goes on to the
// handler that it was for. A URL that no hub had before is asked for consent before it
// gets an event, and so is one that has refused it. The zero [Hub] is a hub without
// settings. On an error, which is one that [New] returns, nothing changes.
func (s *Server) SetHub(name string, settings Hub) error {
	if err := checkHub(name); err != nil {
		return err
	}
	folded := strings.ToLower(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.events.SetHub(name, settings.handlers()); err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	s.anonymous[folded] = settings.AllowAnonymous
	return nil
}

func (s *Server) takesAnonymous(hubName string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.anonymous[strings.ToLower(hubName)]
}

func (s *Server) routes(trustTokens bool) {
	api := &rest.API{Hub: s.hubs.Hub, Keys: s.keys, Bases: bases, Logger: s.log}
	if trustTokens {
		api.Trust = func(string) bool { return true }
	}
	s.api = api.Handler()
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("/client/hubs/{hub}", s.serveClient)
	s.mux.HandleFunc("/client/{$}", s.serveClient)
}

func (s *Server) serveClient(w http.ResponseWriter, r *http.Request) {
	name := cmp.Or(r.PathValue("hub"), r.URL.Query().Get("hub"))
	if !rule.IsHub(name) {
		http.Error(w, "The hub's name is missing or not valid.", http.StatusBadRequest)
		return
	}
	s.clients.Serve(w, r, name) //nolint:contextcheck // what runs for a client lasts as long as its socket, not its request
}

// ServeHTTP serves clients and REST calls.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.guard.admits(w, r) {
		return
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		s.api.ServeHTTP(w, r) // past the mux, which would redirect a path with an empty name
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Close is [Server.Shutdown] without patience: events on their way are given up,
// and event handlers do not hear that their clients are gone.
func (s *Server) Close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Shutdown(ctx) // it gives up what there is, and was asked to
}

// Shutdown ends all connections and waits until nothing of the emulator runs any
// more. Clients are told (1001) and have a quarter of a second to answer. Event
// handlers get what their clients have sent, and hear that the clients have left
// their groups and are gone, until the context ends: what is not delivered by then
// is given up, and the context's error returned. A handler in memory is waited for
// even so, as nothing can end it: the context of its request is cancelled.
func (s *Server) Shutdown(ctx context.Context) error {
	finished := s.hubs.Close(ctx)
	if delivered := s.events.Close(ctx); !finished || !delivered {
		return context.Cause(ctx)
	}
	return nil
}

// bases are the URLs under which a request may have been made: clients know
// best, and a proxy may have taken TLS off.
func bases(r *http.Request) []string {
	if r.TLS != nil {
		return []string{"https://" + r.Host}
	}
	return []string{"http://" + r.Host, "https://" + r.Host}
}

// clientAudiences are what a client's token can be made out to. The scheme does
// not matter to the service.
func clientAudiences(r *http.Request, hubName string) []string {
	var out []string
	for _, scheme := range [...]string{"http", "https", "ws", "wss"} {
		base := scheme + "://" + r.Host
		out = append(out, base+"/client/hubs/"+hubName, base+"/client/hubs/"+url.PathEscape(hubName), base+"/client/?hub="+hubName)
	}
	return out
}
