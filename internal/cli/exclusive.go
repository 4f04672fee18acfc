package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const annotationAlternatives = "alternatives"

// alternatives makes flags such of which one can be given. One on the command line has
// precedence over the others in the environment.
func alternatives(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		_ = flags.SetAnnotation(name, annotationAlternatives, names) // fails for an unknown flag only
	}
}

// checkAlternatives returns an error if more than one of some alternatives was given.
func checkAlternatives(cmd *cobra.Command) error {
	var first error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if first == nil {
			first = exclusive(cmd, f.Annotations[annotationAlternatives]...)
		}
	})
	return first
}

// exclusive returns an error if more than one of the flags was given on the command line.
// Cobra's own check comes after a command has started.
func exclusive(cmd *cobra.Command, names ...string) error {
	var given []string
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) > 1 {
		return usage("%s: want one of them", strings.Join(given, " and "))
	}
	return nil
}

// alone returns an error if a flag was given together with any of the others.
func alone(cmd *cobra.Command, name string, others ...string) error {
	if !cmd.Flags().Changed(name) {
		return nil
	}
	slices.Sort(others)
	for _, other := range others {
		if err := exclusive(cmd, name, other); err != nil {
			return err
		}
	}
	return nil
}
