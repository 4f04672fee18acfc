// Package stack runs the chat on one machine as it runs on many: replicas behind nginx,
// Redis, and an emulator in place of Azure. All listen on loopback, on free ports.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Config configures a [Stack].
type Config struct {
	// Replicas is the number of replicas. It is at least 1.
	Replicas int
	// Args are further arguments of each replica.
	Args []string
	// Output receives what the replicas print. Nil discards it.
	Output io.Writer
	// Transport sends the events of the emulator. Nil means the emulator's own.
	Transport http.RoundTripper
}

// Stack is a chat that runs. Its processes end with Close.
type Stack struct {
	// URL is that of nginx.
	URL string
	// ConnectionString is that of the emulator.
	ConnectionString string
	// RedisURL is that of Redis, a Unix socket in a directory that only this user can read.
	RedisURL string

	cfg      Config
	dir      string
	emulator *emulated
	redis    *process
	nginx    *process
	replicas []*process
}

// patience is how long a process may take to serve.
const patience = 30 * time.Second

// Start starts all processes, and returns when all serve. The processes are children of
// this one, and the replicas run its program.
func Start(ctx context.Context, cfg Config) (*Stack, error) {
	if cfg.Replicas < 1 {
		return nil, fmt.Errorf("%d replicas: want at least 1", cfg.Replicas)
	}
	dir, err := os.MkdirTemp("", "chat")
	if err != nil {
		return nil, err
	}
	s := &Stack{cfg: cfg, dir: dir}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	if err := s.startRedis(ctx); err != nil {
		return fmt.Errorf("redis-server: %w", err)
	}
	ports, err := freePorts(ctx, 2+s.cfg.Replicas)
	if err != nil {
		return err
	}
	s.URL = "http://127.0.0.1:" + strconv.Itoa(ports[0])
	if s.emulator, err = startEmulator(ctx, ports[1], s.URL, s.cfg.Transport); err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	s.ConnectionString = s.emulator.connectionString
	for _, port := range ports[2:] {
		p := s.newReplica(port)
		s.replicas = append(s.replicas, p)
		if err := p.start(ctx); err != nil {
			return fmt.Errorf("replica: %w", err)
		}
	}
	if err := s.startNginx(ctx, ports[0], ports[2:]); err != nil {
		return fmt.Errorf("nginx: %w", err)
	}
	return nil
}

func (s *Stack) startRedis(ctx context.Context) error {
	socket := filepath.Join(s.dir, "redis.sock")
	s.RedisURL = "unix://" + socket
	s.redis = &process{
		name: "redis-server",
		args: []string{"--port", "0", "--unixsocket", socket, "--dir", s.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"},
		dial: []string{"unix", socket},
	}
	return s.redis.start(ctx)
}

func (s *Stack) newReplica(port int) *process {
	address := "127.0.0.1:" + strconv.Itoa(port)
	program, _ := os.Executable() // fails only where there are no processes
	return &process{
		name: program,
		args: append([]string{"replica", "-addr", address, "-url", s.URL, "-logins", "1000000"}, s.cfg.Args...),
		env:  append(os.Environ(), "WEBPUBSUB_CONNECTION_STRING="+s.ConnectionString, "REDIS_URL="+s.RedisURL),
		out:  s.cfg.Output,
		dial: []string{"tcp", address},
	}
}

// Kill ends a replica as a crash does, and starts it again.
func (s *Stack) Kill(ctx context.Context, replica int) error {
	s.replicas[replica].kill()
	return s.replicas[replica].start(ctx)
}

// RestartRedis stops Redis as a maintenance does, which writes its data to the disk, and
// starts it again.
func (s *Stack) RestartRedis(ctx context.Context) error {
	if err := s.redis.stop(); err != nil {
		return err
	}
	return s.redis.start(ctx)
}

// CPU returns the processor time that all replicas, nginx and Redis have used, ended
// processes included. It is zero where the system does not have /proc.
func (s *Stack) CPU() (replicas, nginx, redis time.Duration) {
	for _, p := range s.replicas {
		replicas += p.cpu()
	}
	return replicas, s.nginx.cpu(), s.redis.cpu()
}

// Close stops everything, also if the context has ended: the emulator first, so that the
// replicas receive the last events.
func (s *Stack) Close(ctx context.Context) error {
	var all []error
	if s.emulator != nil {
		all = append(all, s.emulator.stop(context.WithoutCancel(ctx)))
	}
	for _, p := range append(s.replicas, s.nginx, s.redis) {
		if p != nil {
			all = append(all, p.stop())
		}
	}
	return errors.Join(append(all, os.RemoveAll(s.dir))...)
}
