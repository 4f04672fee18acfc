package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"testing"
)

// TestMain fails the test binary if anything of this module still runs.
func TestMain(m *testing.M) {
	code := m.Run()
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2) // a buffer takes everything
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		ours := strings.Contains(stack, "go-webpubsub/webpubsub") || strings.Contains(stack, "coder/websocket")
		if ours && !strings.Contains(stack, "e2e_test.TestMain(") {
			fmt.Fprintf(os.Stderr, "goroutine leaked:\n%s\n", stack)
			code = 1
		}
	}
	os.Exit(code)
}
