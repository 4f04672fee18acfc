//go:build linux

package process

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// The environment of a part: its name and argument.
const (
	nameVariable     = "WEBPUBSUB_BENCH_PART"
	argumentVariable = "WEBPUBSUB_BENCH_ARGUMENT"
)

// Part is what a process runs. It begins, and returns a line for the benchmark, such as an
// address. It goes on until the process ends.
type Part func(argument string) (string, error)

// Run runs the part for which this process was started, and reports whether there is one.
// TestMain calls it.
func Run(parts map[string]Part) (ran bool) {
	name := os.Getenv(nameVariable)
	if name == "" {
		return false
	}
	if err := serve(parts[name], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// serve begins a part and writes its line. It writes its usage for each line of input, and
// returns when there are no more.
func serve(part Part, in io.Reader, out io.Writer) error {
	line, err := part(os.Getenv(argumentVariable))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, line); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		use, err := measure(lines.Text() == wantMemory)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(out).Encode(use); err != nil {
			return err
		}
	}
	return nil
}

// Process is a running part.
type Process struct {
	Line string // that the part has returned
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

// Start starts a part, which ends with Close.
func Start(name, argument string) (*Process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program) //nolint:noctx,gosec // it is this program, and ends with its input
	cmd.Env = append(os.Environ(), nameVariable+"="+name, argumentVariable+"="+argument)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, in: in, out: bufio.NewReader(out)}
	if p.Line, err = p.out.ReadString('\n'); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.Line = strings.TrimSpace(p.Line)
	return p, nil
}

// Close ends the process and waits for it.
func (p *Process) Close() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }

const (
	wantTime   = "time"
	wantMemory = "memory"
)

// Time returns the processor time and the context switches of the process so far.
func (p *Process) Time() (Usage, error) { return p.ask(wantTime) }

// Memory returns the memory of the process too, after a garbage collection.
func (p *Process) Memory() (Usage, error) { return p.ask(wantMemory) }

func (p *Process) ask(what string) (use Usage, err error) {
	if _, err := fmt.Fprintln(p.in, what); err != nil {
		return use, err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return use, err
	}
	return use, json.Unmarshal(line, &use)
}
