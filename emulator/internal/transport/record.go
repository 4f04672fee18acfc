package transport

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// emit emits a record about a socket. The socket outlives its request, whose context is not
// used.
func emit[R trace.Record](s *socket, r R) { trace.Emit(context.Background(), s.e.Hubs.Trace, r) }

// recordIn records a frame from the client. req is nil if the frame is invalid.
func (s *socket) recordIn(req hub.Request, binary bool, data []byte) {
	if !s.e.Hubs.Trace.Wants(context.Background(), trace.KindFrameIn) {
		return // before the name of the request is formatted
	}
	name := strings.TrimPrefix(fmt.Sprintf("%T", req), "hub.")
	emit(s, trace.FrameIn{Client: s.client.Identity(), Subprotocol: s.client.Subprotocol, Request: name, Binary: binary, Data: trace.Data(data)})
}

// recordOut records a frame to the client. It is called before the frame is written, so
// that no reply is recorded earlier.
func (s *socket) recordOut(f hub.Frame) {
	if !s.e.Hubs.Trace.Wants(context.Background(), trace.KindFrameOut) {
		return // before the client is read, which costs cache misses in a fan-out
	}
	out := trace.FrameOut{Client: s.identity(), Binary: f.Kind == hub.FrameBinary, Close: f.Code, SequenceID: f.SequenceID, Data: trace.Data(f.Data)}
	if s.client != nil {
		out.Subprotocol = s.client.Subprotocol
	}
	trace.EmitFrame(context.Background(), s.e.Hubs.Trace, out)
}

// recordHandshake records the request of a client.
func (e *Endpoint) recordHandshake(r *http.Request, hubName string, in *hub.Handshake) {
	trace.Emit(r.Context(), e.Hubs.Trace, trace.Handshake{
		Client: in.Identity(strings.ToLower(hubName)), Query: in.Query, Header: in.Headers, Claims: in.Claims, Subprotocols: in.Subprotocols,
	})
}

// identity returns the client for records. It is zero if a recovery is refused.
func (s *socket) identity() trace.Client {
	if s.client == nil {
		return trace.Client{}
	}
	return s.client.Identity()
}
