package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// helpCommand replaces the command of cobra, for which an unknown command is no error.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print the help of a command",
		ValidArgsFunction: func(_ *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			if cmd, _, err := root.Find(args); err == nil {
				for _, sub := range cmd.Commands() {
					if sub.IsAvailableCommand() && strings.HasPrefix(sub.Name(), typed) {
						names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil {
				return unknownCommand(root, root.Commands(), args[0])
			}
			if len(rest) > 0 {
				return unknownCommand(cmd, cmd.Commands(), rest[0])
			}
			cmd.InitDefaultHelpFlag() // as --help does
			cmd.InitDefaultVersionFlag()
			return cmd.Help()
		},
	}
}
