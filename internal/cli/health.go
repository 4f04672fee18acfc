package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/service"
)

func healthCommand() *cobra.Command {
	var out answer
	cmd := &cobra.Command{
		Use:     "health",
		Short:   "Report whether the service is up",
		Example: `  webpubsub health`,
		Args:    exactly(0),
	}
	out.addTo(cmd, "healthy")
	t := &target{hub: "any"} // the operation has none
	t.addServiceTo(cmd.Flags())
	return t.calling(cmd, func(ctx context.Context, c *service.Client, _ []string) error {
		if err := c.Health(ctx); err != nil {
			return err
		}
		return out.give(cmd.OutOrStdout(), true)
	}, "GetServiceStatus")
}
