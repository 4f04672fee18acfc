package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// suggestFlags adds a flag with a similar name to the error for an unknown flag.
func suggestFlags(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if similar := nearest(unknown.GetSpecifiedName(), names); similar != "" {
		return fmt.Errorf("%w, did you mean --%s?", err, similar)
	}
	return err
}

// nearest returns the name that is most similar to the one given, or "". It uses cobra's
// rule for commands.
func nearest(given string, names []string) string {
	candidates := &cobra.Command{}
	for _, name := range names {
		candidates.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	for candidates.SuggestionsMinimumDistance = 1; candidates.SuggestionsMinimumDistance <= 2; candidates.SuggestionsMinimumDistance++ {
		if similar := candidates.SuggestionsFor(given); len(similar) > 0 {
			return similar[0]
		}
	}
	return ""
}
