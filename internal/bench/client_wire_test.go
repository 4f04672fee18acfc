package bench_test

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // required by RFC 6455
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// service is the other end of the clients. It does as little as possible, since its
// time is in every figure: it writes messages from one buffer in which only the
// sequence ids change, and counts the bytes that clients send.
type service struct {
	address string
	conns   chan net.Conn
}

func newService(tb testing.TB) *service {
	tb.Helper()
	s := &service{conns: make(chan net.Conn, 1)}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		key := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // required by RFC 6455
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: %s\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			r.Header.Get("Sec-Websocket-Protocol"), base64.StdEncoding.EncodeToString(key[:]))
		connected := textFrame(`{"type":"system","event":"connected","userId":"u","connectionId":"` + connectionID + `","reconnectionToken":"t"}`)
		if strings.HasPrefix(r.Header.Get("Sec-Websocket-Protocol"), "protobuf.") {
			connected = binaryFrame(nested(3, nested(1, joined(field(1, connectionID), field(2, "u"), field(3, "t")))))
		}
		_, _ = conn.Write(connected)
		s.conns <- conn
	}))
	tb.Cleanup(srv.Close)
	s.address = srv.URL + "/client/hubs/chat"
	return s
}

func textFrame(payload string) []byte {
	if len(payload) < 126 {
		return append([]byte{0x81, byte(len(payload))}, payload...)
	}
	head := []byte{0x81, 126, 0, 0}
	binary.BigEndian.PutUint16(head[2:], uint16(len(payload)))
	return append(head, payload...)
}

func binaryFrame(payload []byte) []byte {
	f := textFrame(string(payload))
	f[0] = 0x82
	return f
}

func field(number protowire.Number, text string) []byte { return nested(number, []byte(text)) }

func nested(number protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), message)
}

func joined(fields ...[]byte) []byte { return bytes.Join(fields, nil) }

// batch is a number of messages of 128 bytes to a group, ready to be written.
type batch struct {
	frames []byte
	ids    []int // offsets of the sequence ids
	next   int
	put    func(at []byte, id int) // overwrites an id
}

const (
	batchSize = 2000
	idDigits  = 9
)

func newBatch() *batch {
	b := &batch{next: 100_000_000, put: func(at []byte, id int) { strconv.AppendInt(at[:0], int64(id), 10) }}
	for range batchSize {
		f := textFrame(fmt.Sprintf(`{"sequenceId":%0*d,"type":"message","from":"group","group":"lobby","fromUserId":"user-42","dataType":"json","data":%s}`, idDigits, 0, jsonBody))
		b.ids = append(b.ids, len(b.frames)+bytes.Index(f, []byte("000000000")))
		b.frames = append(b.frames, f...)
	}
	return b
}

// newProtobufBatch is newBatch in protobuf. The ids have four bytes.
func newProtobufBatch() *batch {
	b := &batch{next: 100_000_000, put: func(at []byte, id int) { binary.PutUvarint(at, uint64(id)) }}
	for range batchSize {
		id := protowire.AppendVarint(protowire.AppendTag(nil, 4, protowire.VarintType), uint64(b.next))
		f := binaryFrame(nested(2, joined(field(1, "group"), field(2, "lobby"), nested(3, field(4, jsonBody)), id)))
		b.frames = append(b.frames, f...)
		b.ids = append(b.ids, len(b.frames)-4)
	}
	return b
}

// write writes the messages with the next ids.
func (b *batch) write(w io.Writer) error {
	for _, at := range b.ids {
		b.next++
		b.put(b.frames[at:], b.next)
	}
	_, err := w.Write(b.frames)
	return err
}

// counter counts the bytes that a client sends, and signals when a target is
// reached.
type counter struct {
	read   atomic.Int64
	target atomic.Int64
	done   chan struct{}
}

func (c *counter) run(conn net.Conn) {
	buf := make([]byte, 256<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if c.read.Add(int64(n)) == c.target.Load() {
			c.done <- struct{}{}
		}
	}
}

// acknowledge answers each request with its ack.
func acknowledge(conn net.Conn) {
	in := bufio.NewReaderSize(conn, 64<<10)
	var payload, out []byte
	for {
		head, err := in.Peek(8)
		if err != nil {
			return
		}
		length, rest := int(head[1]&0x7f), 2
		if length == 126 {
			length, rest = int(binary.BigEndian.Uint16(head[2:])), 4
		}
		mask := [4]byte{}
		copy(mask[:], head[rest:])
		_, _ = in.Discard(rest + 4)
		payload = append(payload[:0], make([]byte, length)...)
		if _, err := io.ReadFull(in, payload); err != nil {
			return
		}
		for i := range payload {
			payload[i] ^= mask[i&3]
		}
		_, after, found := bytes.Cut(payload, []byte(`"ackId":`))
		if !found {
			continue
		}
		id, _, _ := bytes.Cut(after, []byte(","))
		out = append(append(append(out[:0], 0x81, byte(32+len(id))), `{"type":"ack","ackId":`...), id...)
		out = append(out, `,"success":true}`...)
		out[1] = byte(len(out) - 2)
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

func (s *service) conn(tb testing.TB) net.Conn {
	tb.Helper()
	conn := <-s.conns
	tb.Cleanup(func() { require.NoError(tb, conn.Close()) })
	return conn
}
