package cli

import "github.com/spf13/cobra"

const annotationServes = "serves"

// untilInterrupted returns the annotations of a command that runs until it is
// interrupted.
func untilInterrupted() map[string]string { return map[string]string{annotationServes: "yes"} }

// RunsUntilInterrupted reports whether a command runs until it is interrupted.
func RunsUntilInterrupted(cmd *cobra.Command) bool { return cmd.Annotations[annotationServes] != "" }
