// Package similar finds what a misspelt word was probably meant to be.
package similar

import (
	"strings"

	"github.com/spf13/cobra"
)

// Hint returns what an error says of a word that is none of the names: the most similar
// name, or all of them.
func Hint(given string, names []string) string {
	if meant := Name(given, names); meant != "" {
		return "did you mean " + meant + "?"
	}
	return "want one of " + strings.Join(names, ", ")
}

// Name returns the name that is most similar to the one given, or "". It uses cobra's
// rule for commands.
func Name(given string, names []string) string {
	if given == "" {
		return ""
	}
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
