package transport

import (
	"bufio"
	"encoding/binary"
	"net"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

// goodbye ends the client's chance to come back. A client that says goodbye over the
// socket of a recovery has answered there.
func (s *socket) goodbye() {
	if s.claim != nil {
		s.claim()
	}
	if s.hubConn != nil {
		s.hubConn.Goodbye(s.link)
	}
}

// answers is the connection below a WebSocket, which answers close frames by itself.
// It calls a function before it writes the answer to a goodbye: a client that has that
// answer may try at once to come back.
type answers struct {
	net.Conn
	goodbye func()
}

// Write writes a frame, or a part of one.
func (a answers) Write(p []byte) (int, error) {
	if isGoodbye(p) {
		a.goodbye()
	}
	return a.Conn.Write(p)
}

// isGoodbye reports whether a close frame of 1000, or without a code, is written. Close
// frames are written whole. A part of a message is none: JSON has no control characters,
// and clients without a subprotocol cannot come back in any case.
func isGoodbye(p []byte) bool {
	const closing = 0x88 // and the last part of its frame
	return len(p) >= 2 && p[0] == closing && (p[1] == 0 || len(p) >= 4 && binary.BigEndian.Uint16(p[2:]) == hub.CloseNormal)
}

// answering lets a WebSocket write to its connection through answers.
func (s *socket) answering(conn net.Conn, rw *bufio.ReadWriter) (net.Conn, *bufio.ReadWriter) {
	out := answers{conn, func() {
		if !s.closes.Load() { // else it is the server that says goodbye
			s.goodbye()
		}
	}}
	return out, bufio.NewReadWriter(rw.Reader, bufio.NewWriter(out))
}
