package webpubsub

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// maxUnknownNames bounds the names of user events that a handler remembers to
// have logged: clients choose them.
const maxUnknownNames = 32

// notices are what a handler logs once, however often it happens.
type notices struct {
	mu      sync.Mutex
	unknown map[string]struct{} // clipped names of user events without a function
	header  atomic.Bool
}

// first reports whether a name is new, and whether it is the first for which
// there is no room.
func (n *notices) first(name string) (isNew, full bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, seen := n.unknown[name]; seen || len(n.unknown) > maxUnknownNames {
		return false, false
	}
	if n.unknown == nil {
		n.unknown = make(map[string]struct{}, maxUnknownNames+1)
	}
	n.unknown[strings.Clone(name)] = struct{}{} // the name shares memory with its request
	return true, len(n.unknown) > maxUnknownNames
}

// ignored logs a user event that has no function: at Info if its name is new,
// since neither side of a misspelt name sees an error.
func (h *Handler) ignored(r *http.Request, name string) {
	level, message := slog.LevelDebug, "user event without a function ignored"
	isNew, full := h.once.first(clip(name))
	switch {
	case full:
		level = slog.LevelInfo
		message += "; further names are logged at debug level only"
	case isNew:
		level = slog.LevelInfo
		message += "; this is logged once for each name"
	}
	h.log(r, level, message, http.StatusNoContent, nil, slog.String("known", h.known))
}

// namesOf lists the names of functions as a log shows them.
func namesOf(functions map[string]UserEventFunc) string {
	const most = 16
	names := slices.Sorted(maps.Keys(functions))
	quoted := make([]string, 0, most+1)
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, fmt.Sprintf("%q", clip(name)))
	}
	if more := len(names) - most; more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	if len(quoted) == 0 {
		return "none"
	}
	return strings.Join(quoted, ", ")
}

// proxyHeaderBytes is the size of the longest header of an answer that nginx
// takes by default (proxy_buffer_size).
const proxyHeaderBytes = 4 << 10

// headerBytes returns about how long the answer's header is on the wire.
func (a *answer) headerBytes() int {
	const (
		status = len("HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 1048576\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n")
		line   = len(": \r\n")
	)
	n := status
	if a.setState {
		n += len(wire.HeaderConnectionState) + line + len(a.state)
	}
	for name, v := range a.metadata {
		n += len(wire.PrefixMetadata) + len(name) + line + len(v)
	}
	for _, p := range a.properties {
		n += len(wire.PrefixMQTT) + len(p.Name) + line + len(p.Value)
	}
	return n
}

// send writes an answer, and warns once of a header that the proxy in front of
// the handler probably refuses: that is a 502 of the proxy's, of which nothing
// shows here.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, out *answer) {
	if n := out.headerBytes(); n > proxyHeaderBytes && !h.once.header.Swap(true) {
		h.log(r, slog.LevelWarn,
			fmt.Sprintf("the answer's header is longer than the %d bytes that proxies take by default, nginx answers 502: keep the connection state smaller, or raise nginx's proxy_buffer_size and proxy_buffers, and large_client_header_buffers for the events that bring the state back; this is logged once", proxyHeaderBytes),
			http.StatusOK, nil, slog.Int("header_bytes", n), slog.Int("state_bytes", len(out.state)))
	}
	out.write(w)
}
