package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/service"
)

// action is what a command has done, as JSON. Each command sets the member of its verb and
// those that name what it has changed; its help documents them.
type action struct {
	Accepted   bool     `json:"accepted,omitempty"`
	Added      bool     `json:"added,omitempty"`
	Removed    bool     `json:"removed,omitempty"`
	Closed     bool     `json:"closed,omitempty"`
	Granted    bool     `json:"granted,omitempty"`
	Revoked    bool     `json:"revoked,omitempty"`
	Permission string   `json:"permission,omitempty"`
	All        bool     `json:"all,omitempty"`
	Groups     []string `json:"groups,omitempty"`
	Group      string   `json:"group,omitempty"`
	User       string   `json:"user,omitempty"`
	Connection string   `json:"connection,omitempty"`
	Filter     string   `json:"filter,omitempty"`
	Type       string   `json:"type,omitempty"`
	Bytes      *int     `json:"bytes,omitempty"`
}

// acting makes cmd a command that changes something, and has nothing to print about it but
// what it has done, with --output json. The shape is for the help.
func acting(cmd *cobra.Command, shape string, act func(ctx context.Context, c *service.Client, args []string) (action, error), names ...string) *cobra.Command {
	var out output
	out.addTo(cmd)
	if cmd.Long == "" {
		cmd.Long = cmd.Short + "."
	}
	cmd.Long += "\n\nPrints nothing if it succeeds. With --output json it prints\n" + shape + "."
	return calling(cmd, func(ctx context.Context, c *service.Client, args []string) error {
		done, err := act(ctx, c, args)
		if err != nil {
			return err
		}
		return out.print(cmd.OutOrStdout(), done, func(io.Writer) error { return nil })
	}, names...)
}
