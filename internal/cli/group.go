package cli

import (
	"context"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/service"
)

func groupCommand() *cobra.Command {
	return family(&cobra.Command{
		Use:   "group",
		Short: "List, change and close groups",
	}, groupAddCommand(), groupRemoveCommand(), groupListCommand(), groupExistsCommand(), groupCloseCommand())
}

// selection selects who is added to groups or removed from them.
type selection struct {
	user, connection string
	filter           filterFlag
}

const selectionHelp = `--user means all current connections of a user, and --filter all connections that match.
With --filter, several groups are changed by one call. Otherwise there is one call for
each group, and the first error ends the command.`

// selectionShape is about the JSON document.
const selectionShape = `,
where "connection" or "filter" takes the place of "user"`

func (m *selection) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.user, "user", "", "`id` of a user")
	f.StringVar(&m.connection, "connection", "", "`id` of a connection")
	f.Var(&m.filter, "filter", "`filter` that selects connections")
	alternatives(f, "user", "connection", "filter")
	cmd.Args = between(1, math.MaxInt)
	cmd.Long = cmd.Short + ".\n\n" + selectionHelp + "\n\n" + filterHelp
}

// change calls the function for the kind of member, for each group where it takes one.
func (m *selection) change(groups []string, user, connection func(group string) error, filtered func() error) error {
	given := 0
	for _, value := range []string{m.user, m.connection, m.filter.text} {
		if value != "" {
			given++
		}
	}
	one := user
	switch {
	case given != 1:
		return usage("%d of --user, --connection and --filter are set, want one of them", given)
	case m.filter.text != "":
		return filtered()
	case m.connection != "":
		if err := checkID("--connection", m.connection); err != nil {
			return err
		}
		one = connection
	default:
		if err := checkID("--user", m.user); err != nil {
			return err
		}
	}
	for _, g := range groups {
		if err := checkGroup("NAME", g); err != nil {
			return err
		}
	}
	for _, g := range groups {
		if err := one(g); err != nil {
			return err
		}
	}
	return nil
}

func groupAddCommand() *cobra.Command {
	var m selection
	cmd := &cobra.Command{
		Use:   "add NAME...",
		Short: "Add a user, a connection or all that match a filter to groups",
		Example: `  webpubsub group add lobby --user ann --hub chat
  webpubsub group add lobby news --filter "userId ne null" --hub chat`,
	}
	m.addTo(cmd)
	return acting(cmd, `{"added": true, "groups": ["lobby"], "user": "ann"}`+selectionShape, func(ctx context.Context, c *service.Client, groups []string) (action, error) {
		return action{Added: true, Groups: groups, User: m.user, Connection: m.connection, Filter: m.filter.text}, m.change(groups,
			func(g string) error { return c.Group(g).AddUser(ctx, m.user) },
			func(g string) error { return c.Group(g).AddConnection(ctx, m.connection) },
			func() error { return c.AddToGroups(ctx, groups, m.filter.filter()) })
	}, "AddUserToGroup", "AddConnectionToGroup", "AddConnectionsToGroups")
}

func groupRemoveCommand() *cobra.Command {
	var m selection
	cmd := &cobra.Command{
		Use:   "remove NAME...",
		Short: "Remove a user, a connection or all that match a filter from groups",
		Example: `  webpubsub group remove lobby --user ann --hub chat
  webpubsub group remove lobby news --filter true --hub chat`,
	}
	m.addTo(cmd)
	return acting(cmd, `{"removed": true, "groups": ["lobby"], "user": "ann"}`+selectionShape, func(ctx context.Context, c *service.Client, groups []string) (action, error) {
		return action{Removed: true, Groups: groups, User: m.user, Connection: m.connection, Filter: m.filter.text}, m.change(groups,
			func(g string) error { return c.Group(g).RemoveUser(ctx, m.user) },
			func(g string) error { return c.Group(g).RemoveConnection(ctx, m.connection) },
			func() error { return c.RemoveFromGroups(ctx, groups, m.filter.filter()) })
	}, "RemoveUserFromGroup", "RemoveConnectionFromGroup", "RemoveConnectionsFromGroups")
}

func groupListCommand() *cobra.Command {
	var out output
	var opts service.ListOptions
	cmd := &cobra.Command{
		Use:   "list NAME",
		Short: "List the connections in a group",
		Long: `Lists the connections in a group, page by page as the service returns them. A line has
the id of the connection and, after a tab, that of its user. With --output json a line is
{"connectionId": "…", "userId": "…"}. An empty group prints nothing.`,
		Example: `  webpubsub group list lobby --hub chat
  webpubsub group list lobby --hub chat --output json --top 10`,
		Args: groupFirst(1),
	}
	out.addTo(cmd)
	cmd.Flags().IntVar(&opts.Top, "top", 0, "maximum `number` of connections, 0 for all")
	cmd.Flags().IntVar(&opts.PageSize, "page-size", 0, "`number` of connections per request, 1 to 200, 0 for the service's default")
	return calling(cmd, func(ctx context.Context, c *service.Client, args []string) error {
		if opts.Top < 0 || opts.Top > math.MaxInt32 {
			return usage("--top %d: want 0 to %d", opts.Top, math.MaxInt32)
		}
		if opts.PageSize < 0 || opts.PageSize > 200 {
			return usage("--page-size %d: want 1 to 200, or 0 for the service's default", opts.PageSize)
		}
		w := cmd.OutOrStdout()
		lines := jsonLines(w)
		for m, err := range c.Group(args[0]).Connections(ctx, &opts) {
			switch {
			case err != nil:
				return err
			case out.json():
				err = lines.Encode(m)
			case m.UserID == "":
				_, err = fmt.Fprintln(w, printable(m.ConnectionID))
			default:
				_, err = fmt.Fprintf(w, "%s\t%s\n", printable(m.ConnectionID), printable(m.UserID))
			}
			if err != nil {
				return err
			}
		}
		return nil
	}, "ListConnectionsInGroup")
}

func groupExistsCommand() *cobra.Command {
	return asking(&cobra.Command{
		Use:     "exists NAME",
		Short:   "Report whether a connection is in a group",
		Example: `  webpubsub group exists lobby --hub chat`,
		Args:    groupFirst(1),
	}, "exists", func(ctx context.Context, c *service.Client, args []string) (bool, error) {
		return c.Group(args[0]).Exists(ctx)
	}, "GroupExists")
}

func groupCloseCommand() *cobra.Command {
	var opts closing
	cmd := &cobra.Command{
		Use:     "close NAME",
		Short:   "Close all connections in a group",
		Example: `  webpubsub group close lobby --reason "closing time" --hub chat`,
		Args:    groupFirst(1),
	}
	opts.addTo(cmd)
	return acting(cmd, `{"closed": true, "group": "lobby"}`, func(ctx context.Context, c *service.Client, args []string) (action, error) {
		closed, err := opts.options()
		if err != nil {
			return action{}, err
		}
		return action{Closed: true, Group: args[0]}, c.Group(args[0]).CloseConnections(ctx, closed)
	}, "CloseGroupConnections")
}
