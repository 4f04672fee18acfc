package cli

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/conformance"
	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/doctor"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

const checkLong = `Finds out why an event handler does not work, in any language and framework. It asks
for the handler's consent as the service does, sends signed events of every kind and
requests that the handler must refuse, and prints what passed, what failed, the likely
cause and the remedy. The first failure is the one to mend: checks that would fail only
because of it are not tried.

URL is the one in the hub's settings: {hub} and {event} are replaced, redirects are not
followed, and an answer must come in the time that the service waits.

What is sent: about 80 requests, one after another, two of which have a body of up to
32 MiB. Events have the user "webpubsub-check" (one has "webpubsub-check用户"), the group
"webpubsub-check", and ids of connections that begin with "webpubsub-check-". These
connections do not exist: the handler gets connect, connected, disconnected, joined and
left for them, an event "renamed" that no service sends yet, and user events with the
name "webpubsub-check". Events that mean something to the handler are sent only with
--events and --user. Each of --events is sent as text, JSON and binary data.

The service is that of a connection string, from WEBPUBSUB_CONNECTION_STRING,
--connection-string-file or --connection-string (other users of this machine can see
the arguments of a process). Its key signs the events; of the two keys of a service,
either will do. Keys, signatures and the URL's query are never printed.

With --output json the result is one object: url, hub and origin; status, "passed",
"failed", or "interrupted" if nothing failed before Ctrl+C; interrupted, true or false;
numbers of checks passed, warned, failed and untried; and checks, a list with id, step,
status, rule and reason. After Ctrl+C it has the checks up to then. A check that failed or warned also has problems,
remedy and, if it is known, cause, an object with id and text. One that is untried
because another failed has the id of that one in because; any other untried check has
the reason in why.

Exit codes: 0 passed, also with warnings; 1 failed or interrupted; 2 wrong usage.`

const checkExample = `  # the handler on this machine, with the emulator's connection string
  webpubsub check http://localhost:3000/eventhandler --hub chat

  # send a user event that the handler knows, too
  webpubsub check http://localhost:3000/eventhandler --hub chat \
    --events message --output json`

// checkFlags holds the values of the flags.
type checkFlags struct {
	output
	target  target
	others  []string
	events  []string
	user    string
	anyHub  bool
	timeout time.Duration
}

func checkCommand(env Environment) *cobra.Command {
	var in checkFlags
	cmd := &cobra.Command{
		Use:     "check URL",
		Short:   "Find out why an event handler does not work",
		Long:    checkLong,
		Example: checkExample,
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return in.run(cmd, args[0], paletteFor(cmd.OutOrStdout(), env))
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.target.hub, "hub", "", "`name` of the hub")
	in.target.addKeyTo(f)
	f.StringArrayVar(&in.others, "other-connection-string", nil, "connection `string` of a service that must not count as this one, @name for a file; can be repeated")
	f.StringSliceVar(&in.events, "events", nil, "`names` of user events to send instead of webpubsub-check; can be repeated")
	f.StringVar(&in.user, "user", doctor.Name, "`id` of the user of the events")
	f.BoolVar(&in.anyHub, "any-hub", false, "do not warn if the handler accepts events of another hub")
	f.DurationVar(&in.timeout, "timeout", upstream.EventTimeout, "longest `time` to wait for an answer, up to that of the service")
	in.output.addTo(cmd)
	return cmd
}

func (in *checkFlags) run(cmd *cobra.Command, url string, paint palette) error {
	opts, err := in.options(cmd, url)
	if err != nil {
		return err
	}
	report := checkReport{URL: upstream.WithoutSecrets(url), Hub: opts.Hub, Origin: opts.Service.Host(), Checks: []checkResult{}}
	lines := checkLines{w: cmd.OutOrStdout(), paint: paint}
	err = doctor.Check(cmd.Context(), opts, func(r conformance.Result) {
		report.add(&r)
		if !in.json() {
			lines.add(&r)
		}
	})
	if mistake := (*doctor.OptionError)(nil); errors.As(err, &mistake) {
		return usage("%s: %w", checkArguments[mistake.Field], mistake.Err)
	}
	interrupted := err != nil && cmd.Context().Err() != nil
	if err != nil && !interrupted {
		return err
	}
	report.end(interrupted)
	failed := in.print(cmd.OutOrStdout(), report, func(io.Writer) error { return lines.end(&report) })
	if err == nil && report.Status != string(conformance.Passed) {
		err = ErrNo
	}
	return cmp.Or(failed, err)
}

// checkArguments maps the fields of [doctor.Options] to arguments and flags.
var checkArguments = map[string]string{
	"URL":     "URL",
	"Service": "--connection-string",
	"Others":  "--other-connection-string",
	"UserID":  "--user",
	"Events":  "--events",
	"Timeout": "--timeout",
}

func (in *checkFlags) options(cmd *cobra.Command, url string) (doctor.Options, error) {
	opts := doctor.Options{URL: url, Hub: in.target.hub, AnyHub: in.anyHub, UserID: in.user, Events: in.events, Timeout: in.timeout}
	if opts.Hub == "" {
		return opts, usage("--hub is missing, want the name of a hub")
	}
	if err := checkHub(opts.Hub); err != nil {
		return opts, err
	}
	if in.timeout <= 0 {
		return opts, usage("--timeout %v: want more than 0", in.timeout)
	}
	var err error
	if opts.Service, err = in.target.connection(cmd); err != nil {
		return opts, err
	}
	for _, other := range in.others {
		text, err := readArgument(cmd, other, maxConnectionString)
		if err != nil {
			return opts, usage("--other-connection-string: %w", err)
		}
		c, err := connstr.Parse(string(bytes.TrimSpace(text)))
		if err != nil {
			return opts, usage("--other-connection-string: %w", err)
		}
		opts.Others = append(opts.Others, c)
	}
	return opts, nil
}
