package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/version"
)

const versionLong = `Prints the version of webpubsub, that of the build if it differs, and the version of
Go that built it.

JSON: {"version", "build", "go", "os", "arch"}. build is the module's version as Go
recorded it, empty for a build without one.`

// versionInfo is the result of the command version.
type versionInfo struct {
	Version string `json:"version"`
	Build   string `json:"build"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func versionCommand() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  versionLong,
		Example: `  webpubsub version
  webpubsub version --output json`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return out.print(cmd.OutOrStdout(), readVersion(), func(w io.Writer) error {
				_, err := fmt.Fprintln(w, versionText())
				return err
			})
		},
	}
	out.addTo(cmd)
	return cmd
}

func readVersion() versionInfo {
	v := versionInfo{Version: version.Version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "(devel)" {
		v.Build = info.Main.Version
	}
	return v
}

// versionText returns the versions on one line.
func versionText() string {
	v := readVersion()
	text := "webpubsub " + v.Version
	if v.Build != "" && v.Build != "v"+v.Version {
		text += " (" + v.Build + ")"
	}
	return text + " " + v.Go
}
