//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/service"
)

const (
	hub         = "plain" // which has no event handler
	perTurn     = 400     // operations
	pace        = 500 * time.Microsecond
	concurrent  = 100
	idleClients = 200
	warmUp      = 5 // turns of each peer that do not count: Node.js compiles
	// npm's client acknowledges once a second, and the service closes a connection with 1000
	// messages that are not acknowledged. So three bursts of 400 take longer than a second.
	rest = 400 * time.Millisecond
)

// comparison has the emulator, and starts the peers.
type comparison struct {
	emulator   *process
	connection string // string, of the emulator
	service    *service.Client
	program    string
	script     string
	turns      int
}

func newComparison(ctx context.Context, harness, script string, turns int) (*comparison, error) {
	emu, err := start(harness, "-level", "WARN")
	if err != nil {
		return nil, err
	}
	var about struct{ ConnectionString string }
	if err := emu.first(&about); err != nil {
		return nil, errors.Join(err, emu.close())
	}
	c, err := service.NewClientFromConnectionString(about.ConnectionString, hub, nil)
	if err != nil {
		return nil, errors.Join(err, emu.close())
	}
	return &comparison{emulator: emu, connection: about.ConnectionString, service: c, program: "/proc/self/exe", script: script, turns: turns}, ctx.Err()
}

func (c *comparison) close() { _ = c.emulator.close() }

// url returns the address of a client that is in a group.
func (c *comparison) url(ctx context.Context, group string) (string, error) {
	access, err := c.service.ClientAccess(ctx, &service.ClientAccessOptions{
		UserID: group, Groups: []string{group}, Roles: []string{service.RoleSendToAnyGroup},
	})
	return access.URL(), err
}

// peer is a process that is compared.
type peer struct {
	name string
	*process
	received int
	ratios   []float64 // to the first peer, of each turn
	each     []time.Duration
}

// start starts peers. npm's is the program of Node.js.
func (c *comparison) start(ctx context.Context, names ...string) ([]*peer, error) {
	var peers []*peer
	for _, name := range names {
		url, err := c.url(ctx, name)
		if err != nil {
			return nil, err
		}
		args := []string{"-url", url, "-connection-string", c.connection, "-peer", name}
		program := c.program
		if name == "npm" {
			program, args = "node", []string{"--expose-gc", c.script, url, c.connection, hub}
		}
		p, err := start(program, args...)
		if err != nil {
			return nil, err
		}
		peers = append(peers, &peer{name: name, process: p})
	}
	return peers, nil
}

func closeAll(peers []*peer) (err error) {
	for _, p := range peers {
		err = errors.Join(err, p.close())
	}
	return err
}

// work makes a peer do the operations of a turn.
type work func(*peer) error

// measure makes the peers take turns at some work, and returns a row of the table.
func (c *comparison) measure(title string, peers []*peer, do work) ([]string, error) {
	for turn := range warmUp + c.turns {
		var first time.Duration
		for i, p := range peers {
			before, err := p.processorTime()
			if err == nil {
				err = do(p)
			}
			if err != nil {
				return nil, fmt.Errorf("%s of %s: %w", title, p.name, err)
			}
			after, err := p.processorTime()
			if err != nil {
				return nil, err
			}
			used := after - before
			if i == 0 {
				first = used
			}
			if turn >= warmUp {
				p.each = append(p.each, used/perTurn)
				p.ratios = append(p.ratios, float64(used)/float64(first))
			}
		}
	}
	row := []string{title}
	for _, p := range peers {
		row = append(row, fmt.Sprintf("%.0f µs, %s", float64(median(p.each))/float64(time.Microsecond), quartiles(p.ratios)))
		p.each, p.ratios = nil, nil
	}
	return row, nil
}

// clients compares the realtime clients.
func (c *comparison) clients(ctx context.Context, w io.Writer) (err error) {
	peers, err := c.start(ctx, "bare", "client", "npm")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll(peers)) }()
	for _, p := range peers {
		if err := p.do("listen"); err != nil {
			return err
		}
	}
	from, err := c.publisher(ctx)
	if err != nil {
		return err
	}
	to, err := c.sink(ctx)
	if err != nil {
		return err
	}
	rows := [][]string{heading("processor time of a message, ratio to bare", peers)}
	for _, row := range []struct {
		title string
		do    work
	}{
		{"receive, 2,000 a second", func(p *peer) error { return publish(ctx, from, p, pace) }},
		{"receive, 400 at once", func(p *peer) error {
			time.Sleep(rest)
			return publish(ctx, from, p, 0)
		}},
		{"send and forget", func(p *peer) error { return to.count(ctx, p, "forget", perTurn) }},
		{"send and wait for the ack", func(p *peer) error { return to.count(ctx, p, "ack", perTurn, 1) }},
		{"the same, 100 at a time", func(p *peer) error { return to.count(ctx, p, "ack", perTurn, concurrent) }},
	} {
		measured, err := c.measure(row.title, peers, row.do)
		if err != nil {
			return err
		}
		rows = append(rows, measured)
	}
	memory := []string{"resident memory after that"}
	for _, p := range peers {
		size, err := p.resident()
		if err != nil {
			return err
		}
		memory = append(memory, fmt.Sprintf("%.1f MB", float64(size)/1e6))
	}
	return write(w, append(rows, memory))
}

// publisher returns the connection that sends what the peers receive.
func (c *comparison) publisher(ctx context.Context) (*websocket.Conn, error) {
	url, err := c.url(ctx, "publisher")
	if err != nil {
		return nil, err
	}
	ws, err := dialBare(ctx, url)
	if err == nil {
		ws.CloseRead(ctx) // answers pings
	}
	return ws, err
}

// sink receives what the peers send.
type sink struct {
	*bare
	received int
}

func (c *comparison) sink(ctx context.Context) (*sink, error) {
	url, err := c.url(ctx, sinkGroup)
	if err != nil {
		return nil, err
	}
	s := &sink{bare: newBare(url)}
	return s, s.listen(ctx, nil)
}

// count makes a peer send the messages of a turn, and counts them.
func (s *sink) count(ctx context.Context, p *peer, command string, numbers ...int) error {
	s.received += perTurn
	if err := p.begin(command, numbers...); err != nil {
		return err
	}
	return errors.Join(p.await(), s.got.wait(ctx, []int{s.received}))
}

// publish sends messages to the peer, which counts them.
func publish(ctx context.Context, from *websocket.Conn, p *peer, pace time.Duration) error {
	p.received += perTurn
	if err := p.begin("receive", p.received); err != nil {
		return err
	}
	ticks := time.NewTicker(max(pace, time.Nanosecond))
	defer ticks.Stop()
	for range perTurn {
		if pace > 0 {
			<-ticks.C
		}
		if err := writeFrame(ctx, from, &frame{Type: "sendToGroup", Group: p.name, DataType: "json", Data: []byte(messageBody)}); err != nil {
			return err
		}
	}
	return p.await()
}

// idle compares clients that wait.
func (c *comparison) idle(ctx context.Context, w io.Writer, watch time.Duration) (err error) {
	peers, err := c.start(ctx, "bare", "client", "npm")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll(peers)) }()
	memory, processor := []string{"resident memory"}, []string{"processor time a minute"}
	for _, p := range peers {
		grown, err := p.grow()
		if err != nil {
			return err
		}
		memory = append(memory, fmt.Sprintf("%.1f kB", float64(grown)/idleClients/1e3))
	}
	begun := make([]time.Duration, len(peers))
	for i, p := range peers {
		if begun[i], err = p.processorTime(); err != nil {
			return err
		}
	}
	time.Sleep(watch)
	for i, p := range peers {
		end, err := p.processorTime()
		if err != nil {
			return err
		}
		each := float64(end-begun[i]) / idleClients / float64(watch) * float64(time.Minute)
		processor = append(processor, fmt.Sprintf("%.0f µs", each/float64(time.Microsecond)))
	}
	return write(w, [][]string{heading(fmt.Sprintf("each of %d clients that wait", idleClients), peers), memory, processor})
}

// grow opens the idle clients, and returns the memory that they take.
func (p *peer) grow() (bytes int, err error) {
	if err := p.do("open", 1); err != nil { // what is loaded once
		return 0, err
	}
	before, err := p.resident()
	if err != nil {
		return 0, err
	}
	if err := p.do("open", idleClients); err != nil {
		return 0, err
	}
	after, err := p.resident()
	return after - before, err
}

// services compares the clients of the REST API.
func (c *comparison) services(ctx context.Context, w io.Writer) (err error) {
	peers, err := c.start(ctx, "by hand", "service", "npm")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll(peers)) }()
	row, err := c.measure("send 1 KiB to a group, one at a time", peers, func(p *peer) error { return p.do("post", perTurn) })
	if err != nil {
		return err
	}
	return write(w, [][]string{heading("processor time of a request, ratio to by hand", peers), row})
}
