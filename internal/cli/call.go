package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/service"
)

// operations is the annotation of a command with the operations of the REST API that it
// calls. A test checks that the commands call all of them.
const operations = "operations"

// A call is the work of a command on a hub of the service.
type call func(ctx context.Context, c *service.Client, args []string) error

// calling makes cmd a command that calls operations of the REST API. It adds the flags
// of a target, and the operations to the help.
func calling(cmd *cobra.Command, run call, names ...string) *cobra.Command {
	var t target
	t.addTo(cmd.Flags())
	return t.calling(cmd, run, names...)
}

// calling makes cmd a command that calls a target, whose flags it has.
func (t *target) calling(cmd *cobra.Command, run call, names ...string) *cobra.Command {
	cmd.Annotations = map[string]string{operations: strings.Join(names, " ")}
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	cmd.Long = long + "\n\n" + targetHelp + "\n\nREST API: " + strings.Join(names, ", ") + "."
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := t.client(cmd, nil)
		if err != nil {
			return err
		}
		err = run(cmd.Context(), c, args)
		if errors.Is(err, service.ErrInvalid) {
			return usage("%w", err)
		}
		return err
	}
	return cmd
}
