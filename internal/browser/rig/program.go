package rig

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Builder builds a program once for all tests of a package.
type Builder struct {
	once func() (program string, err error)
	// lastPort is that of the last server. Servers have ports below those that systems
	// assign, so that a server that restarts finds its port free.
	lastPort atomic.Int32
}

// NewBuilder returns a Builder of the program in a directory.
func NewBuilder(dir string) *Builder {
	b := &Builder{once: sync.OnceValues(func() (string, error) {
		to, err := os.MkdirTemp("", "browser")
		if err != nil {
			return "", err
		}
		program := filepath.Join(to, filepath.Base(dir))
		cmd := exec.CommandContext(context.Background(), "go", "build", "-o", program, ".") //nolint:gosec // the tests name the program
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build %s: %w: %s", dir, err, out)
		}
		return program, nil
	})}
	b.lastPort.Store(20_000 + rand.Int32N(10_000)) //nolint:gosec // a port is no secret
	return b
}

// Close removes what was built.
func (b *Builder) Close() {
	if program, err := b.once(); err == nil {
		_ = os.RemoveAll(filepath.Dir(program))
	}
}

// Command returns a command that runs the program. It is not bound to the test's context, so that the
// test can interrupt it.
func (b *Builder) Command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := b.once()
	require.NoError(t, err)
	return exec.CommandContext(context.WithoutCancel(t.Context()), program, args...) //nolint:gosec // as above
}

// Program is a server that runs until the test ends.
type Program struct {
	Addr string // that it listens on
	URL  string

	t       *testing.T
	builder *Builder
	args    []string
	prefix  string // of its URL in what it prints
	cmd     *exec.Cmd
	lines   chan string
}

// Start starts a program with --addr and more arguments. It waits until the program prints
// the prefix with its URL.
func Start(t *testing.T, builder *Builder, prefix string, args ...string) *Program {
	t.Helper()
	p := &Program{t: t, builder: builder, args: args, prefix: prefix, Addr: builder.freeAddress(t)}
	p.Run()
	t.Cleanup(p.Stop)
	return p
}

func (b *Builder) freeAddress(t *testing.T) string {
	t.Helper()
	for {
		addr := fmt.Sprintf("127.0.0.1:%d", b.lastPort.Add(1))
		if ln, err := net.Listen("tcp", addr); err == nil {
			require.NoError(t, ln.Close())
			return addr
		}
	}
}

// Run starts the program, at the same address if it ran before.
func (p *Program) Run() {
	p.t.Helper()
	p.cmd = p.builder.Command(p.t, append([]string{"--addr", p.Addr}, p.args...)...)
	p.cmd.Env = append(os.Environ(), "WEBPUBSUB_CONNECTION_STRING=")
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, p.cmd.Start())
	p.lines = make(chan string, 1000)
	go func(lines chan<- string) {
		defer close(lines)
		for out := bufio.NewScanner(stdout); out.Scan(); {
			select {
			case lines <- out.Text():
			default: // nobody reads it; a full pipe would make the program wait
			}
		}
	}(p.lines)
	p.URL = p.Printed(p.prefix)
}

// Printed waits for a line with a prefix and returns the word after it.
func (p *Program) Printed(prefix string) string {
	p.t.Helper()
	for line := range p.lines {
		if _, after, ok := strings.Cut(line, prefix); ok {
			word, _, _ := strings.Cut(after, " ")
			return cmp.Or(word, after)
		}
	}
	require.Fail(p.t, "the program ended before it printed "+prefix)
	return ""
}

// Stop interrupts the program and requires exit code 0.
func (p *Program) Stop() {
	p.t.Helper()
	if p.cmd == nil {
		return
	}
	cmd := p.cmd
	p.cmd = nil
	require.NoError(p.t, cmd.Process.Signal(os.Interrupt))
	assert.NoError(p.t, cmd.Wait())
}
