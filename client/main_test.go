package client_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"testing"
)

// TestMain fails the test binary if anything of a client still runs: every test
// has stopped its own by now, and Stop waits.
func TestMain(m *testing.M) {
	code := m.Run()
	if leaked := leaks(); code == 0 && len(leaked) > 0 {
		fmt.Fprintf(os.Stderr, "goroutines leaked:\n\n%s\n", strings.Join(leaked, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// leaks gives the goroutines that run code of this module or of the WebSocket
// library, other than the one that asks.
func leaks() []string {
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2) // a buffer takes everything
	var out []string
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		ours := strings.Contains(stack, "go-webpubsub/webpubsub") || strings.Contains(stack, "coder/websocket")
		if ours && !strings.Contains(stack, "client_test.leaks(") {
			out = append(out, stack)
		}
	}
	return out
}
