//go:build linux

package emulator_test

import (
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/bench/process"
)

// servers by name. Each runs in a process of its own.
var servers = map[string]process.Part{
	"emulator":     func(string) (string, error) { return serveEmulator(emulator.Config{}) },
	"inspected":    func(string) (string, error) { return serveEmulator(emulator.Config{Inspector: &emulator.Inspector{}}) },
	"plain":        func(string) (string, error) { return serve(&plain{members: make(map[*member]struct{})}) },
	"plain direct": func(string) (string, error) { return serve(&plain{direct: true, members: make(map[*member]struct{})}) },
}

func TestMain(m *testing.M) {
	if !process.Run(servers) {
		os.Exit(m.Run())
	}
}

// serve serves until the process ends, and returns the address.
func serve(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = (&http.Server{Handler: h}).Serve(l) }()
	return l.Addr().String(), nil
}

// serveEmulator is serve for an emulator. It adds the URL of the inspector, if it has one.
func serveEmulator(cfg emulator.Config) (string, error) {
	emu, err := emulator.New(cfg)
	if err != nil {
		return "", err
	}
	address, err := serve(emu)
	return strings.TrimSpace(address + " " + emu.InspectorURL("http://"+address)), err
}

// server is a server in its own process.
type server struct {
	*process.Process
	address   string
	inspector string // URL; empty for none
}

func start(b *testing.B, name string) *server {
	b.Helper()
	p, err := process.Start(name, "")
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, p.Close()) })
	address, inspector, _ := strings.Cut(p.Line, " ")
	return &server{p, address, inspector}
}

// time returns the processor time that the server has used.
func (s *server) time(b *testing.B) process.Usage {
	b.Helper()
	use, err := s.Time()
	require.NoError(b, err)
	return use
}

func (s *server) memory(b *testing.B) process.Usage {
	b.Helper()
	use, err := s.Memory()
	require.NoError(b, err)
	return use
}
