package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Probe runs the program with a command more, probe, whose subcommands do one thing that
// several commands share. It returns the exit code.
func Probe(ctx context.Context, args []string, env Environment, stdin io.Reader, stdout, stderr io.Writer) int {
	root := Root(env) //nolint:contextcheck // cobra passes the context to the command
	root.AddCommand(family(&cobra.Command{Use: "probe", Short: "Test the groundwork"},
		probeService(), probeKey(), probeRead(), probeResult(), probePaint(env), probeNo(), //nolint:contextcheck // as above
	))
	root.SetArgs(append([]string{"probe"}, args...))
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return report(stderr, execute(ctx, root))
}

// probeService asks whether a user is connected.
func probeService() *cobra.Command {
	var at target
	cmd := &cobra.Command{Use: "service USER", Long: targetHelp, Args: exactly(1), RunE: func(cmd *cobra.Command, args []string) error {
		c, err := at.client(cmd, nil)
		if err != nil {
			return err
		}
		there, err := c.User(args[0]).Exists(cmd.Context())
		if err == nil {
			_, err = fmt.Fprintln(cmd.OutOrStdout(), c, there)
		}
		return err
	}}
	at.addTo(cmd.Flags())
	return cmd
}

// probeKey prints the connection string, which hides its key.
func probeKey() *cobra.Command {
	var at target
	cmd := &cobra.Command{Use: "key", Args: exactly(0), RunE: func(cmd *cobra.Command, _ []string) error {
		c, err := at.connection(cmd)
		if err == nil {
			_, err = fmt.Fprintln(cmd.OutOrStdout(), at.named(), len(c.AccessKey), c)
		}
		return err
	}}
	at.addKeyTo(cmd.Flags())
	return cmd
}

// probeRead prints what an argument stands for, of at most 8 bytes.
func probeRead() *cobra.Command {
	return &cobra.Command{Use: "read ARGUMENT", Args: between(1, 1), RunE: func(cmd *cobra.Command, args []string) error {
		data, err := readArgument(cmd, args[0], 8)
		if err != nil {
			return usage("ARGUMENT: %w", err)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%q\n", data)
		return err
	}}
}

// probeResult prints a result in the format of --output.
func probeResult() *cobra.Command {
	var out output
	cmd := &cobra.Command{Use: "result", Args: exactly(0), RunE: func(cmd *cobra.Command, _ []string) error {
		result := struct {
			Text string `json:"text"`
		}{"a <b>"}
		return out.print(cmd.OutOrStdout(), result, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, result.Text)
			return err
		})
	}}
	out.addTo(cmd)
	return cmd
}

// probePaint prints words in all colours.
func probePaint(env Environment) *cobra.Command {
	return &cobra.Command{Use: "paint", Args: exactly(0), RunE: func(cmd *cobra.Command, _ []string) error {
		p := paletteFor(cmd.OutOrStdout(), env)
		_, err := fmt.Fprintln(cmd.OutOrStdout(), p.bold("bold"), p.faint("faint"), p.red("red"), p.green("green"), p.yellow("yellow"), p.cyan("cyan"), p.red(""))
		return err
	}}
}

// probeNo answers no.
func probeNo() *cobra.Command {
	return &cobra.Command{Use: "no", Args: exactly(0), RunE: func(cmd *cobra.Command, _ []string) error {
		fmt.Fprintln(cmd.OutOrStdout(), "no")
		return fmt.Errorf("user: %w", ErrNo)
	}}
}
