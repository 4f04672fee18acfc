package cli

import (
	"fmt"
	"net"
	"strings"

	"github.com/spf13/pflag"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// inspectorFlags holds the values of the flags of the emulator's inspector.
type inspectorFlags struct {
	on       bool
	asked    bool // --inspector is set
	insecure bool
	records  int
	bytes    int
}

func (in *inspectorFlags) addTo(f *pflag.FlagSet) {
	f.BoolVar(&in.on, "inspector", true, "serve the inspector, a web page that shows what happens; on loopback addresses only")
	f.BoolVar(&in.insecure, "insecure-inspector", false, "serve the inspector on an address that others can reach, too")
	f.IntVar(&in.records, "inspector-records", 0, "maximum `number` of records that the inspector keeps; 0 means 20,000")
	f.IntVar(&in.bytes, "inspector-bytes", 0, "maximum `size` of these records in bytes; 0 means 32 MiB")
}

// config returns the configuration of the inspector of an emulator on a host, or nil. On
// an address that others can reach there is none, unless it is wanted explicitly.
func (in *inspectorFlags) config(host string) (*emulator.Inspector, error) {
	switch {
	case !in.on && !in.insecure:
		return nil, nil //nolint:nilnil // no inspector
	case !in.insecure && !isLoopbackName(host):
		if in.asked {
			return nil, usage("--inspector: others can reach the address of --addr, and the inspector shows and changes everything; want a loopback address, or --insecure-inspector")
		}
		return nil, nil //nolint:nilnil // as above
	}
	return &emulator.Inspector{MaxRecords: in.records, MaxBytes: in.bytes, InsecureNonLoopback: in.insecure}, nil
}

// line returns the line with the URL of the inspector, or with the reason why it is off.
func (in *inspectorFlags) line(listeners []net.Listener, cfg *emulator.Config, emu *emulator.Server) string {
	switch {
	case cfg.Inspector != nil:
		_, port, _ := net.SplitHostPort(listeners[0].Addr().String()) // never fails
		return fmt.Sprintf("inspector          %s\n", emu.InspectorURL("http://"+net.JoinHostPort(inspectorHost(listeners, cfg), port)))
	case in.on:
		return "inspector          off, since others can reach this address\n"
	}
	return ""
}

// inspectorHost returns the host of the inspector's URL.
func inspectorHost(listeners []net.Listener, cfg *emulator.Config) string {
	if isLoopbackName(cfg.Origin) {
		return cfg.Origin
	}
	host, _, _ := net.SplitHostPort(listeners[0].Addr().String()) // never fails
	if cfg.Inspector.InsecureNonLoopback && strings.Trim(host, "[]:0.") == "" {
		return cfg.Origin // all addresses
	}
	return host
}
