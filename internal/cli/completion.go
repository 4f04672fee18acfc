package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

const completionLong = `Prints a script that completes commands, flags and values of flags in your shell.

In the shell at hand:

  bash        source <(webpubsub completion bash)     (needs bash-completion)
  zsh         source <(webpubsub completion zsh)      (needs compinit)
  fish        webpubsub completion fish | source
  PowerShell  webpubsub completion powershell | Out-String | Invoke-Expression

In each new shell, write the script to a file that the shell reads when it starts:

  bash        /etc/bash_completion.d/webpubsub
  zsh         _webpubsub, in a directory of $fpath
  fish        ~/.config/fish/completions/webpubsub.fish
  PowerShell  your profile, which $PROFILE names`

// completionCommand replaces the command of cobra, which has one more for each shell.
func completionCommand() *cobra.Command {
	shells := map[string]func(*cobra.Command, io.Writer) error{
		"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":        (*cobra.Command).GenZshCompletion,
		"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
	}
	return &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     "Print a script for completion in a shell",
		Long:      completionLong,
		Example:   "  webpubsub completion bash > webpubsub.bash",
		Args:      exactly(1),
		ValidArgs: []cobra.Completion{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			write, ok := shells[args[0]]
			if !ok {
				return usage("shell %s: want bash, zsh, fish or powershell", excerpt.Name(args[0]))
			}
			return write(cmd.Root(), cmd.OutOrStdout())
		},
	}
}

// completeValues completes the value of a flag.
func completeValues(cmd *cobra.Command, flag string, values ...cobra.Completion) {
	// It fails for an unknown flag only, and then the test of the completion does.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
