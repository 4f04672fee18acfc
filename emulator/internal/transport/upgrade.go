package transport

import (
	"bufio"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// handshakeFailed is what the event handler hears of a client whose connection
// did not come about.
const handshakeFailed = "The client's handshake failed."

// serve answers the handshake and carries frames until the socket ends. c is in
// its hub by then, so that a client is reachable as soon as it hears that it is
// connected: what is sent to it before waits in the link. If the handshake fails,
// a new connection ends; one that was to be recovered waits for its client again.
// c is nil if there is nothing to recover. The hubs have admitted the link.
func (s *socket) serve(w http.ResponseWriter, r *http.Request, name string, c *hub.Connection, isNew bool) {
	defer s.e.Hubs.Release(s.link)
	s.hubConn = c
	if err := s.upgrade(w, r, name); err != nil { // the client has its answer
		trace.Emit(r.Context(), s.e.Hubs.Trace, trace.HandshakeFailed{Reason: err.Error()})
		s.link.Discard()
		if c != nil {
			c.Lost(s.link, hub.Ending{Final: isNew, Reason: handshakeFailed})
		}
		return
	}
	s.run(c)
}

// upgrade makes the request a WebSocket of the subprotocol, if it has a name.
func (s *socket) upgrade(w http.ResponseWriter, r *http.Request, name string) error {
	options := &websocket.AcceptOptions{InsecureSkipVerify: true} // the server has looked at the origin
	if name != "" {
		options.Subprotocols = []string{name}
	}
	conn, err := websocket.Accept(&hijacker{w, s}, r, options)
	if err != nil {
		return err
	}
	conn.SetReadLimit(-1) // read has its own, so that it can say goodbye
	s.conn = conn
	return nil
}

// hijacker tells a socket the connection below its WebSocket: closing it is the
// one way to end a WebSocket whose peer is dead without waiting for it.
type hijacker struct {
	http.ResponseWriter
	socket *socket
}

// Hijack takes the connection over.
func (h *hijacker) Hijack() (conn net.Conn, rw *bufio.ReadWriter, err error) {
	conn, rw, err = http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.socket.has(conn)
	conn, rw = h.socket.answering(conn, rw)
	return conn, rw, nil
}
