package transport

import (
	"bufio"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// serve upgrades the request to the subprotocol, if any, and serves the client. The
// connection is nil if a recovery is refused. It is in its hub already: the link queues
// messages until the upgrade. If the upgrade fails, a new connection ends, and a lost one
// remains resumable.
func (s *socket) serve(w http.ResponseWriter, r *http.Request, subprotocol string, c *hub.Connection) {
	defer s.e.Hubs.Release(s.link)
	s.client = c
	if err := s.upgrade(w, r, subprotocol); err != nil { // Accept has answered
		emit(s, trace.ClientRecord{Kind: trace.KindHandshakeFailed, Client: s.identity(), Reason: err.Error()})
		s.link.Discard()
		if c != nil {
			c.Lost(s.link, hub.Loss{Final: s.resume == nil, Reason: "The client's handshake failed."})
		}
		return
	}
	s.run()
}

func (s *socket) upgrade(w http.ResponseWriter, r *http.Request, subprotocol string) error {
	options := &websocket.AcceptOptions{InsecureSkipVerify: true} // the server has checked the origin
	if subprotocol != "" {
		options.Subprotocols = []string{subprotocol}
	}
	ws, err := websocket.Accept(&hijacker{w, s}, r, options)
	if err != nil {
		return err
	}
	ws.SetReadLimit(-1) // read has a limit, after which it can send frames
	s.ws = ws
	return nil
}

// hijacker passes the connection below a WebSocket to the socket, which can close it
// without waiting for the peer.
type hijacker struct {
	http.ResponseWriter
	socket *socket
}

// Hijack takes over the connection.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	below, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.socket.setBelow(below)
	h.socket.wire = newWire(below, h.socket)
	return h.socket.wire, bufio.NewReadWriter(rw.Reader, bufio.NewWriterSize(h.socket.wire, maxControlFrame)), nil
}

// closed handles a client's normal closure. It also proves that the client of a
// recovery is alive.
func (s *socket) closed() {
	if s.resume != nil {
		s.resume()
	}
	if s.client != nil {
		s.client.ClosedByClient(s.link)
	}
}
