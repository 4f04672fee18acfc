package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// Environment returns a variable of the environment and whether it is set.
type Environment func(name string) (string, bool)

// sharedFlags are the flags whose variable is one for all commands: what a command calls
// and with which secret, and the format of its result. They mean the same everywhere.
func sharedFlags() []string {
	return []string{flagConnectionString, flagConnectionStringFile, flagEndpoint, "hub", "url", "url-file", "access-key-file", "output"}
}

// fromEnvironment sets flags of a command that were not given from variables WEBPUBSUB_…,
// unless an alternative to them was given.
func fromEnvironment(cmd *cobra.Command, env Environment) error {
	flags := cmd.Flags()
	var first error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || first != nil || slices.ContainsFunc(f.Annotations[annotationAlternatives], flags.Changed) {
			return
		}
		name := variable(cmd, f.Name)
		v, ok := env(name)
		if !ok || v == "" {
			return
		}
		if err := f.Value.Set(v); err != nil {
			first = usage("%s %s: %w", name, excerpt.Name(upstream.WithoutSecrets(v)), valueRule(f, err))
		}
	})
	return first
}

// variable returns the environment variable of a command's flag. It has the name of the
// command, unless the flag is a shared one, since flags of the same name mean different
// things: --json of trigger is a payload, and --json of connect a format.
func variable(cmd *cobra.Command, flag string) string {
	name := flag
	if _, command, ok := strings.Cut(cmd.CommandPath(), " "); ok && !slices.Contains(sharedFlags(), flag) {
		name = command + "_" + flag
	}
	return "WEBPUBSUB_" + strings.ToUpper(strings.NewReplacer("-", "_", " ", "_").Replace(name))
}
