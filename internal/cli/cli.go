package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

const rootLong = `Finds out why an event handler does not work, sends events to it, runs the service on
this machine, and calls the service from the shell.

Flags can be set in the environment, too. These variables are for all commands:
WEBPUBSUB_CONNECTION_STRING, WEBPUBSUB_CONNECTION_STRING_FILE, WEBPUBSUB_ENDPOINT,
WEBPUBSUB_HUB, WEBPUBSUB_URL, WEBPUBSUB_URL_FILE, WEBPUBSUB_ACCESS_KEY_FILE and
WEBPUBSUB_OUTPUT. The variable of any other flag has the name of its command:
--log-format of emulator is WEBPUBSUB_EMULATOR_LOG_FORMAT, and --ttl of send all is
WEBPUBSUB_SEND_ALL_TTL. A flag on the command line has precedence.

Exit codes: 0 done, 1 failed or the answer is no, 2 wrong usage.`

// Root returns the command webpubsub with all commands below it. Exec runs it; documents
// are generated from it.
func Root(env Environment) *cobra.Command {
	root := &cobra.Command{
		Use:           "webpubsub",
		Short:         "Azure Web PubSub from the command line",
		Long:          rootLong,
		Version:       versionText(),
		SilenceErrors: true, // Main prints them
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkAlternatives(cmd); err != nil {
				return err
			}
			return fromEnvironment(cmd, env)
		},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(printHelp)
	root.SetUsageFunc(usageText)
	root.SetHelpCommand(helpCommand(root))
	root.AddCommand(commands(env)...)
	return root
}

// Main runs the program until it is done or receives SIGINT or SIGTERM. A second signal
// ends the process at once. It prints errors to stderr and returns the exit code.
func Main(args []string, env Environment, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	return report(stderr, Exec(ctx, args, env, stdin, stdout, stderr))
}

// Exec runs the program until it is done or ctx ends.
func Exec(ctx context.Context, args []string, env Environment, stdin io.Reader, stdout, stderr io.Writer) error {
	root := Root(env) //nolint:contextcheck // cobra passes the context to the command
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := findCommand(root, args); err != nil {
		return err
	}
	return execute(ctx, root)
}

// findCommand returns the error for a command that root does not have. That of cobra has
// another form than those of the commands below it.
func findCommand(root *cobra.Command, args []string) error {
	root.InitDefaultHelpCmd()
	if len(args) == 0 || strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) { // cobra adds that later
		return nil
	}
	_, rest, err := root.Find(args)
	if err == nil || len(rest) == 0 {
		return nil
	}
	mistake := &UsageError{help: root.CommandPath() + " --help"}
	mistake.err = unknownCommand(root, root.Commands(), rest[0])
	return mistake
}

// execute runs the command that root finds for its arguments. Its error is a UsageError
// if the command did not start.
func execute(ctx context.Context, root *cobra.Command) error {
	started := false
	prepare := root.PersistentPreRunE
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		if err := prepare(cmd, args); err != nil {
			return err
		}
		started = true
		return nil
	}
	cmd, err := root.ExecuteContextC(ctx)
	var mistake *UsageError
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		err = errInterrupted
	case errors.As(err, &mistake):
		mistake.help = cmd.CommandPath() + " --help"
	case err != nil && !started: // by cobra: an unknown command or flag, or an invalid value
		err = &UsageError{err: err, help: cmd.CommandPath() + " --help"}
	}
	return err
}

// accessKey matches the key in a connection string.
var accessKey = regexp.MustCompile(`(?i)(accesskey\s*=)[^;]*`)

// report prints an error and returns the exit code. It hides the key of a connection
// string that was typed where something else belongs, and is quoted by the error. It
// escapes what a stranger's server could make the error do to a terminal.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, ErrNo) {
		return exitNo
	}
	fmt.Fprintln(stderr, "webpubsub:", printableLines(accessKey.ReplaceAllString(err.Error(), "$1…")))
	if mistake := (*UsageError)(nil); errors.As(err, &mistake) {
		fmt.Fprintf(stderr, "Run '%s' for usage.\n", mistake.help)
		return exitUsage
	}
	return exitNo
}
