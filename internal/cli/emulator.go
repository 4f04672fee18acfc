package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

const (
	defaultAddress = "localhost:8080"
	keyVariable    = "WEBPUBSUB_ACCESS_KEY"
	maxKeyFile     = 4096
)

const emulatorLong = `Runs Azure Web PubSub on this machine: clients connect to it, service clients call
its REST API, and it sends events to your event handler.

The access key defaults to the well-known one of Microsoft's emulator. Set another
with WEBPUBSUB_ACCESS_KEY or --access-key-file; it is never printed.

On a loopback address, the emulator serves its inspector: a web page that shows what
happens, and with which you send messages and raise events again. Its URL, printed at the
start, has a token that is new each time. The page shows payloads and connection states;
access keys, tokens, signatures and cookies are removed.

A settings file, YAML or JSON, has options of hubs beyond --hub and --upstream:

  hubs:
    chat:
      anonymousConnectPolicy: allow          # or deny, the default
      eventHandlers:                   # the first that selects an event gets it
        - urlTemplate: http://localhost:3000/{hub}/{event}
          userEventPattern: "*"
          systemEvents: [connect, connected, disconnected]
          groupPresenceEvents:
            eventNames: [joined, left]
            groupFilters: ["room.*"]
          auth:                              # events with a token of Entra ID
            type: ManagedIdentity            # or None, the default
            managedIdentity: {resource: "api://my-app"}

With --watch the emulator reads the file again when it changes. Clients stay connected,
and their next events go by the new settings. A hub that is no longer in the file has
no event handlers and accepts clients with a token only. The error of an invalid file
is logged, and the settings stay as they are.`

// emulatorFlags holds the values of the flags.
type emulatorFlags struct {
	address, origin string
	pairs           pairs
	settings        string
	watch           bool
	keyFile         string
	trustTokens     bool
	trustHosts      []string
	maxGroups       int
	logFormat       string
	verbose         bool
	inspector       inspectorFlags
}

func emulatorCommand(env Environment) *cobra.Command {
	var in emulatorFlags
	cmd := &cobra.Command{
		Use:   "emulator",
		Short: "Run the service for development and tests",
		Long:  emulatorLong,
		Example: `  # all events of the hub chat to a handler on port 3000
  webpubsub emulator --hub chat --upstream http://localhost:3000/eventhandler

  # settings as in Azure, which apply again when the file changes
  webpubsub emulator --settings settings.yaml --watch`,
		Annotations: untilInterrupted(),
		Args:        exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			in.inspector.asked = cmd.Flags().Changed("inspector")
			return in.run(cmd.Context(), env, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.address, "addr", defaultAddress, "`address` to listen on; port 0 means any free port, localhost means 127.0.0.1 and ::1")
	f.StringVar(&in.origin, "origin", "localhost", "host `name` of the emulator in the connection string of event handlers")
	f.Func("hub", "`name` of a hub; can be repeated", in.pairs.hub)
	f.Func("upstream", "`URL` that gets all events of the hub named before it; may have {hub} and {event}", in.pairs.upstream)
	f.StringVar(&in.settings, "settings", "", "`file` with the settings of hubs, YAML or JSON")
	f.BoolVar(&in.watch, "watch", false, "apply changes of the settings file while the emulator runs")
	f.StringVar(&in.keyFile, "access-key-file", "", "`file` with the access key")
	f.BoolVar(&in.trustTokens, "trust-tokens", false, "accept REST calls with any bearer token, in place of Entra ID")
	f.StringSliceVar(&in.trustHosts, "trust-host", nil, "additional trusted `host`, * for any: requests may be for it and may come from its web pages; can be repeated")
	f.IntVar(&in.maxGroups, "max-groups", emulator.DefaultMaxGroups, "maximum `number` of groups of a client")
	f.StringVar(&in.logFormat, "log-format", "text", "text or json, on standard error")
	f.BoolVar(&in.verbose, "verbose", false, "log each frame from clients")
	completeValues(cmd, "log-format", formatText, formatJSON)
	in.inspector.addTo(f)
	return cmd
}

// config returns the emulator's configuration with the hubs of a settings file.
func (in *emulatorFlags) config(env Environment, settings content) (emulator.Config, error) {
	cfg := emulator.Config{Origin: in.origin, TrustTokens: in.trustTokens, TrustHosts: slices.Clone(in.trustHosts), MaxGroups: in.maxGroups}
	if in.maxGroups < 1 {
		return cfg, usage("--max-groups %d: want 1 or more", in.maxGroups)
	}
	if err := in.checkWatch(); err != nil {
		return cfg, err
	}
	var err error
	if cfg.Hubs, err = in.hubs(settings); err != nil {
		return cfg, err
	}
	key, err := in.accessKey(env)
	cfg.AccessKeys = []string{cmp.Or(key, emulator.DefaultAccessKey)}
	return cfg, err
}

// hubs returns the hubs of a settings file and of the flags.
func (in *emulatorFlags) hubs(settings content) (map[string]emulator.Hub, error) {
	hubs := make(map[string]emulator.Hub)
	if in.settings != "" {
		var err error
		if hubs, err = settings.parse(); err != nil {
			return nil, usage("--settings %q: %w", in.settings, err)
		}
	}
	return hubs, in.pairs.addTo(hubs)
}

// accessKey returns the access key of the environment or the file, or "".
func (in *emulatorFlags) accessKey(env Environment) (string, error) {
	key, _ := env(keyVariable)
	if in.keyFile == "" {
		return key, nil
	}
	if key != "" {
		return "", usage("--access-key-file %q: %s is also set; want one of them", in.keyFile, keyVariable)
	}
	data, err := readFile(in.keyFile, maxKeyFile)
	if err != nil {
		return "", usage("--access-key-file %q: %w", in.keyFile, err)
	}
	if key = strings.TrimSpace(string(data)); key == "" {
		return "", usage("--access-key-file %q: the file is empty", in.keyFile)
	}
	return key, nil
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
	var settings content
	if in.settings != "" {
		settings = readContent(in.settings)
	}
	cfg, err := in.config(env, settings) //nolint:contextcheck // it starts nothing
	if err != nil {
		return err
	}
	cfg.Logger = logger
	if cfg.Inspector, err = in.inspector.config(host); err != nil {
		return err
	}
	if host != "" {
		cfg.TrustHosts = append(cfg.TrustHosts, host)
	}
	emu, err := emulator.New(cfg)
	if err != nil {
		return emulatorMistake(err)
	}
	defer emu.Close() //nolint:contextcheck // it stops at once
	listeners, err := listen(ctx, in.address, logger)
	if err != nil {
		return fmt.Errorf("--addr %q: %w; choose another address, or any free port with --addr localhost:0", in.address, err)
	}
	warn(logger, listeners[0].Addr(), &cfg)
	if err := announce(stdout, listeners, &cfg, in.inspector.line(listeners, &cfg, emu)); err != nil {
		closeAll(listeners)
		return err
	}
	if in.watch {
		defer newWatcher(in, emu, cfg.Hubs, settings, logger).start(ctx)()
	}
	server := &http.Server{Handler: emu, ReadHeaderTimeout: 10 * time.Second}
	return serve(ctx, listeners, server, func() {
		logger.Info("stopping")
		events, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventsGrace)
		defer cancel()
		if err := emu.Shutdown(events); err != nil {
			logger.Warn("events dropped", "reason", err)
		}
	})
}

// warn logs what makes the emulator accessible to others.
func warn(logger *slog.Logger, at net.Addr, cfg *emulator.Config) {
	var open []string
	if cfg.AccessKeys[0] == emulator.DefaultAccessKey {
		open = append(open, "the access key is public")
	}
	if cfg.TrustTokens {
		open = append(open, "any token is trusted")
	}
	for _, what := range open {
		if !isLoopback(at) {
			logger.Warn(what+", and others can reach this address", "addr", at.String())
		}
		if slices.Contains(cfg.TrustHosts, "*") {
			logger.Warn(what+", and any web page in a browser of this machine can use it", "flag", "--trust-host *")
		}
	}
}

// announce prints the addresses and the line of the inspector. It does not print a key that is secret.
func announce(w io.Writer, listeners []net.Listener, cfg *emulator.Config, inspector string) error {
	_, port, err := net.SplitHostPort(listeners[0].Addr().String())
	if err != nil {
		return err
	}
	host := net.JoinHostPort(cfg.Origin, port)
	key := cfg.AccessKeys[0]
	if key != emulator.DefaultAccessKey {
		key = "<your key>"
	}
	var b strings.Builder
	for _, l := range listeners {
		fmt.Fprintf(&b, "listening          %s\n", l.Addr())
	}
	fmt.Fprintf(&b, "connection string  %s\n", emulator.ConnectionString("http://"+host, key))
	fmt.Fprintf(&b, "clients            ws://%s/client/hubs/{hub}\n", host)
	b.WriteString(inspector)
	if usesIdentity(cfg.Hubs) {
		fmt.Fprintf(&b, "entra authority    http://%s%s\n", host, emulator.AuthorityPath)
		fmt.Fprintf(&b, "identity           tenant %s, object %s, app %s\n", emulator.IdentityTenantID, emulator.IdentityObjectID, emulator.IdentityAppID)
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Hubs)) {
		handlers := cfg.Hubs[name].EventHandlers
		if len(handlers) == 0 {
			fmt.Fprintf(&b, "hub                %s, no event handler\n", name)
		}
		for _, h := range handlers {
			fmt.Fprintf(&b, "hub                %s -> %s\n", name, describe(h))
		}
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// usesIdentity reports whether an event handler gets tokens.
func usesIdentity(hubs map[string]emulator.Hub) bool {
	for _, hub := range hubs {
		if slices.ContainsFunc(hub.EventHandlers, func(h emulator.EventHandler) bool { return h.ManagedIdentity != nil }) {
			return true
		}
	}
	return false
}

// describe returns the URL of a handler, without secrets, and the events that it gets.
func describe(h emulator.EventHandler) string {
	return fmt.Sprintf("%s (%s)", upstream.WithoutSecrets(h.URLTemplate), events(h))
}

// events lists the events that a handler gets.
func events(h emulator.EventHandler) string {
	names := append(slices.Clone(h.SystemEvents), h.GroupEvents...)
	if h.UserEventPattern != "" {
		names = append(names, "user events "+h.UserEventPattern)
	}
	if len(names) == 0 {
		return "no events"
	}
	if h.ManagedIdentity != nil {
		names = append(names, "with tokens for "+h.ManagedIdentity.Resource)
	}
	return strings.Join(names, ", ")
}
