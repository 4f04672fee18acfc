package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-webpubsub/webpubsub/internal/cli/nearest"
	"github.com/go-webpubsub/webpubsub/internal/version"
)

// Exit codes of the program.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// A UsageError is an error in flags, environment or settings.
type UsageError struct {
	err  error
	help string // command that prints the usage
}

// Error returns the flag, its value and the rule.
func (e *UsageError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &UsageError{err: fmt.Errorf(format, args...)}
}

// Environment returns a variable of the environment and whether it is set.
type Environment func(name string) (string, bool)

// Main runs the program until it is done or receives SIGINT or SIGTERM. A second signal
// ends the process at once. It returns the exit code: 0, 1 for a failure, or 2 for a
// usage error.
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
		fmt.Fprintf(stderr, "Run '%s' for usage.\n", mistake.help)
		return exitUsage
	}
	return exitError
}

// Exec runs the program until it is done or ctx ends.
func Exec(ctx context.Context, args []string, env Environment, stdin io.Reader, stdout, stderr io.Writer) error {
	started := false
	root := &cobra.Command{
		Use:           "webpubsub",
		Short:         "Azure Web PubSub on one machine",
		Version:       versionText(),
		SilenceErrors: true, // Main prints them
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
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(suggestFlags)
	root.AddCommand(emulatorCommand(env), versionCommand()) //nolint:contextcheck // cobra passes the context to the command
	cmd, err := root.ExecuteContextC(ctx)
	var mistake *UsageError
	switch {
	case errors.As(err, &mistake):
		mistake.help = cmd.CommandPath() + " --help"
	case err != nil && !started: // by cobra: an unknown command or flag, or an invalid value
		err = &UsageError{err: err, help: cmd.CommandPath() + " --help"}
	}
	return err
}

// suggestFlags adds a flag with a similar name to the error for an unknown flag.
func suggestFlags(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if similar := nearest.Name(unknown.GetSpecifiedName(), names); similar != "" {
		return fmt.Errorf("%w, did you mean --%s?", err, similar)
	}
	return err
}

// fromEnvironment sets flags that were not given from variables WEBPUBSUB_….
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

// variable returns the environment variable of a flag.
func variable(flag string) string {
	return "WEBPUBSUB_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), versionText())
			return err
		},
	}
}

// versionText returns the version of the module, that of the build if it differs, and
// the version of Go.
func versionText() string {
	text := "webpubsub " + version.Version
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "" && info.Main.Version != "(devel)" && info.Main.Version != "v"+version.Version {
		text += " (" + info.Main.Version + ")"
	}
	return text + " " + runtime.Version()
}
