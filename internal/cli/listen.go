package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli/inbox"
	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/doctor"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

const defaultListenAddress = "localhost:3000"

// maxIdle is the number of connections to the handler of --forward that are kept.
const maxIdle = 16

// maxReply is the number of bytes of the longest reply.
const maxReply = 1 << 20

const listenLong = `Is an event handler for hubs that have none yet, at any path: consents to events, prints
each, and answers user events with --reply or --reply-json. Or passes requests on to the
handler of --forward, with all headers as they came, and prints both sides. In the URL of
--forward, {hub} and {event} stand for the names of hub and event.

With a connection string, only events that it verifies are accepted. Without one, anybody's
are, and the address must be one of this machine only.

` + keyHelp + `

An event is a line: time, number, event, hub, connection, user, payload, and the answer with
its time. --verbose adds headers and bodies. Signatures, tokens, cookies and passwords are
never printed, and claims with --show-claims only.

--json prints an event as a line of JSON: {"number", "time", "method", "path", "event",
"type", "hub", "connectionId", "userId", "eventId", "subprotocol", "rawState", "problem",
"contentType", "dataType": "none|json|text|base64", "data", "forwardedTo", "status",
"milliseconds", "answer": {"contentType", "dataType", "data", "rawState"}}. Bodies are cut
after 64 KiB.`

// listenFlags holds the values of the flags.
type listenFlags struct {
	service                   target
	address, hub              string
	reply, replyJSON, forward string
	verbose, showClaims, json bool
}

func listenCommand(env Environment) *cobra.Command {
	var in listenFlags
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Print events, and answer or forward them",
		Long:  listenLong,
		Example: `  # answer each user event
  webpubsub listen --reply hello

  # between the service and a handler, on a free port
  webpubsub listen --addr localhost:0 --verbose \
    --forward http://localhost:3000/eventhandler`,
		Annotations: untilInterrupted(),
		Args:        exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return in.run(cmd, env)
		},
	}
	f := cmd.Flags()
	in.service.addKeyTo(f)
	f.StringVar(&in.address, "addr", defaultListenAddress, "`address` to listen on; port 0 means any free port, localhost means 127.0.0.1 and ::1")
	f.StringVar(&in.hub, "hub", "", "`name` of the hub whose events are accepted; any by default")
	f.StringVar(&in.reply, "reply", "", "`text`, - or @FILE, that answers user events")
	f.StringVar(&in.replyJSON, "reply-json", "", "`JSON`, - or @FILE, that answers user events")
	f.StringVar(&in.forward, "forward", "", "`URL` of an event handler to pass requests on to")
	f.BoolVar(&in.verbose, "verbose", false, "print headers and bodies")
	f.BoolVar(&in.showClaims, "show-claims", false, "print the claims of connect events")
	f.BoolVar(&in.json, "json", false, "print a line of JSON for each event")
	alternatives(f, "reply", "reply-json", "forward")
	alternatives(f, "json", "verbose")
	return cmd
}

// config checks the flags.
func (in *listenFlags) config(cmd *cobra.Command) (inbox.Config, error) {
	out := inbox.Config{Hub: in.hub}
	if in.hub != "" {
		if err := checkHub(in.hub); err != nil {
			return out, err
		}
	}
	if in.service.named() {
		c, err := in.service.connection(cmd)
		if err != nil {
			return out, err
		}
		out.ConnectionString = emulator.ConnectionString(c.Endpoint.String(), c.AccessKey)
	}
	if in.reply != "" {
		text, err := readArgument(cmd, in.reply, maxReply)
		if err != nil {
			return out, usage("--reply: %w", err)
		}
		out.Reply = webpubsub.TextReply(string(text))
	}
	if in.replyJSON != "" {
		data, err := readArgument(cmd, in.replyJSON, maxReply)
		if err == nil && !json.Valid(data) {
			err = fmt.Errorf("not JSON; text is --reply")
		}
		if err != nil {
			return out, usage("--reply-json: %w", err)
		}
		out.Reply = webpubsub.JSONReply(json.RawMessage(data))
	}
	if in.forward != "" {
		u, err := upstream.ParseTemplate(in.forward)
		if err != nil {
			return out, usage("--forward %w", err)
		}
		if in.hub == "" && dependsOnHub(u) {
			return out, usage("--forward %q has {hub}, which validation requests do not name: want --hub too", upstream.WithoutSecrets(in.forward))
		}
		out.Forward, out.Transport = &u, doctor.NewTransport(maxIdle)
	}
	return out, nil
}

// dependsOnHub reports whether a template has the parameter {hub}.
func dependsOnHub(t upstream.Template) bool {
	a, errA := t.Resolve("a", "event")
	b, errB := t.Resolve("b", "event")
	return errA == nil && errB == nil && a.String() != b.String()
}

func (in *listenFlags) run(cmd *cobra.Command, env Environment) error {
	ctx, stdout, stderr := cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	if _, _, err := net.SplitHostPort(in.address); err != nil {
		return usage("--addr %q: want host:port", in.address)
	}
	cfg, err := in.config(cmd)
	if err != nil {
		return err
	}
	p := paletteFor(stderr, env)
	printer := &listenPrinter{w: stdout, palette: paletteFor(stdout, env), flags: in}
	cfg.Arrived, cfg.Answered = printer.arrived, printer.answered
	handler, err := inbox.New(cfg)
	if err != nil {
		return &UsageError{err: err}
	}
	listeners, err := listen(ctx, in.address, slog.New(newLines(stderr, slog.LevelInfo)))
	if err != nil {
		return fmt.Errorf("--addr %q: %w; choose another address, or any free port with --addr localhost:0", in.address, err)
	}
	if cfg.ConnectionString == "" {
		for _, l := range listeners {
			if !isLoopback(l.Addr()) {
				closeAll(listeners)
				return usage("--addr %q: others can reach this address, and without a connection string their events would be accepted; want one of localhost, or WEBPUBSUB_CONNECTION_STRING", in.address)
			}
		}
		fmt.Fprintln(stderr, p.bold(p.yellow("UNSIGNED EVENTS ARE ACCEPTED from any program of this machine; set WEBPUBSUB_CONNECTION_STRING to verify them")))
	}
	in.announce(stdout, stderr, listeners, &cfg)
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute, // the service waits 100 s for an answer
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    128 << 10,
		ErrorLog:          slog.NewLogLogger(newLines(stderr, slog.LevelInfo), slog.LevelWarn),
	}
	return serve(ctx, listeners, server, nil)
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

// announce prints the addresses. With --json, stdout is for events alone.
func (in *listenFlags) announce(stdout, stderr io.Writer, listeners []net.Listener, cfg *inbox.Config) {
	w := stdout
	if in.json {
		w = stderr
	}
	for _, l := range listeners {
		fmt.Fprintf(w, "listening  http://%s\n", l.Addr())
	}
	if c, err := connstr.Parse(cfg.ConnectionString); err == nil {
		fmt.Fprintf(w, "service    %s\n", c.Host())
	}
	if in.forward != "" {
		fmt.Fprintf(w, "forward    %s\n", upstream.WithoutSecrets(in.forward))
	}
}
