//go:build unix

package bench_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/go-webpubsub/webpubsub/client"
)

// BenchmarkClientReceiveProtobuf reads the messages of BenchmarkClientReceive in
// protobuf and in JSON.
func BenchmarkClientReceiveProtobuf(b *testing.B) {
	s := newService(b)
	receive := func(p client.Protocol, messages *batch) func() {
		var n atomic.Int64
		all := make(chan struct{}, 1)
		_, conn := startClientOver(b, s, p, func(c *client.Client) {
			c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
				if len(m.Data.String()) != len(jsonBody) {
					b.Error("payload is not whole")
				}
				if n.Add(1)%batchSize == 0 {
					all <- struct{}{}
				}
			})
		})
		go drain(conn)
		return func() {
			go func() { _ = messages.write(conn) }()
			<-all
		}
	}
	protobufBatch, jsonBatch := newProtobufBatch(), newBatch()
	protobuf, json := receive(client.ProtocolProtobufReliable, protobufBatch), receive(client.ProtocolJSONReliable, jsonBatch)
	b.Run("protobuf", func(b *testing.B) {
		measureClient(b, batchSize, protobuf)
		b.ReportMetric(float64(len(protobufBatch.frames))/batchSize, "wire-B/message")
	})
	b.Run("json", func(b *testing.B) {
		measureClient(b, batchSize, json)
		b.ReportMetric(float64(len(jsonBatch.frames))/batchSize, "wire-B/message")
	})
	b.Run("ratio", func(b *testing.B) { compareClients(b, protobuf, json) })
}

// BenchmarkClientSendProtobuf sends the messages of BenchmarkClientSend in protobuf and
// in JSON.
func BenchmarkClientSendProtobuf(b *testing.B) {
	const sends = 1000
	s := newService(b)
	send := func(p client.Protocol) (many func(), size int64) {
		c, conn := startClientOver(b, s, p, nil)
		read := &counter{done: make(chan struct{}, 1)}
		go read.run(conn)
		return manySends(b, sends, read, func() {
			if _, err := c.SendToGroup(b.Context(), "lobby", client.RawJSON([]byte(jsonBody)), &client.SendOptions{FireAndForget: true}); err != nil {
				b.Error(err)
			}
		})
	}
	protobuf, protobufSize := send(client.ProtocolProtobufReliable)
	json, jsonSize := send(client.ProtocolJSONReliable)
	b.Run("protobuf", func(b *testing.B) {
		measureClient(b, sends, protobuf)
		b.ReportMetric(float64(protobufSize), "wire-B/message")
	})
	b.Run("json", func(b *testing.B) {
		measureClient(b, sends, json)
		b.ReportMetric(float64(jsonSize), "wire-B/message")
	})
	b.Run("ratio", func(b *testing.B) { compareClients(b, protobuf, json) })
}
