package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/cli/similar"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// family makes cmd a command that only has commands below it, such as group. Without one
// of them it prints its help. An unknown one is a usage error with a suggestion: cobra
// would print the help and exit with 0.
func family(cmd *cobra.Command, members ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(members...)
	cmd.DisableFlagsInUseLine = true
	cmd.DisableFlagParsing = true // "group jion --user ann" is an unknown command, not an unknown flag
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 || args[0] == "-h" || args[0] == "--help" {
			return cmd.Help()
		}
		if strings.HasPrefix(args[0], "-") {
			return usage("want a command before flag %s", excerpt.Name(args[0]))
		}
		return unknownCommand(cmd, members, args[0])
	}
	return cmd
}

// unknownCommand returns the error for a name that is none of the commands below parent.
func unknownCommand(parent *cobra.Command, members []*cobra.Command, name string) error {
	names := make([]string, 0, len(members))
	for _, m := range members {
		names = append(names, m.Name())
	}
	hint := "it has no commands"
	if len(names) > 0 {
		hint = similar.Hint(name, names)
	}
	return usage("unknown command %s for %q, %s", excerpt.Name(name), parent.CommandPath(), hint)
}
