//go:build unix

package bench_test

import (
	"context"
	"encoding/json"
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// message is a frame of a handwritten client.
type message struct {
	Type       string          `json:"type"`
	From       string          `json:"from,omitempty"`
	Group      string          `json:"group,omitempty"`
	FromUserID *string         `json:"fromUserId,omitempty"`
	AckID      uint64          `json:"ackId,omitempty"`
	NoEcho     *bool           `json:"noEcho,omitempty"`
	Success    bool            `json:"success,omitempty"`
	SequenceID uint64          `json:"sequenceId,omitempty"`
	DataType   string          `json:"dataType,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`
}

// dialByHand connects a minimal client: no recovery, acks of messages, keep-alive,
// queue or callbacks.
func dialByHand(tb testing.TB, s *service) (*websocket.Conn, net.Conn) {
	tb.Helper()
	ws, _, err := websocket.Dial(context.Background(), s.address, &websocket.DialOptions{Subprotocols: []string{"json.reliable.webpubsub.azure.v1"}})
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = ws.CloseNow() })
	_, _, err = ws.Read(context.Background())
	require.NoError(tb, err)
	return ws, s.conn(tb)
}

func startClient(tb testing.TB, s *service, prepare func(*client.Client)) (*client.Client, net.Conn) {
	tb.Helper()
	return startClientOver(tb, s, client.ProtocolJSONReliable, prepare)
}

func startClientOver(tb testing.TB, s *service, p client.Protocol, prepare func(*client.Client)) (*client.Client, net.Conn) {
	tb.Helper()
	// Nobody answers pings, and they are no part of what is counted.
	c, err := client.New(client.StaticURL(s.address), &client.Options{Protocol: p, KeepAliveInterval: -1, KeepAliveTimeout: -1})
	require.NoError(tb, err)
	if prepare != nil {
		prepare(c)
	}
	require.NoError(tb, c.Start(tb.Context()))
	conn := s.conn(tb)
	tb.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // the service does not answer the close frame
		_ = c.Stop(ctx)
		_ = c.Stop(context.Background())
	})
	return c, conn
}

// BenchmarkClientReceive reads messages of 128 bytes to a group from a socket and
// passes them to a callback, compared with a handwritten client.
func BenchmarkClientReceive(b *testing.B) {
	s := newService(b)
	check := func(data []byte) {
		if len(data) != len(jsonBody) {
			b.Errorf("payload has %d bytes", len(data))
		}
	}

	ws, hands := dialByHand(b, s)
	handBatch := newBatch()
	hand := func() {
		go func() { _ = handBatch.write(hands) }()
		for range batchSize {
			_, data, err := ws.Read(context.Background())
			var m message
			if err != nil || json.Unmarshal(data, &m) != nil {
				b.Error("not read")
				return
			}
			check(m.Data)
		}
	}

	var n atomic.Int64
	all := make(chan struct{}, 1)
	_, ours := startClient(b, s, func(c *client.Client) {
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
			if len(m.Data.String()) != len(jsonBody) {
				b.Error("payload is not whole")
			}
			if n.Add(1)%batchSize == 0 {
				all <- struct{}{}
			}
		})
	})
	go drain(ours)
	ourBatch := newBatch()
	whole := func() {
		go func() { _ = ourBatch.write(ours) }()
		<-all
	}
	b.Run("hand", func(b *testing.B) { measureClient(b, batchSize, hand) })
	b.Run("client", func(b *testing.B) { measureClient(b, batchSize, whole) })
	b.Run("ratio", func(b *testing.B) { compareClients(b, whole, hand) })
}

func drain(conn net.Conn) {
	buf := make([]byte, 4096)
	for {
		if _, err := conn.Read(buf); err != nil {
			return
		}
	}
}

// BenchmarkClientSend sends messages of 128 bytes to a group without acks, as fast
// as possible.
func BenchmarkClientSend(b *testing.B) {
	const sends = 1000
	s := newService(b)
	ws, conn := dialByHand(b, s)
	hands := &counter{done: make(chan struct{}, 1)}
	go hands.run(conn)
	noEcho := false
	sendByHand := func() {
		data, err := json.Marshal(&message{Type: "sendToGroup", Group: "lobby", NoEcho: &noEcho, DataType: "json", Data: json.RawMessage(jsonBody)})
		if err == nil {
			err = ws.Write(context.Background(), websocket.MessageText, data)
		}
		if err != nil {
			b.Error(err)
		}
	}
	c, conn := startClient(b, s, nil)
	ours := &counter{done: make(chan struct{}, 1)}
	go ours.run(conn)
	send := func() {
		if _, err := c.SendToGroup(b.Context(), "lobby", client.RawJSON([]byte(jsonBody)), &client.SendOptions{FireAndForget: true}); err != nil {
			b.Error(err)
		}
	}
	hand, _ := manySends(b, sends, hands, sendByHand)
	whole, _ := manySends(b, sends, ours, send)
	b.Run("hand", func(b *testing.B) { measureClient(b, sends, hand) })
	b.Run("client", func(b *testing.B) { measureClient(b, sends, whole) })
	b.Run("ratio", func(b *testing.B) { compareClients(b, whole, hand) })
}

// manySends returns a function that sends n messages and returns when all are read, and
// the size of one on the wire.
func manySends(b *testing.B, n int, read *counter, send func()) (many func(), size int64) {
	b.Helper()
	read.target.Store(-1)
	send()
	for size = read.read.Load(); size == 0; size = read.read.Load() {
		runtime.Gosched()
	}
	many = func() {
		read.target.Store(read.read.Load() + int64(n)*size)
		for range n {
			send()
		}
		<-read.done
	}
	return many, size
}

// BenchmarkClientAcked sends messages one at a time and waits for each ack.
func BenchmarkClientAcked(b *testing.B) {
	const sends = 200
	s := newService(b)
	ws, conn := dialByHand(b, s)
	go acknowledge(conn)
	noEcho, id := false, uint64(0)
	hand := func() {
		for range sends {
			id++
			data, err := json.Marshal(&message{Type: "sendToGroup", Group: "lobby", AckID: id, NoEcho: &noEcho, DataType: "json", Data: json.RawMessage(jsonBody)})
			if err == nil {
				err = ws.Write(context.Background(), websocket.MessageText, data)
			}
			if err == nil {
				_, data, err = ws.Read(context.Background())
			}
			var m message
			if err == nil {
				err = json.Unmarshal(data, &m)
			}
			if err != nil || m.AckID != id || !m.Success {
				b.Error("no ack", err, m)
				return
			}
		}
	}
	c, conn := startClient(b, s, nil)
	go acknowledge(conn)
	whole := func() {
		for range sends {
			if _, err := c.SendToGroup(b.Context(), "lobby", client.RawJSON([]byte(jsonBody)), nil); err != nil {
				b.Error(err)
			}
		}
	}
	b.Run("hand", func(b *testing.B) { measureClient(b, sends, hand) })
	b.Run("client", func(b *testing.B) { measureClient(b, sends, whole) })
	b.Run("ratio", func(b *testing.B) { compareClients(b, whole, hand) })
}

// measureClient reports the wall time and processor time of one message.
func measureClient(b *testing.B, n int, turn func()) {
	b.Helper()
	b.ReportAllocs()
	turn()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	cpu := clientProcessorTime(b)
	for b.Loop() {
		turn()
	}
	spent := clientProcessorTime(b) - cpu
	runtime.ReadMemStats(&after)
	all := float64(b.N) * float64(n)
	b.ReportMetric(float64(spent)/all, "cpu-ns/message")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/all, "allocs/message")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/all, "B/message")
}

// compareClients reports the ratio of the processor times of two functions. It runs
// them in turn, so that other load affects both.
func compareClients(b *testing.B, turn, other func()) {
	b.Helper()
	var spent [2]time.Duration
	for b.Loop() {
		for i, f := range []func(){turn, other} {
			before := clientProcessorTime(b)
			f()
			spent[i] += clientProcessorTime(b) - before
		}
	}
	b.ReportMetric(float64(spent[0])/float64(spent[1]), "times")
}

func clientProcessorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var use syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// BenchmarkIdleClients reports the heap and stack memory of a connected client that
// waits for messages, compared with a handwritten client.
func BenchmarkIdleClients(b *testing.B) {
	const clients = 1000
	s := newService(b)
	hand := func(b *testing.B) {
		b.Helper()
		ws, _ := dialByHand(b, s)
		go func() { _, _, _ = ws.Read(context.Background()) }()
	}
	whole := func(b *testing.B) {
		b.Helper()
		startClient(b, s, nil)
	}
	for _, way := range []struct {
		name  string
		begin func(*testing.B)
	}{{"hand", hand}, {"client", whole}} {
		b.Run(way.name, func(b *testing.B) {
			before, goroutines := inUse(), runtime.NumGoroutine()
			for range clients {
				way.begin(b)
			}
			for b.Loop() { // measured once
				runtime.Gosched()
			}
			b.ReportMetric((inUse()-before)/clients, "B/idle-client")
			b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/clients, "goroutines/idle-client")
		})
	}
}

func inUse() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse + m.StackInuse)
}
