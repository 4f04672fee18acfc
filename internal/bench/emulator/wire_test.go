//go:build linux

package emulator_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// client is a WebSocket client that does little, to leave the processor to the server.
type client struct {
	net.Conn
	in    *bufio.Reader
	frame int // bytes of the last frame
}

// user is the user id of all clients.
const user = "ann"

// The first bytes of frames.
const (
	textFrame   = 0x81
	binaryFrame = 0x82
)

// dial connects a client of hub chat: a member of group g that can send to it.
func dial(b *testing.B, address, subprotocol, query string) *client {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	c := &client{Conn: conn, in: bufio.NewReaderSize(conn, 512)}
	if subprotocol != "" {
		subprotocol = "Sec-WebSocket-Protocol: " + subprotocol + "\r\n"
	}
	_, err = fmt.Fprintf(conn, "GET /client/hubs/chat?access_token=%s%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%s\r\n", token(b, address), query, address, subprotocol)
	require.NoError(b, err)
	resp, err := http.ReadResponse(c.in, nil)
	require.NoError(b, err)
	require.Equal(b, http.StatusSwitchingProtocols, resp.StatusCode)
	require.NoError(b, resp.Body.Close())
	return c
}

func token(b *testing.B, address string) string {
	b.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"aud": "http://" + address + "/client/hubs/chat", "exp": time.Now().Add(time.Hour).Unix(), "sub": user,
		"role": []string{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"}, "webpubsub.group": "g",
	}).SignedString([]byte(emulator.DefaultAccessKey))
	require.NoError(b, err)
	return text
}

// next reads one frame, whose payload must end with text.
func (c *client) next(text string) error {
	head, err := c.in.Peek(2)
	if err != nil {
		return err
	}
	kind, size, length := head[0]&0xf, 2, int(head[1])
	if length == 126 {
		if head, err = c.in.Peek(4); err != nil {
			return err
		}
		size, length = 4, int(binary.BigEndian.Uint16(head[2:]))
	}
	const ping = 9
	if (kind > 2 && kind != ping) || length > c.in.Size()-size {
		return fmt.Errorf("frame of kind %d with %d bytes", kind, length)
	}
	frame, err := c.in.Peek(size + length)
	if err != nil {
		return err
	}
	if kind == ping {
		pong := append([]byte{0x8a, 0x80 | byte(length), 0, 0, 0, 0}, frame[size:]...)
		if _, err := c.Write(pong); err != nil {
			return err
		}
		if _, err = c.in.Discard(size + length); err != nil {
			return err
		}
		return c.next(text)
	}
	if !strings.Contains(string(frame[size:]), text) {
		return fmt.Errorf("frame %q does not have the text", frame)
	}
	c.frame = size + length
	_, err = c.in.Discard(size + length)
	return err
}

// settle waits until the server reads frames, before which a plain server does not know the
// client.
func (c *client) settle() error {
	const ping, pong = 0x89, "\x8a\x00"
	if err := c.send(ping, ""); err != nil {
		return err
	}
	frame := make([]byte, len(pong))
	if _, err := io.ReadFull(c.in, frame); err != nil {
		return err
	}
	if string(frame) != pong {
		return fmt.Errorf("frame %q is no pong", frame)
	}
	return nil
}

// send sends a frame of up to 64 KiB, masked with zeros.
func (c *client) send(kind byte, text string) error {
	frame := []byte{kind}
	if len(text) < 126 {
		frame = append(frame, 0x80|byte(len(text)))
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(len(text)))
	}
	frame = append(frame, 0, 0, 0, 0)
	_, err := io.WriteString(c.Conn, string(frame)+text)
	return err
}
