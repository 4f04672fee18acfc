package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/version"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  webpubsub version",
		Args:    exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), versionText())
			return err
		},
	}
}

// versionText returns the version of the module, that of the build if it differs, and
// the version of Go.
func versionText() string {
	text := "webpubsub " + version.Version
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "" && info.Main.Version != "(devel)" && info.Main.Version != "v"+version.Version {
		text += " (" + info.Main.Version + ")"
	}
	return text + " " + runtime.Version()
}
