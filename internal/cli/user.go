package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/service"
)

func userCommand() *cobra.Command {
	return family(&cobra.Command{
		Use:   "user",
		Short: "Check for a user, remove it from its groups, close its connections",
	}, userExistsCommand(), userLeaveGroupsCommand(), userCloseCommand())
}

func userExistsCommand() *cobra.Command {
	return asking(&cobra.Command{
		Use:     "exists ID",
		Short:   "Report whether a user has a connection",
		Example: `  webpubsub user exists ann --hub chat`,
		Args:    idFirst(1),
	}, "exists", func(ctx context.Context, c *service.Client, args []string) (bool, error) {
		return c.User(args[0]).Exists(ctx)
	}, "UserExists")
}

func userLeaveGroupsCommand() *cobra.Command {
	return acting(&cobra.Command{
		Use:     "leave-groups ID",
		Short:   "Remove all connections of a user from all groups",
		Example: `  webpubsub user leave-groups ann --hub chat`,
		Args:    idFirst(1),
	}, `{"removed": true, "user": "ann"}`, func(ctx context.Context, c *service.Client, args []string) (action, error) {
		return action{Removed: true, User: args[0]}, c.User(args[0]).RemoveFromAllGroups(ctx)
	}, "RemoveUserFromAllGroups")
}

func userCloseCommand() *cobra.Command {
	var opts closing
	cmd := &cobra.Command{
		Use:     "close ID",
		Short:   "Close all connections of a user",
		Example: `  webpubsub user close ann --reason "signed out" --hub chat`,
		Args:    idFirst(1),
	}
	opts.addTo(cmd)
	return acting(cmd, `{"closed": true, "user": "ann"}`, func(ctx context.Context, c *service.Client, args []string) (action, error) {
		closed, err := opts.options()
		if err != nil {
			return action{}, err
		}
		return action{Closed: true, User: args[0]}, c.User(args[0]).CloseConnections(ctx, closed)
	}, "CloseUserConnections")
}
