package inspect_test

import (
	"testing"

	"github.com/go-webpubsub/webpubsub/emulator/internal/inspect"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// BenchmarkFrame records a frame of a message for many clients.
func BenchmarkFrame(b *testing.B) {
	l := inspect.NewList(inspect.DefaultMaxRecords, inspect.DefaultMaxBytes)
	defer l.Read().Close()
	s := trace.New([]string{key}, l)
	data := []byte(`{"type":"message","from":"group","fromUserId":"ann","group":"g","dataType":"text","data":"hello"}`)
	client := trace.Client{Hub: "chat", Connection: "0123456789abcdef0123456789abcdef", User: "ann"}
	client = s.Clean(client)
	b.ReportAllocs()
	for b.Loop() {
		trace.EmitFrame(b.Context(), s, trace.FrameOut{Client: client, Subprotocol: "json.webpubsub.azure.v1", Data: trace.Data(data)})
	}
}
