//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is a peer or the emulator. A peer carries out one command after the other: a line
// with a name and numbers. It answers "done" when all of the work has succeeded.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(program string, args ...string) (*process, error) {
	cmd := exec.Command(program, args...) //nolint:noctx,gosec // it ends with its input; the programs are of this repository
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	return &process{cmd, in, bufio.NewReader(out)}, cmd.Start()
}

func (p *process) close() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }

// begin sends a command, whose answer await reads.
func (p *process) begin(command string, numbers ...int) error {
	for _, n := range numbers {
		command += " " + strconv.Itoa(n)
	}
	_, err := fmt.Fprintln(p.in, command)
	return err
}

func (p *process) await() error {
	line, err := p.out.ReadString('\n')
	if err == nil && line != "done\n" {
		err = fmt.Errorf("%s: %s", p.cmd.Args[len(p.cmd.Args)-1], strings.TrimSpace(line))
	}
	return err
}

func (p *process) do(command string, numbers ...int) error {
	return errors.Join(p.begin(command, numbers...), p.await())
}

// first decodes the line that the emulator prints when it has started.
func (p *process) first(v any) error {
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, v)
}

// processorTime returns what all threads of the process have used so far.
func (p *process) processorTime() (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED: in nanoseconds
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid)<<3|scheduled, &t); err != nil { //nolint:gosec // a process id has 22 bits
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// resident returns the resident memory in bytes, after a garbage collection.
func (p *process) resident() (int, error) {
	if err := p.do("collect"); err != nil {
		return 0, err
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	var all, pages int
	if _, err := fmt.Sscan(string(b), &all, &pages); err != nil {
		return 0, err
	}
	return pages * os.Getpagesize(), nil
}
