package transport

import (
	"bufio"
	"encoding/binary"
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
	conn := closeWatcher{below, h.socket}
	return conn, bufio.NewReadWriter(rw.Reader, bufio.NewWriter(conn)), nil
}

// closeWatcher is the connection below a WebSocket, which answers close frames itself.
// It reports a client that has closed the WebSocket before the answer is written: the
// client may try to resume its connection as soon as it has the answer.
type closeWatcher struct {
	net.Conn
	socket *socket
}

// Write writes a frame, or a part of one.
func (w closeWatcher) Write(p []byte) (int, error) {
	if isNormalClose(p) && !w.socket.closing.Load() {
		w.socket.closed()
	}
	return w.Conn.Write(p)
}

// isNormalClose reports whether p is a close frame of 1000 or without code. Close frames
// are written whole. Part of a message is not mistaken for one: JSON has no control
// characters, and raw clients cannot resume connections.
func isNormalClose(p []byte) bool {
	const finalClose = 0x88
	return len(p) >= 2 && p[0] == finalClose && (p[1] == 0 || len(p) >= 4 && binary.BigEndian.Uint16(p[2:]) == hub.CloseNormal)
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
