//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// What all peers send and receive, also those in peer.js.
const (
	messageBody = `{"text":"a message of 100 bytes, which a client receives 2000 times a second, one at a time: 12345"}`
	sinkGroup   = "sink" // where peers send to
	postSize    = 1 << 10
)

// job carries out a command with its numbers.
type job func(ctx context.Context, numbers []int) error

// serve is a Go peer. It carries out commands until the input ends.
func serve(ctx context.Context, name, address, connection string, in io.Reader, out io.Writer) error {
	newJobs, known := map[string]func() (map[string]job, error){
		"bare":    func() (map[string]job, error) { return newBare(address).jobs(), nil },
		"client":  func() (map[string]job, error) { return newWhole(address).jobs(), nil },
		"by hand": func() (map[string]job, error) { return handJobs(connection) },
		"service": func() (map[string]job, error) { return serviceJobs(connection) },
	}[name]
	if !known {
		return fmt.Errorf("-peer is %q, want bare, client, by hand or service", name)
	}
	jobs, err := newJobs()
	if err != nil {
		return err
	}
	jobs["collect"] = func(context.Context, []int) error {
		for range 3 { // finalizers and pools release memory in later runs
			runtime.GC()
		}
		debug.FreeOSMemory()
		return nil
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || jobs[words[0]] == nil {
			return fmt.Errorf("%q is no command of the peer %s", lines.Text(), name)
		}
		numbers := make([]int, len(words)-1)
		for i, word := range words[1:] {
			if numbers[i], err = strconv.Atoi(word); err != nil {
				return err
			}
		}
		answer := "done"
		if err := jobs[words[0]](ctx, numbers); err != nil {
			answer = err.Error()
		}
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
	}
	return nil
}

// tally counts the messages that a peer receives.
type tally struct {
	whole, want atomic.Int64
	broken      atomic.Bool
	news        chan struct{} // signals that there are as many as wanted, or a broken one
}

func newTally() *tally { return &tally{news: make(chan struct{}, 1)} }

func (t *tally) add(body string) {
	if body != messageBody {
		t.broken.Store(true)
	} else if t.whole.Add(1) != t.want.Load() {
		return
	}
	select {
	case t.news <- struct{}{}:
	default:
	}
}

// wait waits until that many messages have arrived since the start.
func (t *tally) wait(ctx context.Context, numbers []int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	want := int64(numbers[0])
	t.want.Store(want)
	for t.whole.Load() < want && !t.broken.Load() {
		select {
		case <-t.news:
		case <-ctx.Done():
			return fmt.Errorf("%d messages have arrived, want %d: %w", t.whole.Load(), want, ctx.Err())
		}
	}
	if t.broken.Load() || t.whole.Load() > want {
		return fmt.Errorf("%d messages are whole, want %d and no others", t.whole.Load(), want)
	}
	return nil
}
