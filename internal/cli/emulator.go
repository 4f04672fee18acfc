package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

const (
	defaultAddress = "localhost:8080"
	keyVariable    = "WEBPUBSUB_ACCESS_KEY"
	maxKeyFile     = 4096
)

const emulatorLong = `Runs Azure Web PubSub on this machine: clients connect to it, its REST API takes
the calls of service clients, and it raises events at your event handler.

  webpubsub emulator --hub chat --upstream http://localhost:3000/eventhandler

Every flag can be given in the environment: --log-format is WEBPUBSUB_LOG_FORMAT.
The access key is the well-known one of Microsoft's emulator, unless
WEBPUBSUB_ACCESS_KEY or --access-key-file says another, which is never printed.

A settings file, YAML or JSON, says more of hubs than --hub and --upstream can:

  hubs:
    chat:
      anonymousConnectPolicy: allow          # or deny, the default
      eventHandlers:                         # the first that fits gets an event
        - urlTemplate: http://localhost:3000/{hub}/{event}
          userEventPattern: "*"
          systemEvents: [connect, connected, disconnected]
          groupPresenceEvents:
            eventNames: [joined, left]
            groupFilters: ["room.*"]

Exit codes: 0 after SIGINT or SIGTERM, 1 for a failure, 2 for wrong settings.`

// emulatorFlags as they were given.
type emulatorFlags struct {
	address, origin string
	pairs           pairs
	settings        string
	keyFile         string
	trustTokens     bool
	trustHosts      []string
	maxGroups       int
	logFormat       string
	verbose         bool
}

func emulatorCommand(env Environment) *cobra.Command {
	var in emulatorFlags
	cmd := &cobra.Command{
		Use:   "emulator",
		Short: "Run the service for development and tests",
		Long:  emulatorLong,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return in.run(cmd.Context(), env, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.address, "addr", defaultAddress, "`address` to listen on; port 0 is any free one, localhost is 127.0.0.1 and ::1")
	f.StringVar(&in.origin, "origin", "localhost", "host `name` of the emulator, as event handlers have it in their connection string")
	f.Var(in.pairs.hubFlag(), "hub", "`name` of a hub; can be repeated")
	f.Var(in.pairs.upstreamFlag(), "upstream", "`URL` that gets all events of the hub named before it; {hub} and {event} stand for names")
	f.StringVar(&in.settings, "settings", "", "`file` with the settings of hubs, YAML or JSON")
	f.StringVar(&in.keyFile, "access-key-file", "", "`file` with the access key")
	f.BoolVar(&in.trustTokens, "trust-tokens", false, "accept REST calls with any bearer token, as a stand-in for Entra ID")
	f.StringSliceVar(&in.trustHosts, "trust-host", nil, "`host` that is trusted beside the emulator's own, * for any: clients and REST calls may name it, and its web pages connect; can be repeated")
	f.IntVar(&in.maxGroups, "max-groups", emulator.DefaultMaxGroups, "`number` of groups that a client can be in")
	f.StringVar(&in.logFormat, "log-format", "text", "text or json, on standard error")
	f.BoolVar(&in.verbose, "verbose", false, "log each frame of clients, too")
	return cmd
}

// config makes the emulator's settings and tells whether its key is no secret.
func (in *emulatorFlags) config(env Environment) (cfg emulator.Config, known bool, err error) {
	cfg = emulator.Config{Origin: in.origin, TrustTokens: in.trustTokens, TrustHosts: slices.Clone(in.trustHosts), MaxGroups: in.maxGroups, Hubs: make(map[string]emulator.Hub)}
	if in.maxGroups < 1 {
		return cfg, false, usage("--max-groups %d: want 1 or more", in.maxGroups)
	}
	if in.settings != "" {
		if cfg.Hubs, err = readSettings(in.settings); err != nil {
			return cfg, false, usage("--settings %q: %w", in.settings, err)
		}
	}
	if err := in.pairs.addTo(cfg.Hubs); err != nil {
		return cfg, false, err
	}
	key, _ := env(keyVariable)
	if in.keyFile != "" {
		if key != "" {
			return cfg, false, usage("--access-key-file %q: %s is set as well, want one of them", in.keyFile, keyVariable)
		}
		data, err := readFile(in.keyFile, maxKeyFile)
		if err != nil {
			return cfg, false, usage("--access-key-file %q: %w", in.keyFile, err)
		}
		if key = strings.TrimSpace(string(data)); key == "" {
			return cfg, false, usage("--access-key-file %q: the file is empty", in.keyFile)
		}
	}
	known = key == "" || key == emulator.DefaultAccessKey
	cfg.AccessKeys = []string{cmp.Or(key, emulator.DefaultAccessKey)}
	return cfg, known, nil
}

func (in *emulatorFlags) run(ctx context.Context, env Environment, stdout, stderr io.Writer) error {
	logger, err := in.logger(stderr)
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(in.address)
	if err != nil {
		return usage("--addr %q: want host:port", in.address)
	}
	cfg, known, err := in.config(env)
	if err != nil {
		return err
	}
	cfg.Logger = logger
	if host != "" {
		cfg.TrustHosts = append(cfg.TrustHosts, host) // it is the emulator's own
	}
	emu, err := emulator.New(cfg)
	if err != nil {
		return &UsageError{err: err}
	}
	defer emu.Close() //nolint:contextcheck // it ends what is left, at once
	listeners, err := listen(ctx, in.address, logger)
	if err != nil {
		return fmt.Errorf("--addr %q: %w; choose another address, or any free port with --addr localhost:0", in.address, err)
	}
	in.warn(logger, listeners[0].Addr(), known)
	if err := announce(stdout, listeners, &cfg, known); err != nil {
		for _, l := range listeners {
			_ = l.Close()
		}
		return err
	}
	return serve(ctx, listeners, emu, logger)
}

// warn tells of what lets in anybody.
func (in *emulatorFlags) warn(logger *slog.Logger, at net.Addr, known bool) {
	var open []string
	if known {
		open = append(open, "the access key is public")
	}
	if in.trustTokens {
		open = append(open, "any token is trusted")
	}
	for _, what := range open {
		if !isLoopback(at) {
			logger.Warn(what+", and others can reach this address", "addr", at.String())
		}
		if slices.Contains(in.trustHosts, "*") {
			logger.Warn(what+", and any web page in a browser of this machine can use it", "flag", "--trust-host *")
		}
	}
}

// announce says where everything is. A key that is a secret is not printed.
func announce(w io.Writer, listeners []net.Listener, cfg *emulator.Config, known bool) error {
	_, port, err := net.SplitHostPort(listeners[0].Addr().String())
	if err != nil {
		return err
	}
	host := net.JoinHostPort(cfg.Origin, port)
	key := "<your key>"
	if known {
		key = emulator.DefaultAccessKey
	}
	var b strings.Builder
	for _, l := range listeners {
		fmt.Fprintf(&b, "listening          %s\n", l.Addr())
	}
	fmt.Fprintf(&b, "connection string  %s\n", emulator.ConnectionString("http://"+host, key))
	fmt.Fprintf(&b, "clients            ws://%s/client/hubs/{hub}\n", host)
	for _, name := range slices.Sorted(maps.Keys(cfg.Hubs)) {
		handlers := cfg.Hubs[name].EventHandlers
		if len(handlers) == 0 {
			fmt.Fprintf(&b, "hub                %s, no event handler\n", name)
		}
		for _, h := range handlers {
			fmt.Fprintf(&b, "hub                %s -> %s (%s)\n", name, upstream.WithoutSecrets(h.URLTemplate), events(h))
		}
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// events lists what a handler gets.
func events(h emulator.EventHandler) string {
	names := append(slices.Clone(h.SystemEvents), h.GroupEvents...)
	if h.UserEventPattern != "" {
		names = append(names, "user events "+h.UserEventPattern)
	}
	if len(names) == 0 {
		return "no events"
	}
	return strings.Join(names, ", ")
}
