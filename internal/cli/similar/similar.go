// Package similar finds what a misspelt word was probably meant to be.
package similar

import "github.com/spf13/cobra"

// Name returns the name that is most similar to the one given, or "". It uses cobra's
// rule for commands.
func Name(given string, names []string) string {
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
