//go:build linux

package emulator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// serverVariable names the server that this binary runs.
const serverVariable = "WEBPUBSUB_BENCH_SERVER"

// servers by name, as benchmarks start them.
var servers = map[string]func() (http.Handler, error){
	"inspected":    func() (http.Handler, error) { return emulator.New(emulator.Config{Inspector: &emulator.Inspector{}}) },
	"emulator":     func() (http.Handler, error) { return emulator.New(emulator.Config{}) },
	"plain":        func() (http.Handler, error) { return &plain{members: make(map[*member]struct{})}, nil },
	"plain direct": func() (http.Handler, error) { return &plain{direct: true, members: make(map[*member]struct{})}, nil },
}

func TestMain(m *testing.M) {
	name := os.Getenv(serverVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	if err := serve(name, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve serves until its input ends. It writes its address and that of its inspector, and its usage for each
// line of input.
func serve(name string, in io.Reader, out io.Writer) error {
	h, err := servers[name]()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = (&http.Server{Handler: h}).Serve(l) }() // ends with the process
	inspector := ""
	if emu, ok := h.(*emulator.Server); ok {
		inspector = emu.InspectorURL("http://" + l.Addr().String())
	}
	if _, err := fmt.Fprintln(out, l.Addr(), inspector); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		use := usage{}
		if use.Processor, err = processorTime(); err != nil {
			return err
		}
		if lines.Text() == "memory" {
			if err := use.measureMemory(); err != nil {
				return err
			}
		}
		if err := json.NewEncoder(out).Encode(use); err != nil {
			return err
		}
	}
	return nil
}

// usage is the resource usage of a process.
type usage struct {
	Processor time.Duration
	Heap      int64 // bytes of live objects, and stacks
	Resident  int64 // bytes, as the kernel counts
}

func processorTime() (time.Duration, error) {
	var use syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	return time.Duration(use.Utime.Nano() + use.Stime.Nano()), err
}

func (u *usage) measureMemory() error {
	for range 3 { // finalizers and pools release memory in later runs
		runtime.GC()
	}
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	u.Heap = int64(stats.HeapAlloc + stats.StackInuse)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			u.Resident = kib << 10
			return err
		}
	}
	return errors.New("/proc/self/status has no VmRSS")
}

// process is a server in its own process.
type process struct {
	name    string
	address string
	// inspector is its URL; empty for none.
	inspector string
	in        io.WriteCloser
	out       *bufio.Reader
}

func start(b *testing.B, name string) *process {
	b.Helper()
	program, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.CommandContext(context.WithoutCancel(b.Context()), program) // it ends with its input
	cmd.Env = append(os.Environ(), serverVariable+"="+name)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	p := &process{name: name, in: in, out: bufio.NewReader(out)}
	line, err := p.out.ReadString('\n')
	require.NoError(b, err)
	p.address, p.inspector, _ = strings.Cut(strings.TrimSpace(line), " ")
	return p
}

// uses asks the process for its usage: processor time, and memory on request.
func (p *process) uses(b *testing.B, what string) usage {
	b.Helper()
	_, err := fmt.Fprintln(p.in, what)
	require.NoError(b, err)
	line, err := p.out.ReadBytes('\n')
	require.NoError(b, err)
	var use usage
	require.NoError(b, json.Unmarshal(line, &use))
	return use
}
