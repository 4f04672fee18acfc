package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/cli/load"
	"github.com/go-webpubsub/webpubsub/internal/cli/trigger"
	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/doctor"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

var triggerLong = fmt.Sprintf(`Sends an event to an event handler as the service does, signed, and prints the answer and
what the service would do with it. EVENT is connect, connected, event NAME, joined, left or
disconnected. In the URL, {hub} and {event} stand for the names of hub and event. Unlike the
service, this command does not ask for consent first, and does not send the event again
after a 5xx.

Without a connection string, events are those of the emulator, whose key is public and whose
host is localhost. %s

--client-certificate is a PEM file. The event has the first certificate in it, and its
thumbprint, as if the client had proved in TLS that it has the key.

--data, --json and --binary are the payload of a user event: - reads it from standard input,
@FILE from a file. --state is a JSON object, or a state as its header has it.

--repeat sends the event up to %d times, --concurrency up to %d at a time, and prints a
summary with latency percentiles. An event that a connection has once, such as connect, is
of a new connection each time; others are of one connection, each with an id of its own.

--scenario plays a list of events from a YAML or JSON file, and compares the answers:

  - trigger: connect
    user: ann
    query: {room: lobby}              # also claims, headers, subprotocols
    expect:                           # what is left out is not compared
      status: 204                     # or else any that the service can use
  - trigger: event
    name: message
    data: hello                       # or json, binary (base64)
    expect: {reply: hello, noState: true}   # or state, noReply, replyHas
  - trigger: disconnected
    reason: bye

replyHas is a part of a JSON reply. Connection id, user id, state and cookies go on from step to step. For several connections,
steps name theirs: "connection: alice". "save: {ticket: /id}" keeps a part of a JSON reply,
by a JSON pointer, for ${ticket} in later steps; ${connection} is the id of the connection.
The first step that is not met ends the scenario.

--print-curl prints a curl command in place of sending the event. It contains a signature,
with which its reader can send any event of the connection. For a key other than the
emulator's, which may be a secret, it needs --yes-show-signature.

--output json prints, for one event:
{"event", "name", "hub", "connectionId", "eventId", "userId", "ok", "status", "problem",
"remedy", "meaning", "contentType", "replyType": "none|json|text|base64", "reply",
"metadata", "state", "rawState", "milliseconds"}

With --repeat it prints {"planned", "sent", "ok", "failed", "seconds",
"perSecond", "statuses": [{"status", "times"}], "failures": [{"failure", "times"}],
"milliseconds": {"min", "p50", "p90", "p95", "p99", "max"}}, and with --scenario {"passed",
"notPlayed", "steps": [{"number", "title", "met", "unmet": [{"what", "expected", "actual"}],
"result"}]}, where a result is that of one event.`, keyHelp, load.MaxRepeat, load.MaxConcurrency)

const triggerExample = `  # a user event
  webpubsub trigger event message http://localhost:3000/eventhandler \
    --user ann --data hello

  # a client that connects
  webpubsub trigger connect http://localhost:3000/eventhandler \
    --user ann --query room=lobby

  # many at once
  webpubsub trigger event message http://localhost:3000/eventhandler \
    --data hello --repeat 100 --concurrency 10

  # a list of events with expectations
  webpubsub trigger --scenario scenario.yaml http://localhost:3000/eventhandler

  # the same as a curl command
  webpubsub trigger event message http://localhost:3000/eventhandler \
    --data hello --print-curl`

func triggerCommand(env Environment) *cobra.Command {
	var in triggerFlags
	cmd := &cobra.Command{
		Use:     "trigger {EVENT [NAME] | --scenario FILE} URL",
		Short:   "Send events to an event handler as the service does",
		Long:    triggerLong,
		Example: triggerExample,
		Args:    between(1, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := in.check(cmd); err != nil {
				return err
			}
			if in.scenario != "" {
				return in.playScenario(cmd, args, env)
			}
			shot, err := in.parse(cmd, args)
			if err != nil {
				return err
			}
			switch {
			case in.printCurl:
				return in.curl(cmd, shot)
			case in.repeat > 1:
				return in.runLoad(cmd, shot)
			}
			return in.send(cmd, shot, env)
		},
	}
	in.addTo(cmd)
	return cmd
}

// target returns the event handler, and the service whose events it gets.
func (in *triggerFlags) target(cmd *cobra.Command, rawURL string) (*trigger.Target, error) {
	service := connstr.ConnectionString{AccessKey: connstr.EmulatorKey}
	origin := "localhost"
	if in.service.named() {
		var err error
		if service, err = in.service.connection(cmd); err != nil {
			return nil, err
		}
		origin = service.Host()
	}
	u, err := upstream.ParseTemplate(rawURL)
	if err != nil {
		return nil, usage("URL %w", err)
	}
	if in.timeout <= 0 || in.timeout > upstream.EventTimeout {
		return nil, usage("--timeout %v: want more than 0, at most the service's %v", in.timeout, upstream.EventTimeout)
	}
	if err := load.Check(in.repeat, in.concurrency); err != nil {
		return nil, usage("%w", err)
	}
	if service.AccessKey != connstr.EmulatorKey && strings.HasPrefix(strings.ToLower(rawURL), "http:") {
		warnOfCleartext(cmd, u)
	}
	return &trigger.Target{
		URL: u, Hub: in.hub, Origins: []string{origin}, Keys: []string{service.AccessKey}, Transport: doctor.NewTransport(in.concurrency), Timeout: in.timeout,
	}, nil
}

// warnOfCleartext warns if a signature by a secret key leaves the machine unencrypted.
func warnOfCleartext(cmd *cobra.Command, t upstream.Template) {
	u, err := t.Resolve("hub", "event")
	if err == nil && !isLoopbackName(u.Hostname()) {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: the event and its signature go to %s over http, where others can read them\n", excerpt.Short(u.Host))
	}
}

// send sends one event and prints the result.
func (in *triggerFlags) send(cmd *cobra.Command, s *shot, env Environment) error {
	result, err := s.target.Send(cmd.Context(), s.connection, s.event)
	if err != nil {
		return usage("%w", err)
	}
	if err := cmd.Context().Err(); err != nil && result.Failure == trigger.Cancelled {
		return err
	}
	w := cmd.OutOrStdout()
	if err := in.print(w, resultOf(result), textOf(result, paletteFor(w, env))); err != nil {
		return err
	}
	if !result.OK {
		return ErrNo
	}
	return nil
}

// curl prints a command.
func (in *triggerFlags) curl(cmd *cobra.Command, s *shot) error {
	if s.target.Keys[0] != connstr.EmulatorKey && !in.showSignature {
		return usage("--print-curl: the command has a signature by the key of %s, with which its reader can send any event of the connection; add --yes-show-signature to print it", s.target.Origins[0])
	}
	req, body, err := s.target.Request(context.WithoutCancel(cmd.Context()), s.connection, s.event)
	if err != nil {
		return usage("%w", err)
	}
	command, err := upstream.Curl(req, string(body))
	if err != nil {
		return usage("--print-curl: %w", err)
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), command)
	return err
}
