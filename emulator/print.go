package emulator

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// String returns the names of the hubs, but no key. Package fmt does not call it for an
// unexported field of a struct: keep a pointer there.
func (c Config) String() string {
	return fmt.Sprintf("emulator.Config(hubs %q)", slices.Sorted(maps.Keys(c.Hubs)))
}

// GoString is String.
func (c Config) GoString() string { return c.String() }

// LogValue is String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String returns the URL of the handler without its query, which may have secrets.
func (h EventHandler) String() string {
	where := upstream.WithoutSecrets(h.URLTemplate)
	if h.Handler != nil {
		where = strings.TrimSpace("in memory " + where)
	}
	return fmt.Sprintf("emulator.EventHandler(%s)", where)
}

// GoString is String.
func (h EventHandler) GoString() string { return h.String() }

// LogValue is String.
func (h EventHandler) LogValue() slog.Value { return slog.StringValue(h.String()) }

// String returns the names of the hubs, but no key.
func (s *Server) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := slices.Collect(maps.Keys(s.anonymous))
	names = append(names, s.hubs.Names()...)
	slices.Sort(names)
	return fmt.Sprintf("emulator.Server(hubs %q)", slices.Compact(names))
}

// GoString is String.
func (s *Server) GoString() string { return s.String() }

// LogValue is String.
func (s *Server) LogValue() slog.Value { return slog.StringValue(s.String()) }
