package cli

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/cli/similar"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/service"
)

func permissionCommand() *cobra.Command {
	return family(&cobra.Command{
		Use:   "permission",
		Short: "Grant, revoke and check permissions of a connection",
	}, permissionGrantCommand(), permissionRevokeCommand(), permissionCheckCommand())
}

const permissionHelp = `PERMISSION is sendToGroup or joinLeaveGroup. It is for one group and ends with the
connection.`

// permission holds the flags of a permission.
type permission struct{ connection, group string }

func (p *permission) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.connection, "connection", "", "`id` of the connection")
	cmd.Flags().StringVar(&p.group, "group", "", "`name` of the group")
	cmd.ValidArgs = []cobra.Completion{string(service.SendToGroup), string(service.JoinLeaveGroup)}
	cmd.Args = exactly(1)
	if cmd.Long == "" {
		cmd.Long = cmd.Short + "."
	}
	cmd.Long += "\n\n" + permissionHelp
}

// parsePermission returns the permission of a name.
func parsePermission(name string) (service.Permission, error) {
	known := []string{string(service.SendToGroup), string(service.JoinLeaveGroup)}
	for _, p := range known {
		if strings.EqualFold(name, p) {
			return service.Permission(p), nil
		}
	}
	return "", usage("PERMISSION %s: %s", excerpt.Name(name), similar.Hint(name, known))
}

// check returns the permission of the arguments, and checks the flags.
func (p *permission) check(args []string) (service.Permission, error) {
	parsed, err := parsePermission(args[0])
	switch {
	case err != nil:
		return "", err
	case p.connection == "":
		return "", usage("--connection is missing, want the id of a connection")
	case p.group == "":
		return "", usage("--group is missing, want the name of a group")
	}
	return parsed, cmp.Or(checkID("--connection", p.connection), checkGroup("--group", p.group))
}

func permissionGrantCommand() *cobra.Command {
	var in permission
	cmd := &cobra.Command{
		Use:   "grant PERMISSION",
		Short: "Grant a connection a permission in a group",
		Example: `  webpubsub permission grant sendToGroup --hub chat \
    --connection $CONNECTION --group lobby`,
	}
	in.addTo(cmd)
	return acting(cmd, `{"granted": true, "permission": "sendToGroup", "group": "lobby", "connection": "…"}`, func(ctx context.Context, c *service.Client, args []string) (action, error) {
		p, err := in.check(args)
		if err != nil {
			return action{}, err
		}
		return action{Granted: true, Permission: string(p), Group: in.group, Connection: in.connection}, c.Connection(in.connection).Grant(ctx, p, in.group)
	}, "GrantPermission")
}

func permissionRevokeCommand() *cobra.Command {
	var in permission
	cmd := &cobra.Command{
		Use:   "revoke PERMISSION",
		Short: "Revoke a permission of a connection in a group",
		Example: `  webpubsub permission revoke sendToGroup --hub chat \
    --connection $CONNECTION --group lobby`,
	}
	in.addTo(cmd)
	return acting(cmd, `{"revoked": true, "permission": "sendToGroup", "group": "lobby", "connection": "…"}`, func(ctx context.Context, c *service.Client, args []string) (action, error) {
		p, err := in.check(args)
		if err != nil {
			return action{}, err
		}
		return action{Revoked: true, Permission: string(p), Group: in.group, Connection: in.connection}, c.Connection(in.connection).Revoke(ctx, p, in.group)
	}, "RevokePermission")
}

func permissionCheckCommand() *cobra.Command {
	var out answer
	cmd := &cobra.Command{
		Use:   "check PERMISSION",
		Short: "Report whether a connection has a permission in a group",
		Example: `  webpubsub permission check sendToGroup --hub chat \
    --connection $CONNECTION --group lobby || echo "may not send"`,
	}
	out.addTo(cmd, "granted")
	var in permission
	in.addTo(cmd)
	return calling(cmd, func(ctx context.Context, c *service.Client, args []string) error {
		p, err := in.check(args)
		if err != nil {
			return err
		}
		yes, err := c.Connection(in.connection).HasPermission(ctx, p, in.group)
		if err != nil {
			return err
		}
		return out.give(cmd.OutOrStdout(), yes)
	}, "CheckPermission")
}
