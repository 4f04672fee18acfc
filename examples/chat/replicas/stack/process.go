package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a child process that can be started again.
type process struct {
	name string
	args []string
	env  []string
	out  io.Writer
	dial []string // network and address at which it serves

	mu     sync.Mutex
	cmd    *exec.Cmd
	errors *tail
	ended  chan struct{} // closed after Wait
	used   time.Duration // processor time of the processes that have ended
}

// start starts the process, and returns when it serves.
func (p *process) start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := exec.LookPath(p.name); err != nil {
		return fmt.Errorf("%w: install it", err)
	}
	// The context does not end it: Close does, in order. A group of its own keeps Ctrl+C
	// of the terminal from it.
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), p.name, p.args...) //nolint:gosec // it runs this program and two others, by name
	p.cmd.Env, p.cmd.Stdout = p.env, p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.errors = &tail{}
	p.cmd.Stderr = p.errors
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.ended = make(chan struct{})
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is in ProcessState
	}()
	limit := time.After(patience)
	for {
		if conn, err := (&net.Dialer{}).DialContext(ctx, p.dial[0], p.dial[1]); err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			state := p.cmd.ProcessState
			p.cmd = nil
			return fmt.Errorf("it ended: %v: %s", state, p.errors)
		case <-ctx.Done():
			return ctx.Err()
		case <-limit:
			return fmt.Errorf("it does not serve at %s after %v: %s", p.dial[1], patience, p.errors)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// stop ends the process in order, and waits for it.
func (p *process) stop() error { return p.end(syscall.SIGTERM) }

// kill ends the process at once.
func (p *process) kill() { _ = p.end(syscall.SIGKILL) }

func (p *process) end(signal syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(signal) // fails if it has ended
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return errors.New(p.name + " did not end in time")
	}
	state := p.cmd.ProcessState
	p.used += state.UserTime() + state.SystemTime()
	p.cmd = nil
	if signal == syscall.SIGTERM && !state.Success() && state.ExitCode() != -1 {
		return fmt.Errorf("%s: %v: %s", p.name, state, p.errors)
	}
	return nil
}

// ticks is the unit of the times in /proc, which is the same on all of Linux.
const ticks = 10 * time.Millisecond

// cpu returns the processor time that the process has used, earlier runs and its children
// included.
func (p *process) cpu() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return p.used
	}
	return p.used + used(p.cmd.Process.Pid)
}

func used(pid int) (sum time.Duration) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(stat), ") ") // the name may have spaces
	if fields := strings.Fields(after); len(fields) > 12 {
		for _, field := range fields[11:13] { // utime, stime
			n, _ := strconv.ParseInt(field, 10, 64)
			sum += time.Duration(n) * ticks
		}
	}
	children, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(pid) + "/children")
	for child := range strings.FieldsSeq(string(children)) {
		id, _ := strconv.Atoi(child)
		sum += used(id)
	}
	return sum
}

// freePorts returns ports that nobody listens on. They are below those that systems
// assign to clients, so that a process that restarts finds its port free.
func freePorts(ctx context.Context, n int) ([]int, error) {
	var ports []int
	for first := 20_000 + rand.IntN(10_000); len(ports) < n; first++ { //nolint:gosec // no secret
		if first == 32_000 {
			return nil, errors.New("no free port")
		}
		ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(first))
		if err != nil {
			continue
		}
		if err := ln.Close(); err != nil {
			return nil, err
		}
		ports = append(ports, first)
	}
	return ports, nil
}

// tail keeps the end of what a process prints as errors.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-maxTail):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
