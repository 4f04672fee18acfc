package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit codes of the program.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// A UsageError is a mistake in flags, environment or settings.
type UsageError struct{ err error }

// Error names the flag, its value and the rule.
func (e *UsageError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *UsageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Environment looks a variable up.
type Environment func(name string) (string, bool)

// Main runs the program until it is done, or told to stop by SIGINT or SIGTERM; a
// second signal ends it at once. It gives the exit code: 0, 1 for a failure, 2 for
// a mistake in how it was called.
func Main(args []string, env Environment, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	err := Exec(ctx, args, env, stdin, stdout, stderr)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(stderr, "webpubsub:", err)
	if mistake := (*UsageError)(nil); errors.As(err, &mistake) {
		fmt.Fprintln(stderr, "webpubsub help says what there is")
		return exitUsage
	}
	return exitError
}

// Exec runs the program until it is done or the context ends.
func Exec(ctx context.Context, args []string, env Environment, stdin io.Reader, stdout, stderr io.Writer) error {
	started := false
	root := &cobra.Command{
		Use:           "webpubsub",
		Short:         "Azure Web PubSub on one machine",
		SilenceErrors: true, // Main prints them, once
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd.Flags(), env); err != nil {
				return err
			}
			started = true
			return nil
		},
	}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(emulatorCommand(env), versionCommand()) //nolint:contextcheck // cobra hands the context to the command
	err := root.ExecuteContext(ctx)
	if err != nil && !started {
		return &UsageError{err} // of cobra: an unknown command or flag, or a value that does not fit
	}
	return err
}

// fromEnvironment sets the flags that were not given from WEBPUBSUB_…
func fromEnvironment(flags *pflag.FlagSet, env Environment) error {
	var first error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || first != nil {
			return
		}
		name := variable(f.Name)
		if v, ok := env(name); ok && v != "" {
			if err := f.Value.Set(v); err != nil {
				first = usage("%s %q: %w", name, v, err)
			}
		}
	})
	return first
}

// variable names the environment variable of a flag.
func variable(flag string) string {
	return "WEBPUBSUB_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version())
			return err
		},
	}
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "webpubsub (unknown version)"
	}
	text := "webpubsub " + info.Main.Version + " " + info.GoVersion
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text += " " + s.Value
		}
	}
	return text
}
