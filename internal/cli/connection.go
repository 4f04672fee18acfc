package cli

import (
	"context"

	"github.com/spf13/cobra"

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
		Args:    exactly(1),
	}, "exists", func(ctx context.Context, c *service.Client, args []string) (bool, error) {
		return c.Connection(args[0]).Exists(ctx)
	}, "ConnectionExists")
}

func connectionLeaveGroupsCommand() *cobra.Command {
	return acting(&cobra.Command{
		Use:     "leave-groups ID",
		Short:   "Remove a connection from all groups",
		Example: `  webpubsub connection leave-groups $CONNECTION --hub chat`,
		Args:    exactly(1),
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
		switch {
		case all == (len(args) == 1):
			return action{}, usage("want the id of a connection, or --all, and not both")
		case all:
			return action{Closed: true, All: true}, c.All().CloseConnections(ctx, opts.options())
		case len(opts.excluded) > 0:
			return action{}, usage("--exclude: a single connection is closed, want it with --all only")
		}
		return action{Closed: true, Connection: args[0]}, c.Connection(args[0]).Close(ctx, opts.options())
	}, "CloseConnection", "CloseAllConnections")
}
