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
// that no reply is recorded earlier. The close frame that refuses a recovery is not
// recorded: KindRecoveryRefused is its record.
func (s *socket) recordOut(f hub.Frame) {
	if s.client == nil || !s.e.Hubs.Trace.Wants(context.Background(), trace.KindFrameOut) {
		return // before the client is read, which costs cache misses in a fan-out
	}
	trace.EmitFrame(context.Background(), s.e.Hubs.Trace, trace.FrameOut{
		Client: s.client.Identity(), Subprotocol: s.client.Subprotocol, Binary: f.Kind == hub.FrameBinary, Close: f.Code,
		SequenceID: f.SequenceID, Data: trace.Data(f.Data),
	})
}

// recordHandshake records the request of a client, which is refused if there is an error.
func (e *Endpoint) recordHandshake(r *http.Request, hubName string, in *hub.Handshake, err error) {
	trace.Emit(r.Context(), e.Hubs.Trace, trace.Handshake{
		Client: in.Identity(strings.ToLower(hubName)), Query: in.Query, Header: in.Headers, Claims: in.Claims, Subprotocols: in.Subprotocols, Refused: err != nil,
	})
}

// identity returns the client for records. It is zero if a recovery is refused.
func (s *socket) identity() trace.Client {
	if s.client == nil {
		return trace.Client{}
	}
	return s.client.Identity()
}
