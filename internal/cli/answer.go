package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/service"
)

// answer is the result of a command that asks a question: yes, or no with exit code 1.
type answer struct {
	output
	member string // of the JSON document
}

const answerHelp = `Prints yes or no; the exit code is 0 or 1. With --output json it prints {"%s": true}
or {"%[1]s": false}.`

// addTo adds the flag --output and the help. The answer is a member of a JSON document.
func (a *answer) addTo(cmd *cobra.Command, member string) {
	a.member = member
	a.output.addTo(cmd)
	cmd.Long = cmd.Short + ".\n\n" + fmt.Sprintf(answerHelp, member)
}

// asking makes cmd a command that asks the service a question.
func asking(cmd *cobra.Command, member string, ask func(ctx context.Context, c *service.Client, args []string) (bool, error), operation string) *cobra.Command {
	var out answer
	out.addTo(cmd, member)
	return calling(cmd, func(ctx context.Context, c *service.Client, args []string) error {
		yes, err := ask(ctx, c, args)
		if err != nil {
			return err
		}
		return out.give(cmd.OutOrStdout(), yes)
	}, operation)
}

// give prints the answer. It returns ErrNo for no.
func (a *answer) give(w io.Writer, yes bool) error {
	err := a.print(w, map[string]bool{a.member: yes}, func(w io.Writer) error {
		word := "no"
		if yes {
			word = "yes"
		}
		_, err := fmt.Fprintln(w, word)
		return err
	})
	if err == nil && !yes {
		return ErrNo
	}
	return err
}
