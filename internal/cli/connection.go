package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/service"
)

func connectionCommand() *cobra.Command {
	return family(&cobra.Command{
		Use:   "connection",
		Short: "Check for a connection, remove it from its groups, close it",
	}, connectionExistsCommand(), connectionLeaveGroupsCommand(), connectionCloseCommand())
}

func connectionExistsCommand() *cobra.Command {
	return asking(&cobra.Command{
		Use:     "exists ID",
		Short:   "Report whether a connection is open",
		Example: `  webpubsub connection exists $CONNECTION --hub chat`,
		Args:    idFirst(1),
	}, "exists", func(ctx context.Context, c *service.Client, args []string) (bool, error) {
		return c.Connection(args[0]).Exists(ctx)
	}, "ConnectionExists")
}

func connectionLeaveGroupsCommand() *cobra.Command {
	return acting(&cobra.Command{
		Use:     "leave-groups ID",
		Short:   "Remove a connection from all groups",
		Example: `  webpubsub connection leave-groups $CONNECTION --hub chat`,
		Args:    idFirst(1),
	}, `{"removed": true, "connection": "…"}`, func(ctx context.Context, c *service.Client, args []string) (action, error) {
		return action{Removed: true, Connection: args[0]}, c.Connection(args[0]).RemoveFromAllGroups(ctx)
	}, "RemoveConnectionFromAllGroups")
}

func connectionCloseCommand() *cobra.Command {
	var opts closing
	var all bool
	cmd := &cobra.Command{
		Use:   "close ID | --all",
		Short: "Close a connection, or all connections of a hub",
		Example: `  webpubsub connection close $CONNECTION --hub chat
  webpubsub connection close --all --reason "maintenance" --hub chat`,
		Args: between(0, 1),
	}
	opts.addTo(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "close all connections of the hub")
	const shape = `{"closed": true, "connection": "…"}, or {"closed": true, "all": true}`
	return acting(cmd, shape, func(ctx context.Context, c *service.Client, args []string) (action, error) {
		closed, err := opts.options()
		switch {
		case err != nil:
			return action{}, err
		case all == (len(args) == 1):
			return action{}, usage("want the id of a connection, or --all, and not both")
		case all:
			return action{Closed: true, All: true}, c.All().CloseConnections(ctx, closed)
		case len(opts.excluded) > 0:
			return action{}, usage("--exclude %s: a single connection is closed, want it with --all only", excerpt.Name(opts.excluded[0]))
		}
		if err := checkID("ID", args[0]); err != nil {
			return action{}, err
		}
		return action{Closed: true, Connection: args[0]}, c.Connection(args[0]).Close(ctx, closed)
	}, "CloseConnection", "CloseAllConnections")
}
