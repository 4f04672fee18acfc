//go:build linux

package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/internal/bench/process"
)

func TestMain(m *testing.M) {
	if !process.Run(pacedClients) {
		os.Exit(m.Run())
	}
}

// pacedClients are the clients of BenchmarkPaced, each a process of its own. Their argument
// is the URL of the service.
var pacedClients = map[string]process.Part{
	"read":   func(url string) (string, error) { return readLoop(url, nil) },
	"decode": func(url string) (string, error) { return readLoop(url, new(message)) },
	"client": func(url string) (string, error) { return callback(url, client.ProtocolJSONReliable) },
	"protobuf": func(url string) (string, error) {
		return callback(url, client.ProtocolProtobufReliable)
	},
}

// readLoop reads messages, and decodes them into m unless it is nil.
func readLoop(url string, m *message) (string, error) {
	ws, _, err := websocket.Dial(context.Background(), url, &websocket.DialOptions{Subprotocols: []string{"json.reliable.webpubsub.azure.v1"}})
	if err != nil {
		return "", err
	}
	go func() {
		for {
			_, data, err := ws.Read(context.Background())
			if err == nil && m != nil {
				*m = message{}
				err = json.Unmarshal(data, m)
			}
			if err != nil {
				return
			}
		}
	}()
	return "ready", nil
}

func callback(url string, p client.Protocol) (string, error) {
	c, err := client.New(client.StaticURL(url), &client.Options{Protocol: p})
	if err != nil {
		return "", err
	}
	c.OnGroupMessage(func(context.Context, *client.GroupMessage) {})
	return "ready", c.Start(context.Background())
}

// paced is a client that receives messages at a rate.
type paced struct {
	name string
	*process.Process
	conn  net.Conn
	frame func(id int) []byte
	used  process.Usage
}

const (
	pace     = 500 * time.Microsecond
	paceTurn = 400 // messages
	paceBody = `{"text":"a message of 100 bytes, which a client receives 2000 times a second, one at a time: 12345"}`
)

// BenchmarkPaced sends clients 2,000 messages of 100 bytes a second, and reports the
// processor time and context switches of each client per message: of loops over the
// WebSocket library that read, and that decode with encoding/json, and of package client
// with a callback.
func BenchmarkPaced(b *testing.B) {
	s := newService(b)
	var clients []*paced
	for _, name := range []string{"read", "decode", "client", "protobuf"} {
		p, err := process.Start(name, s.address)
		require.NoError(b, err)
		c := &paced{name: name, Process: p, conn: s.conn(b), frame: jsonFrame}
		b.Cleanup(func() { require.NoError(b, p.Close()) })
		if name == "protobuf" {
			c.frame = protobufFrame
		}
		go drain(c.conn)
		clients = append(clients, c)
	}
	id := 0
	turn := func(c *paced) {
		before, err := c.Time()
		require.NoError(b, err)
		ticks := time.NewTicker(pace)
		defer ticks.Stop()
		for range paceTurn {
			<-ticks.C
			id++
			_, err := c.conn.Write(c.frame(id))
			require.NoError(b, err)
		}
		after, err := c.Time()
		require.NoError(b, err)
		c.used.Processor += after.Processor - before.Processor
		c.used.Switches += after.Switches - before.Switches
	}
	for b.Loop() {
		for _, c := range clients {
			turn(c)
		}
	}
	all := float64(b.N) * paceTurn
	for _, c := range clients {
		b.ReportMetric(float64(c.used.Processor)/all, c.name+"-ns/msg")
		b.ReportMetric(float64(c.used.Switches)/all, c.name+"-switches/msg")
		b.ReportMetric(float64(c.used.Processor)/float64(clients[0].used.Processor), c.name+"-x-read")
	}
}

func jsonFrame(id int) []byte {
	return textFrame(fmt.Sprintf(`{"sequenceId":%d,"type":"message","from":"group","group":"lobby","fromUserId":"user-42","dataType":"json","data":%s}`, id, paceBody))
}

func protobufFrame(id int) []byte {
	return binaryFrame(nested(2, joined(field(1, "group"), field(2, "lobby"), nested(3, field(4, paceBody)), protowire.AppendVarint(protowire.AppendTag(nil, 4, protowire.VarintType), uint64(id)))))
}
