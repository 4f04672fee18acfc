package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

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
